# La recherche : les résultats.
search-title = Tout le voisinage
search-everything = Tout le voisinage : { $files }
search-nothing = Rien trouvé
search-said = { $count } pour « { $words } »
search-away = Le nœud ne répond pas pour l’instant.
search-kinds = Types de fichiers
search-all-kinds = Tout
search-video = Vidéos
search-audio = Audio
search-picture = Images
search-document = Documents
search-archive = Archives
search-program = Programmes
search-other = Autres
search-take-away = Enlever ce filtre
search-at-least = au moins { $size }
search-at-most = au plus { $size }
search-only-on = seulement chez { $node }
search-on-gone = seulement chez un nœud absent
search-narrow = Taille, nœud, ordre
search-least = Taille minimale
search-most = Taille maximale
search-bad-size = Ce n’est pas une taille ; écrire 10 Mo ou 1,5 Go.
search-node = Chez
search-any-node = Tous les nœuds
search-apply = Appliquer
search-order = Classement
search-order-relevance = Les meilleurs d’abord
search-order-name = Nom, de A à Z
search-order-name-back = Nom, de Z à A
search-order-size = Les plus gros d’abord
search-order-size-back = Les plus petits d’abord
search-order-holders = Les plus répandus d’abord
search-order-age = Les plus récents d’abord
search-order-age-back = Les plus anciens d’abord
search-column-name = Nom
search-column-size = Taille
search-column-holders = Chez
search-column-age = Âge
search-column-do = Actions
search-as-pattern = Aucun nom ne contient ces mots ; la recherche a été lue comme un motif (une expression régulière).
search-cut-short = Il y avait trop à parcourir ; il peut y en avoir d’autres.
search-first-shown = Seuls les { $count } premiers sont montrés ; un mot de plus précise la recherche.
search-folders = Dossiers
search-holds = { $files }, { $size }
search-on-nodes = { $count ->
    [one] chez { $count } nœud
   *[other] chez { $count } nœuds
}
search-more-holders = { $count ->
    [one] et { $count } autre
   *[other] et { $count } autres
}
search-here = ici
search-peer = pair Napster { $address }
search-size-untold = Les pairs Napster n’indiquent pas la taille
search-download = Télécharger
search-fetch = Copier ici
search-nobody-has = { $count ->
    [one] Le seul nœud présent n’a pas ce fichier
   *[other] Aucun des { $count } nœuds présents n’a ce fichier
}
search-try = Chaque mot doit figurer dans le nom ou dans ses dossiers. Essayer moins de mots, ou des mots plus courts.
search-unfiltered = Chercher sans filtre
search-who = Qui est dans le voisinage
search-keys = Touches : / pour chercher, ↓ et ↑ d’un résultat à l’autre, Échap pour revenir.
