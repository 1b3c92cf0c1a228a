# Qui utilise ici le protocole Napster.
directory-title = Annuaire Napster
directory-lead = Les programmes qui parlent l’ancien protocole Napster partagent eux aussi à travers ce nœud.
directory-where = Ils se connectent ici sur le port TCP { $port }. Toute recherche trouve ce qu’ils inscrivent, et ils trouvent ce qu’offrent ce nœud et ses voisins.
directory-none = Aucun annuaire ne tourne sur ce nœud : il a été désactivé, ou son port était pris au démarrage.
directory-serves = Ils prennent les fichiers de ce nœud sur le port { $port }.
directory-hashing = Encore en lecture sur ce nœud : { $files }. Un fichier est trouvé une fois son contenu connu.
directory-sessions = Connectés
directory-nobody = Personne n’est connecté.
directory-nobody-why = La plupart des gens n’en ont pas besoin : un navigateur suffit.
directory-peer = Pair
directory-files = Fichiers
directory-since = Connecté
directory-port = Port
directory-claims = dit être { $address }
directory-silent = { $count ->
    [one] n’a pas répondu { $count } fois
   *[other] n’a pas répondu { $count } fois
}
directory-registered = Ce qu’ils ont inscrit
directory-nothing = Rien n’est inscrit ici.
directory-file = Fichier
directory-peers = Pairs
directory-downloads = Téléchargements
directory-fetched = Pris ici par des pairs Napster
directory-joined = Annuaires que ce nœud a rejoints
directory-join-connecting = connexion en cours
directory-join-registered = Inscrits là-bas : { $files }
directory-join-full = Inscrits là-bas : { $files } ; il n’en prend pas plus : { $why }
directory-join-waiting = nouvel essai plus tard : { $why }
directory-json = La même chose pour les programmes
