# Chi usa qui il protocollo Napster.
directory-title = Elenco Napster
directory-lead = Anche i programmi che parlano il vecchio protocollo Napster condividono attraverso questo nodo.
directory-where = Si collegano qui sulla porta TCP { $port }. Ogni ricerca trova ciò che registrano, e loro trovano ciò che offrono questo nodo e i suoi vicini.
directory-none = Su questo nodo non gira nessun elenco: è stato disattivato, o all’avvio la sua porta era occupata.
directory-serves = Prendono i file di questo nodo sulla porta { $port }.
directory-hashing = Ancora in lettura su questo nodo: { $files }. Un file si trova appena se ne conosce il contenuto.
directory-sessions = Collegati
directory-nobody = Nessuno è collegato.
directory-nobody-why = Ai più non serve: basta un browser.
directory-peer = Utente
directory-files = File
directory-since = Collegato
directory-port = Porta
directory-claims = dice di essere { $address }
directory-silent = { $count ->
    [one] non ha risposto una volta
   *[other] non ha risposto { $count } volte
}
directory-registered = Che cosa hanno registrato
directory-nothing = Qui non è registrato nulla.
directory-file = File
directory-peers = Utenti
directory-downloads = Scaricamenti
directory-fetched = Presi da qui da utenti Napster
directory-joined = Elenchi a cui questo nodo si è unito
directory-join-connecting = collegamento in corso
directory-join-registered = Registrati lì: { $files }
directory-join-full = Registrati lì: { $files }; non ne prende altri: { $why }
directory-join-waiting = nuovo tentativo più tardi: { $why }
directory-json = Lo stesso per i programmi
