# Ce que disent toutes les pages.
common-files = { $count ->
    [one] { $count } fichier
   *[other] { $count } fichiers
}
common-percent = { $percent } %
common-just-now = à l’instant
common-ago = il y a { $time }
common-seconds = { $count } s
common-minutes = { $count } min
common-hours = { $minutes ->
    [0] { $hours } h
   *[other] { $hours } h { $minutes } min
}
common-days = { $count ->
    [one] { $count } jour
   *[other] { $count } jours
}
common-months = { $count } mois
common-years = { $count ->
    [one] { $count } an
   *[other] { $count } ans
}

common-skip = Aller au contenu
common-search = Chercher
common-search-nearby = Chercher dans tout le voisinage
common-pages = Pages
common-nav-search = Chercher
common-nav-near = Voisins
common-nav-new = Nouveau
common-nav-transfers = Transferts
common-nav-bring = Ajouter
common-nav-join = Rejoindre
common-nav-files = Fichiers d’ici
common-nav-held-back = Retenus
common-nav-napster = Napster
common-nav-help = Aide
common-nav-operator = Ce nœud
common-away = Le nœud ne répond pas. Nouvel essai…
common-paging = Suite de la liste
common-more-pages = Autres pages
common-foot = boucan { $version } : des fichiers pour tout le monde sur ce réseau.

common-previous = Précédents
common-next = Suivants
common-rows = { $first }–{ $last } sur { $total }
common-copy = Copier
common-copied = Copié
