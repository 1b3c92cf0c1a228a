# Ciò che arriva, ciò che parte e ciò che attende una decisione.
transfers-title = Trasferimenti
transfers-in = In arrivo
transfers-out = In uscita
transfers-pause = Metti in pausa
transfers-resume = Riprendi
transfers-retry = Riprova
transfers-retry-all = Riprova tutto adesso
transfers-cancel = Annulla
transfers-cancel-all = Annulla tutto
transfers-cancel-of = Annulla { $name }
transfers-detail = Dettagli

transfers-idle = Tutto ciò che c’era da prendere dai vicini è qui.
transfers-off = Non arriva nulla: questo nodo offre soltanto i suoi file.
transfers-off-how = «Copia qui», accanto a un file di un altro nodo, lo fa arrivare. Per copiare tutto il vicinato, avvia il nodo con --opportunistic.
transfers-to-come = Ancora { $files }, { $size }.
transfers-paused = In pausa, per volere di chi gestisce questo nodo.
transfers-speed-about = { $speed }, ancora { $time } circa
transfers-of = { $here } di { $whole }
transfers-left = ancora { $time }
transfers-asking = chiesto a { $name }
transfers-from = da
transfers-asked-for = richiesto
transfers-more-files = { $count ->
    [one] e { $count } altro
   *[other] e altri { $count }
}
transfers-more-nodes = { $count ->
    [one] { $count } altro nodo
   *[other] altri { $count } nodi
}

transfers-wished = Richiesti
transfers-from-node = { $size } da { $name }
transfers-instead = { $size } da { $name }, al posto del file presente qui
transfers-coming = Sta arrivando.
transfers-badge-coming = in arrivo
transfers-badge-waiting = in attesa
transfers-badge-failed = non riuscito

transfers-conflicts = Stesso nome, altro contenuto
transfers-conflicts-lead = Qui non è stato toccato nulla. Decidi tu; con «Prendi il loro», il file sostituito resta nella cartella nascosta .boucan/replaced.
transfers-conflict-sizes = { $ours } qui, { $theirs } su { $names }
transfers-conflict-theirs = { $theirs } su { $names }
transfers-conflict-beside = È anche qui, come { $name }.
transfers-conflict-fetching = Sta arrivando come { $name }.
transfers-conflict-cannot-stand = Non può stare accanto a un file o a una cartella già presente: uno vorrebbe il nome dell’altro, o differiscono solo per le maiuscole.
transfers-conflict-replacing = È più recente della copia presente qui, e ne sta prendendo il posto.
transfers-conflict-skipped = Secondo le regole di questo nodo, le altre versioni sono solo mostrate.
transfers-conflict-older = Non è più recente di quello presente qui.
transfers-conflict-too-many = Ce ne sono già troppe versioni.
transfers-keep-ours = Tieni il nostro
transfers-keep-both = Tieni entrambi
transfers-take-theirs = Prendi il loro

transfers-waiting = In attesa
transfers-again = di nuovo tra { $time }
transfers-names = I nomi dei file in attesa sono mostrati a chi gestisce questo nodo.
transfers-why-turn = Prima tocca ad altri.
transfers-why-same-content = Lo stesso contenuto sta arrivando con un altro nome; questo ne sarà copiato.
transfers-why-content-awaited = È ancora in lettura, per poterlo verificare quando arriva.
transfers-why-may-pass = Qui c’è un’altra versione. Questa arriva se dura.
transfers-why-enough-nearby = Abbastanza nodi vicini lo hanno, o tocca a un altro prenderlo.
transfers-why-failed = L’ultimo tentativo non è riuscito.
transfers-why-gone = Nessuno dei nodi che lo hanno è qui adesso.
transfers-why-resting = { $name } non ha risposto come si deve, e viene lasciato in pace per un po’.
transfers-why-distrusted = { $name } ha mandato altro da ciò che aveva annunciato.

transfers-hindered-no-folder = La cartella condivisa non c’è. Il suo disco è collegato?
transfers-hindered-unread = Prima si sta esaminando la cartella condivisa.
transfers-hindered-read-only = Non si può scrivere nella cartella condivisa.
transfers-hindered-budget = I { $size } previsti per le copie sono esauriti.
transfers-hindered-reserve = Il disco è quasi pieno: { $size } restano liberi.
transfers-hindered-inodes = Il disco contiene troppi file.
transfers-hindered-disk = Il disco ha segnalato un errore.

transfers-failed-unreachable = L’altro nodo non è raggiungibile.
transfers-failed-too-slow = Non è arrivato nulla in tempo.
transfers-failed-broken = La connessione si è interrotta.
transfers-failed-not-there = L’altro nodo non lo ha più.
transfers-failed-busy = L’altro nodo era troppo occupato.
transfers-failed-wrong-answer = La risposta non è ciò che era stato chiesto.
transfers-failed-wrong-content = Ciò che è arrivato non è quello annunciato.
transfers-failed-nobody-gives = Nessuno dei nodi che lo hanno lo dà adesso.
transfers-failed-name-taken = Qui un altro file ha il suo nome.
transfers-failed-in-the-way = Qui un file e una cartella vogliono lo stesso nome.
transfers-failed-changed-here = Il file presente qui è stato cambiato nel frattempo.
transfers-failed-cannot-replace = Questo disco non sa scambiare due file senza rischi.
transfers-failed-our-disk = Non si può salvare su questo disco.
transfers-failed-not-reached = Non è toccato a lui; sarà chiesto di nuovo.
transfers-failed-cancelled = Annullato.

transfers-lately = Arrivati di recente
transfers-file = File
transfers-size = Dimensione
transfers-when = Quando
transfers-how = Come
transfers-who = Chi
transfers-came-from = da { $names } in { $time }
transfers-copied-here = copiato da un file già presente

transfers-downloads = { $count ->
    [one] { $count } download da qui, { $speed }
   *[other] { $count } download da qui, { $speed }
}
transfers-nothing-out = Al momento nessuno scarica da qui.
transfers-sent = { $size } inviati dall’avvio.
transfers-left-lately = Scaricati da qui di recente
transfers-unnamed = Un file che sta ancora arrivando qui
transfers-way-file = con un browser o un programma
transfers-way-small-files = { $count ->
    [one] { $count } piccolo file, a un nodo
   *[other] { $count } piccoli file, a un nodo
}
transfers-way-pieces = a pezzi, a un nodo
transfers-way-archive = un’intera cartella in un solo file
transfers-way-napster = a un peer Napster
transfers-way-relay = da un peer Napster, attraverso questo nodo
transfers-end-whole = intero
transfers-end-part = una parte
transfers-end-broken = interrotto

transfers-room = Spazio per le copie
transfers-room-said = { $used } usati, { $left } ancora liberi
transfers-room-more = In dettaglio
transfers-room-copies = Copie dai vicini
transfers-room-under-way = In viaggio
transfers-room-resting = Iniziati, a riposo
transfers-room-budget = Concesso alle copie
transfers-room-free = Libero sul disco
transfers-room-reserve = Di cui sempre lasciato libero

transfers-not-taken = Non presi
transfers-nothing-left-out = Nulla è lasciato fuori.
transfers-held-back = Ogni nome, e perché
transfers-out-by-rule = { $count ->
    [one] { $count } file è lasciato fuori dalle regole di questo nodo.
   *[other] { $count } file sono lasciati fuori dalle regole di questo nodo.
}
transfers-out-names = { $count ->
    [one] { $count } file ha un nome che qualche sistema non saprebbe salvare.
   *[other] { $count } file hanno nomi che qualche sistema non saprebbe salvare.
}
transfers-out-deleted = { $count ->
    [one] { $count } file è stato eliminato qui, e non viene ripreso.
   *[other] { $count } file sono stati eliminati qui, e non vengono ripresi.
}
transfers-out-enough = { $count ->
    [one] { $count } file: abbastanza nodi vicini lo hanno.
   *[other] { $count } file: abbastanza nodi vicini li hanno.
}
transfers-out-settled = { $count ->
    [one] { $count } altra versione: tieni la tua.
   *[other] { $count } altre versioni: tieni le tue.
}
transfers-programs = Lo stesso per i programmi:
