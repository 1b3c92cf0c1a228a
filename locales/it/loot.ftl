# Una cartella di un nodo, e ciò che di un nodo non è qui.
loot-folders = Cartelle
loot-name = Nome
loot-size = Dimensione
loot-changed = Modificato
loot-sorted = Ordinato per
loot-download = Scarica
loot-download-one = Scarica { $name }
loot-download-folder = Scarica la cartella
loot-download-folder-tar = Scarica la cartella come tar
loot-fetch-folder = Copia qui la cartella
loot-playlist = Playlist
loot-not-here = Ciò che manca qui
loot-refused = { $count ->
    [one] Un altro nome di questo nodo non si può usare qui: è malformato, o nasconde ciò che è.
   *[other] Altri { $count } nomi di questo nodo non si possono usare qui: sono malformati, o nascondono ciò che sono.
}
loot-switched-off = Da questo nodo non si copia nulla.
loot-switch-on = Copia di nuovo da questo nodo
loot-switch-off = Non copiare nulla da questo nodo
loot-filter = Solo i nomi con…
loot-filter-do = Filtra
loot-shown = { $shown } di { $all } mostrati
loot-as-grid = Immagini
loot-as-list = Elenco
loot-empty = Qui non c’è nulla
loot-nothing = Nessun nome contiene tutte queste parole
loot-all-again = Mostra di nuovo tutto
loot-choose = Scegli { $name }
loot-choose-all = Scegli tutto ciò che è mostrato
loot-choose-what = Ciò che è scelto arriva in un solo file.
loot-chosen = Selezione
loot-chosen-one = { $count } scelto, { $size }
loot-chosen-many = { $count } scelti, { $size }
loot-download-chosen = Scarica come zip
loot-download-chosen-tar = Scarica ciò che è scelto come tar
