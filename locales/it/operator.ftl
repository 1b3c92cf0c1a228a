# La pagina di chi gestisce questo nodo.
operator-title = Questo nodo
operator-for = Questa pagina è per chi gestisce questo nodo.
operator-how = Aprila sulla macchina stessa, a http://localhost:{ $port }/operator, o con il link mostrato all’avvio del nodo con --operator token.
operator-about = Informazioni
operator-name = Nome
operator-folder = Cartella condivisa
operator-files = Offerti
operator-reading = Ancora da leggere
operator-mode = Che cosa fa
operator-mode-shared = offre i suoi file; altri arrivano solo se li chiedi
operator-mode-mirrors = offre i suoi file, e copia ciò che hanno i vicini
operator-mode-copies = { $count ->
    [one] offre i suoi file, e con gli altri tiene { $count } copia di ogni file nel vicinato
   *[other] offre i suoi file, e con gli altri tiene { $count } copie di ogni file nel vicinato
}
operator-port = Porta
operator-napster = Elenco Napster
operator-limits = Limiti di velocità
operator-limits-none = nessuno
operator-limit-up = ciò che parte
operator-limit-down = ciò che arriva
operator-running = In funzione da
operator-version = Versione
operator-uuid = Identità
operator-rescan = La cartella
operator-rescan-how = I cambiamenti vengono notati automaticamente. Se sembra mancare qualcosa, fai esaminare di nuovo tutta la cartella.
operator-look-again = Esamina di nuovo
operator-coming = Ciò che arriva
operator-is-paused = In pausa.
operator-is-running = In funzione.
operator-pause = Metti in pausa
operator-resume = Riprendi
operator-see = Vedi tutti i trasferimenti
operator-off = Nodi da cui non si copia nulla
operator-on = Copia di nuovo da questo nodo
operator-deleted = File eliminati
operator-deleted-how = { $count ->
    [one] { $count } nome è stato eliminato da questa cartella. Non viene ripreso da altri.
   *[other] { $count } nomi sono stati eliminati da questa cartella. Non vengono ripresi da altri.
}
operator-forget-deleted = Permetti di riprenderli
operator-decided = Conflitti decisi
operator-decided-how = { $count ->
    [one] Per { $count } altra versione hai detto «Tieni il nostro». Non viene né presa né mostrata.
   *[other] Per { $count } altre versioni hai detto «Tieni il nostro». Non vengono né prese né mostrate.
}
operator-forget-decided = Chiedimelo di nuovo
operator-settings = Le impostazioni si danno all’avvio del nodo: con opzioni, con l’ambiente o nel suo file. «boucan --help» le elenca tutte.
