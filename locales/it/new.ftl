# Che cosa è comparso qui vicino.
new-title = Novità
new-lead = I file comparsi su questa rete, e i nodi venuti per la prima volta.
new-feed = Feed
new-feed-title = Novità vicino a { $node }
new-feed-entry = { $node }: { $what }
new-feed-entry-in = { $node }: { $what } in { $folder }
new-since = { $count ->
    [one] { $count } novità dall’ultima visita
   *[other] { $count } novità dall’ultima visita
}
new-mark = nuovo
new-nothing = Ancora niente di nuovo
new-nothing-why = Ciò che gli altri aggiungono alle loro cartelle compare qui da sé.
new-who = Chi c’è
new-gone = ora non c’è
new-unnamed = Un nodo senza nome
new-last-hour = Nell’ultima ora
new-last-day = Nelle ultime 24 ore
new-days-ago = { $count ->
    [one] { $count } giorno fa
   *[other] { $count } giorni fa
}
new-weeks-ago = { $count ->
    [one] { $count } settimana fa
   *[other] { $count } settimane fa
}
new-met-empty = è qui
new-met = è qui con { $files }, { $size }
new-added = { $files }, { $size }
new-more = { $count ->
    [one] e { $count } altro
   *[other] e altri { $count }
}
