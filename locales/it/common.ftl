# Ciò che dicono tutte le pagine.
common-files = { $count } file
common-percent = { $percent }%
common-just-now = adesso
common-ago = { $time } fa
common-seconds = { $count } s
common-minutes = { $count } min
common-hours = { $minutes ->
    [0] { $hours } h
   *[other] { $hours } h { $minutes } min
}
common-days = { $count ->
    [one] { $count } giorno
   *[other] { $count } giorni
}
common-months = { $count ->
    [one] { $count } mese
   *[other] { $count } mesi
}
common-years = { $count ->
    [one] { $count } anno
   *[other] { $count } anni
}

common-skip = Vai al contenuto
common-search = Cerca
common-search-nearby = Cerca in tutto il vicinato
common-pages = Pagine
common-nav-search = Cerca
common-nav-near = Vicini
common-nav-new = Novità
common-nav-transfers = Trasferimenti
common-nav-bring = Aggiungi
common-nav-join = Unisciti
common-nav-files = File di qui
common-nav-held-back = Trattenuti
common-nav-napster = Napster
common-nav-help = Aiuto
common-nav-operator = Questo nodo
common-away = Il nodo non risponde. Riprovo…
common-paging = Altre parti dell’elenco
common-more-pages = Altre pagine
common-foot = boucan { $version }: file per tutti su questa rete.

common-previous = Precedenti
common-next = Successivi
common-rows = { $first }–{ $last } di { $total }
common-copy = Copia
common-copied = Copiato
