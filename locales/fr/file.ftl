# Un fichier d’un nœud.
file-about = À propos de ce fichier
file-bytes = { $count ->
    [one] { $count } octet
   *[other] { $count } octets
}
file-kind = Type
file-kind-video = Vidéo
file-kind-audio = Son
file-kind-picture = Image
file-kind-document = Document
file-kind-archive = Archive
file-kind-program = Programme
file-kind-other = Autre chose
file-on = Sur
file-this-node = ce nœud
file-also = Le même sur
file-not-known = Pas encore connu : il n’a pas été comparé à ce qu’ont les autres.
file-nobody = Personne d’autre dans le voisinage
file-more-holders = { $count ->
    [one] et un autre
   *[other] et { $count } autres
}
file-fingerprints = Empreintes
file-fingerprints-why = Une copie est identique, au bit près, si son empreinte l’est.
file-beside = Avant et après dans le dossier
file-cut = Seul le début est affiché. Téléchargez-le pour lire la suite.
file-unread = Impossible de l’afficher pour l’instant. Rechargez la page, ou téléchargez-le.
file-not-played = Les navigateurs ne lisent pas ce format. Téléchargez-le et ouvrez-le dans un lecteur.
file-too-large = Cette image est trop grande pour être affichée ici. Téléchargez-la.
file-pdf = Pour votre sécurité, un PDF ne s’ouvre pas dans cette page. Téléchargez-le et ouvrez-le ensuite.
