# Ce qui n’est pas offert, et ce qui n’est pas pris.
held-title = Retenus
held-lead = Ce que ce nœud n’offre pas, ou ne prend pas chez ses voisins, et pourquoi.
held-names = Les noms sont montrés à la personne qui fait tourner ce nœud.
held-not-offered = Non offert par ce nœud
held-all-offered = Tout le contenu du dossier est offert.
held-count = { $files }, chacun pour sa raison. Les fichiers cachés ne sont jamais offerts, ni comptés.
held-name = Nom
held-why = Pourquoi
held-when = Quand
held-from = De
held-on = Chez
held-other-size = Autre taille
held-what = Ce qui se passe
held-conflicts = Même nom, autre contenu
held-untouched = Rien de ce qui est ici n’a été touché.
held-decide = Décider
held-not-portable = Non pris : certains systèmes ne savent pas enregistrer ce nom
held-one-by-one = « Copier ici » en prend un malgré tout, si ce système sait l’enregistrer ; avec --any-name, le nœud les prend tous.
held-failures = Non arrivés récemment
held-again = De nouveaux essais se font automatiquement.
held-not-taken = Non pris chez les voisins
held-conflicts-count = { $count ->
    [one] { $count } nom du voisinage désigne ici un autre contenu.
   *[other] { $count } noms du voisinage désignent ici un autre contenu.
}

held-link = C’est un lien ; les liens ne sont pas suivis, ils peuvent mener hors du dossier.
held-no-file = Ce n’est pas un fichier ordinaire.
held-unreadable = Impossible de le lire.
held-name-not-utf8 = Son nom n’est pas un texte valide (UTF-8).
held-name-not-plain = Son nom a une partie vide, ou faite de points seulement.
held-name-hidden = Il est caché : une partie de son nom commence par un point.
held-name-control = Son nom contient des sauts de ligne ou des caractères de contrôle.
held-name-deceptive = Son nom contient des marques invisibles qui le font lire autrement.
held-name-windows-path = Son nom contient une barre oblique inverse, ou commence comme un lecteur Windows.
held-name-reserved = Le nom de son dossier, « forban », est réservé.
held-name-too-long = Son nom est trop long.
held-name-too-long-to-list = Une partie de son nom dépasse 245 octets, ce que d’autres nœuds ne savent pas enregistrer.
held-name-special = Son nom contient un des signes * ? " < > |, que tous les systèmes ne savent pas enregistrer.
held-name-edge = Une partie de son nom commence par une espace, ou finit par une espace ou un point.
held-name-device = Son nom est celui d’un périphérique sous Windows.
held-name-acts = Windows réagit de lui-même aux fichiers de ce nom.
