# Ce qui est apparu à proximité.
new-title = Nouveautés
new-lead = Les fichiers apparus sur ce réseau, et les nœuds venus pour la première fois.
new-feed = Flux
new-feed-title = Nouveautés près de { $node }
new-feed-entry = { $node } : { $what }
new-feed-entry-in = { $node } : { $what } dans « { $folder } »
new-since = { $count ->
    [one] { $count } nouveauté depuis votre dernière visite
   *[other] { $count } nouveautés depuis votre dernière visite
}
new-mark = nouveau
new-nothing = Rien de nouveau pour l’instant
new-nothing-why = Ce que les autres ajoutent à leurs dossiers apparaît ici tout seul.
new-who = Qui est là
new-gone = absent pour l’instant
new-unnamed = Un nœud sans nom
new-last-hour = Depuis une heure
new-last-day = Depuis 24 heures
new-days-ago = { $count ->
    [one] Il y a { $count } jour
   *[other] Il y a { $count } jours
}
new-weeks-ago = { $count ->
    [one] Il y a { $count } semaine
   *[other] Il y a { $count } semaines
}
new-met-empty = est là
new-met = est là avec { $files }, { $size }
new-added = { $files }, { $size }
new-more = { $count ->
    [one] et { $count } autre
   *[other] et { $count } autres
}
