# Un file di un nodo.
file-about = Informazioni sul file
file-bytes = { $count } byte
file-kind = Tipo
file-kind-video = Video
file-kind-audio = Audio
file-kind-picture = Immagine
file-kind-document = Documento
file-kind-archive = Archivio
file-kind-program = Programma
file-kind-other = Altro
file-on = Su
file-this-node = questo nodo
file-also = Lo stesso su
file-not-known = Non ancora noto: non è stato confrontato con ciò che hanno gli altri.
file-nobody = Nessun altro nelle vicinanze
file-more-holders = { $count ->
    [one] e un altro
   *[other] e altri { $count }
}
file-fingerprints = Impronte
file-fingerprints-why = Una copia è identica, fino all’ultimo bit, se lo è la sua impronta.
file-beside = Prima e dopo nella cartella
file-cut = È mostrato solo l’inizio. Scaricalo per leggere il resto.
file-unread = Al momento non si può mostrare. Ricarica la pagina, o scaricalo.
file-not-played = I browser non riproducono questo formato. Scaricalo e aprilo in un lettore.
file-too-large = Questa immagine è troppo grande per essere mostrata qui. Scaricala.
file-pdf = Per la tua sicurezza un PDF non si apre in questa pagina. Scaricalo e poi aprilo.
