# Chi c’è, e perché forse non c’è nessuno.
near-title = Vicini
near-this-node = questo nodo
near-join = Come lo aprono gli altri
near-offers = { $files }, { $size }
near-neighbours = Gli altri
near-count = { $count ->
    [0] Non c’è nessun altro
    [one] C’è { $count } altro nodo
   *[other] Ci sono altri { $count } nodi
}
near-heard = sentito { $ago }
near-missing = { $files } che qui mancano
near-all-here = qui c’è già tutto
near-unknown = Il suo elenco di file non è ancora noto.
near-unnamed = senza nome
near-switched-off = da lui non si copia nulla
near-disputed = Un altro dispositivo, { $address }, dice di essere questo nodo.
near-unread = Non è stato possibile leggere il suo elenco di file: { $why }. Forse lo impedisce un firewall dalla sua parte.
near-peers = Utenti Napster
near-peers-what = Condividono con il protocollo Napster, attraverso questo nodo.
near-peers-all = Che cosa hanno registrato
near-nobody = Per ora non c’è nessun altro
near-nobody-why = Questo nodo chiama e ascolta di continuo: chi ne avvia uno qui vicino compare da sé. Se qualcuno dovrebbe esserci, ecco i motivi probabili:
near-wrong = Qualcosa non va
near-diagnosis = Manca qualcuno? Che cosa si è provato

near-tried = Che cosa si è provato
near-link-wire = cavo
near-link-wifi = Wi-Fi
near-link-tunnel = VPN
near-link-virtual = contenitori
near-link-loopback = solo questa macchina
near-not-used = Non usata.
near-announced = { $count ->
    [one] Una chiamata inviata
   *[other] { $count } chiamate inviate
} con { $family }, l’ultima { $ago }.
near-failed = { $family } non funziona: { $why }.
near-named = { $count ->
    [one] Una chiamata inviata
   *[other] { $count } chiamate inviate
} a indirizzi indicati all’avvio, l’ultima { $ago }.
near-not-announced = Qui non è stato ancora inviato nulla.
near-came-back = Ciò che è stato inviato è arrivato anche qui: l’invio funziona.
near-not-come-back = Qui non ne è tornato nulla.
near-heard-there = Sentite dagli altri: { $count }.
near-not-up = Non collegate: { $names }.
near-heard-count = Chiamate sentite dagli altri, in tutto: { $count }.
near-ignored-elsewhere = Ignorate, perché venute da un’altra rete: { $count }.
near-ignored-bad = Ignorate, perché incomprensibili: { $count }.

near-cause-no-interface = Questa macchina non è in nessuna rete.
near-check-no-interface = Collega il cavo o entra nel Wi-Fi. La pagina va avanti da sola appena c’è una rete.
near-cause-only-here = A questo nodo è stato detto di restare su questa macchina.
near-check-only-here = È stato avviato con --bind e un indirizzo locale. Senza questa opzione usa tutte le reti.
near-cause-absent = L’interfaccia di rete { $name } non c’è.
near-check-absent = Questo nodo è stato avviato con --interface. Il nome è giusto, ed è collegata? Senza questa opzione si usano tutte.
near-cause-copied = Un’altra macchina si presenta con l’identità di questo nodo.
near-check-copied = Insieme al programma è stata copiata una cartella di stato. Su una delle due ferma boucan, cancella il file di nome uuid nella sua cartella di stato e riavvia.
near-cause-not-sent = Il sistema non lascia inviare questo nodo da { $name }: { $why }.
near-check-not-sent = Il motivo può essere un firewall che blocca anche ciò che esce, o una sandbox. Controlla le regole per l’UDP in uscita.
near-cause-no-address = { $name } non ha ricevuto un indirizzo dalla rete, ma solo uno che si è data da sé.
near-check-no-address = Né il router né il Wi-Fi ne hanno assegnati. Scollega e ricollega; senza router, dai a mano a tutte le macchine indirizzi di una stessa rete.
near-cause-firewall-here = Un firewall su questa macchina blocca ciò che arriva sulla porta { $port }.
near-check-firewall-here = Le chiamate di questo nodo non tornano nemmeno a lui. Apri la porta, UDP e TCP, con il comando che conosce il tuo sistema:
near-cause-other-network = Si sente { $address }, ma è in un’altra rete.
near-check-other-network = Confronta il suo indirizzo con quelli di questa macchina: i primi numeri sono diversi. Entra nella stessa rete, oppure indica le macchine l’una all’altra all’avvio:
near-cause-other-program = Un altro programma parla sulla porta { $port }.
near-check-other-program = Ciò che invia non è la chiamata di un nodo. Se è una versione molto vecchia o modificata, aggiornala; altrimenti usa dappertutto un’altra porta, con --port.
near-cause-tunnel = È collegata una VPN ({ $name }); molte isolano la macchina dalla sua stessa rete.
near-check-tunnel = Scollegala un momento e guarda se compaiono gli altri. Molte VPN hanno un’impostazione che permette la rete locale.
near-cause-wifi = Il Wi-Fi ({ $name }) forse tiene separati i dispositivi, come fanno le reti per ospiti e spesso quelle di scuole e alberghi.
near-check-wifi = Da questa macchina fai un ping all’indirizzo di un’altra che è nello stesso Wi-Fi. Se non risponde, usa un altro Wi-Fi, un cavo o l’hotspot di un telefono:
near-cause-firewall-there = Gli altri sono in un’altra rete, o il loro firewall blocca la porta { $port }.
near-check-firewall-there = Apri questa pagina sull’altra macchina e confronta gli indirizzi: i primi numeri devono essere uguali. Poi cerca là ciò che qui si dice dei firewall.
near-cause-port = Questo nodo usa la porta { $port }; gli altri usano 12555, se non è stato detto loro altro.
near-check-port = Tutti i nodi di una rete devono usare la stessa porta. Avvia questo senza --port, o tutti gli altri con la stessa.
near-cause-sister = Su questa stessa macchina gira un altro nodo.
near-check-sister = I due condividono la macchina e il suo indirizzo, e non si vedono. Chiudine uno, o dai a ciascuno un suo indirizzo con --bind.
near-cause-left = Prima si è sentito qualcuno, ma sono andati via tutti.
near-check-left = Un nodo conta come andato via se non si sente da cinque minuti. Se gira ancora, controlla la sua connessione.
near-cause-nobody = Nessun altro ha ancora avviato un nodo.
near-check-nobody = Non è un problema: a telefoni e computer basta un browser per prendere file da qui. Per condividere anche da un’altra macchina, avvia lì boucan, Forban o goforban.
