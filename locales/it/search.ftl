# La ricerca: i risultati.
search-title = Tutto il vicinato
search-everything = Tutto il vicinato: { $files }
search-nothing = Nessun risultato
search-said = { $count } per { $words }
search-away = Il nodo in questo momento non risponde.
search-kinds = Tipi di file
search-all-kinds = Tutti
search-video = Video
search-audio = Audio
search-picture = Immagini
search-document = Documenti
search-archive = Archivi
search-program = Programmi
search-other = Altro
search-take-away = Togli questo filtro
search-at-least = almeno { $size }
search-at-most = al massimo { $size }
search-only-on = solo da { $node }
search-on-gone = solo da un nodo assente
search-narrow = Dimensione, nodo, ordine
search-least = Dimensione minima
search-most = Dimensione massima
search-bad-size = Non è una dimensione: si scrive 10 MB oppure 1,5 GB.
search-node = Da
search-any-node = Tutti i nodi
search-apply = Applica
search-order = Ordine
search-order-relevance = Prima i migliori
search-order-name = Nome, dalla A alla Z
search-order-name-back = Nome, dalla Z alla A
search-order-size = Prima i più grandi
search-order-size-back = Prima i più piccoli
search-order-holders = Prima i più diffusi
search-order-age = Prima i più recenti
search-order-age-back = Prima i meno recenti
search-column-name = Nome
search-column-size = Dimensione
search-column-holders = Da
search-column-age = Età
search-column-do = Azioni
search-as-pattern = Nessun nome contiene queste parole: la ricerca è stata letta come modello (un’espressione regolare).
search-cut-short = C’era troppo da scorrere: potrebbero esserci altri risultati.
search-first-shown = Sono mostrati solo i primi { $count }: un’altra parola restringe la ricerca.
search-folders = Cartelle
search-holds = { $files }, { $size }
search-on-nodes = { $count ->
    [one] da { $count } nodo
   *[other] da { $count } nodi
}
search-more-holders = { $count ->
    [one] e un altro
   *[other] e altri { $count }
}
search-here = qui
search-peer = peer Napster { $address }
search-size-untold = I peer Napster non indicano la dimensione
search-download = Scarica
search-fetch = Copia qui
search-nobody-has = { $count ->
    [one] L’unico nodo presente non ha questo file
   *[other] Nessuno dei { $count } nodi presenti ha questo file
}
search-try = Ogni parola deve trovarsi nel nome o nelle sue cartelle. Si può provare con meno parole, o più corte.
search-unfiltered = Cerca senza filtri
search-who = Chi c’è nel vicinato
search-keys = Tasti: / per cercare, ↓ e ↑ tra i risultati, Esc per tornare.
