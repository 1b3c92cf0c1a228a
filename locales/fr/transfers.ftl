# Ce qui arrive, ce qui part, et ce qui attend une décision.
transfers-title = Transferts
transfers-in = En arrivée
transfers-out = En départ
transfers-pause = Mettre en pause
transfers-resume = Reprendre
transfers-retry = Réessayer
transfers-retry-all = Tout réessayer maintenant
transfers-cancel = Annuler
transfers-cancel-all = Tout annuler
transfers-cancel-of = Annuler { $name }
transfers-detail = Détails

transfers-idle = Tout ce qu’il y avait à prendre chez les voisins est ici.
transfers-off = Rien n’arrive : ce nœud ne fait qu’offrir ses fichiers.
transfers-off-how = « Copier ici », à côté d’un fichier d’un autre nœud, le fait venir. Pour copier tout le voisinage, démarrez le nœud avec --opportunistic.
transfers-to-come = Encore { $files }, { $size }.
transfers-paused = En pause, par la personne qui fait tourner ce nœud.
transfers-speed-about = { $speed }, encore { $time } environ
transfers-of = { $here } sur { $whole }
transfers-left = encore { $time }
transfers-asking = demandé à { $name }
transfers-from = de
transfers-asked-for = demandé
transfers-more-files = { $count ->
    [one] et { $count } autre
   *[other] et { $count } autres
}
transfers-more-nodes = { $count ->
    [one] { $count } autre nœud
   *[other] { $count } autres nœuds
}

transfers-wished = Demandés
transfers-from-node = { $size } de { $name }
transfers-instead = { $size } de { $name }, à la place du fichier présent ici
transfers-coming = Il arrive.
transfers-badge-coming = arrive
transfers-badge-waiting = attend
transfers-badge-failed = échoué

transfers-conflicts = Même nom, autre contenu
transfers-conflicts-lead = Rien n’a été touché ici. À vous de décider ; avec « Prendre le leur », le fichier remplacé est gardé dans le dossier caché .boucan/replaced.
transfers-conflict-sizes = { $ours } ici, { $theirs } chez { $names }
transfers-conflict-theirs = { $theirs } chez { $names }
transfers-conflict-beside = Il est ici aussi, sous le nom { $name }.
transfers-conflict-fetching = Il arrive sous le nom { $name }.
transfers-conflict-cannot-stand = Il ne peut pas côtoyer un fichier ou un dossier déjà présent : il faudrait à l’un le nom de l’autre, ou ils ne diffèrent que par les majuscules.
transfers-conflict-replacing = Il est plus récent que la copie présente ici, et vient prendre sa place.
transfers-conflict-skipped = Selon les règles de ce nœud, les autres versions sont seulement montrées.
transfers-conflict-older = Il n’est pas plus récent que celui présent ici.
transfers-conflict-too-many = Il y en a déjà trop de versions.
transfers-keep-ours = Garder le nôtre
transfers-keep-both = Garder les deux
transfers-take-theirs = Prendre le leur

transfers-waiting = En attente
transfers-again = nouvel essai dans { $time }
transfers-names = Les noms des fichiers en attente sont montrés à la personne qui fait tourner ce nœud.
transfers-why-turn = D’autres passent d’abord.
transfers-why-same-content = Le même contenu arrive sous un autre nom ; celui-ci en sera copié.
transfers-why-content-awaited = Il est encore en cours de lecture, pour pouvoir être vérifié à l’arrivée.
transfers-why-may-pass = Une autre version est ici. Celle-ci viendra si elle dure.
transfers-why-enough-nearby = Assez de nœuds voisins l’ont, ou c’est le tour d’un autre de le prendre.
transfers-why-failed = La dernière tentative a échoué.
transfers-why-gone = Aucun des nœuds qui l’ont n’est là en ce moment.
transfers-why-resting = { $name } n’a pas répondu comme il faut, et est laissé tranquille un moment.
transfers-why-distrusted = { $name } a envoyé autre chose que ce qu’il avait annoncé.

transfers-hindered-no-folder = Le dossier partagé n’est pas là. Son disque est-il branché ?
transfers-hindered-unread = Le dossier partagé est d’abord parcouru.
transfers-hindered-read-only = Impossible d’écrire dans le dossier partagé.
transfers-hindered-budget = Les { $size } prévus pour les copies sont épuisés.
transfers-hindered-reserve = Le disque est presque plein : { $size } restent libres.
transfers-hindered-inodes = Le disque contient trop de fichiers.
transfers-hindered-disk = Le disque a signalé une erreur.

transfers-failed-unreachable = L’autre nœud est injoignable.
transfers-failed-too-slow = Rien n’est arrivé à temps.
transfers-failed-broken = La connexion a été interrompue.
transfers-failed-not-there = L’autre nœud ne l’a plus.
transfers-failed-busy = L’autre nœud était trop occupé.
transfers-failed-wrong-answer = La réponse n’est pas ce qui était demandé.
transfers-failed-wrong-content = Ce qui est arrivé n’est pas ce qui était annoncé.
transfers-failed-nobody-gives = Aucun des nœuds qui l’ont ne le donne en ce moment.
transfers-failed-name-taken = Un autre fichier porte ce nom ici.
transfers-failed-in-the-way = Un fichier et un dossier veulent le même nom ici.
transfers-failed-changed-here = Le fichier présent ici a changé entre-temps.
transfers-failed-cannot-replace = Ce disque ne sait pas échanger deux fichiers sans risque.
transfers-failed-our-disk = Impossible de l’enregistrer sur ce disque.
transfers-failed-not-reached = Son tour n’est pas venu ; il sera redemandé.
transfers-failed-cancelled = Annulé.

transfers-lately = Arrivés récemment
transfers-file = Fichier
transfers-size = Taille
transfers-when = Quand
transfers-how = Comment
transfers-who = Qui
transfers-came-from = de { $names } en { $time }
transfers-copied-here = copié d’un fichier déjà présent

transfers-downloads = { $count ->
    [one] { $count } téléchargement depuis ce nœud, { $speed }
   *[other] { $count } téléchargements depuis ce nœud, { $speed }
}
transfers-nothing-out = Personne ne télécharge depuis ce nœud en ce moment.
transfers-sent = { $size } envoyés depuis le démarrage.
transfers-left-lately = Téléchargés récemment depuis ce nœud
transfers-unnamed = Un fichier qui arrive encore ici
transfers-way-file = par un navigateur ou un programme
transfers-way-small-files = { $count ->
    [one] { $count } petit fichier, à un nœud
   *[other] { $count } petits fichiers, à un nœud
}
transfers-way-pieces = par morceaux, à un nœud
transfers-way-archive = un dossier entier en un seul fichier
transfers-way-napster = à un pair Napster
transfers-way-relay = d’un pair Napster, à travers ce nœud
transfers-end-whole = entier
transfers-end-part = une partie
transfers-end-broken = interrompu

transfers-room = Place pour les copies
transfers-room-said = { $used } occupés, { $left } encore libres
transfers-room-more = Dans le détail
transfers-room-copies = Copies du voisinage
transfers-room-under-way = En route
transfers-room-resting = Commencés, au repos
transfers-room-budget = Permis pour les copies
transfers-room-free = Libre sur le disque
transfers-room-reserve = Dont toujours laissé libre

transfers-not-taken = Non pris
transfers-nothing-left-out = Rien n’est laissé de côté.
transfers-held-back = Chaque nom, et pourquoi
transfers-out-by-rule = { $count ->
    [one] { $count } fichier est laissé de côté par les règles de ce nœud.
   *[other] { $count } fichiers sont laissés de côté par les règles de ce nœud.
}
transfers-out-names = { $count ->
    [one] { $count } fichier a un nom que certains systèmes ne savent pas enregistrer.
   *[other] { $count } fichiers ont des noms que certains systèmes ne savent pas enregistrer.
}
transfers-out-deleted = { $count ->
    [one] { $count } fichier a été supprimé ici, et n’est pas récupéré à nouveau.
   *[other] { $count } fichiers ont été supprimés ici, et ne sont pas récupérés à nouveau.
}
transfers-out-enough = { $count ->
    [one] { $count } fichier : assez de nœuds voisins l’ont.
   *[other] { $count } fichiers : assez de nœuds voisins les ont.
}
transfers-out-settled = { $count ->
    [one] { $count } autre version : vous gardez la vôtre.
   *[other] { $count } autres versions : vous gardez les vôtres.
}
transfers-programs = La même chose pour les programmes :
