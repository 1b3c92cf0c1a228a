# Ciò che non è offerto e ciò che non viene preso.
held-title = Trattenuti
held-lead = Ciò che questo nodo non offre, o non prende dai vicini, e perché.
held-names = I nomi sono mostrati a chi gestisce questo nodo.
held-not-offered = Non offerti da questo nodo
held-all-offered = Tutto il contenuto della cartella è offerto.
held-count = { $files }, ognuno per una sua ragione. I file nascosti non sono mai offerti, né contati.
held-name = Nome
held-why = Perché
held-when = Quando
held-from = Da
held-on = Su
held-other-size = Altra dimensione
held-what = Che cosa succede
held-conflicts = Stesso nome, altro contenuto
held-untouched = Nulla di ciò che è qui è stato toccato.
held-decide = Decidi
held-not-portable = Non presi: qualche sistema non saprebbe salvare il nome
held-one-by-one = «Copia qui» ne prende uno comunque, se questo sistema sa salvarlo; con --any-name il nodo li prende tutti.
held-failures = Non arrivati di recente
held-again = Si riprova automaticamente.
held-not-taken = Non presi dai vicini
held-conflicts-count = { $count ->
    [one] { $count } nome nel vicinato indica qui un altro contenuto.
   *[other] { $count } nomi nel vicinato indicano qui un altro contenuto.
}

held-link = È un collegamento; i collegamenti non vengono seguiti, possono portare fuori dalla cartella.
held-no-file = Non è un file ordinario.
held-unreadable = Non si può leggere.
held-name-not-utf8 = Il suo nome non è un testo valido (UTF-8).
held-name-not-plain = Il suo nome ha una parte vuota, o fatta solo di punti.
held-name-hidden = È nascosto: una parte del nome comincia con un punto.
held-name-control = Il suo nome contiene interruzioni di riga o caratteri di controllo.
held-name-deceptive = Il suo nome contiene segni invisibili che lo fanno leggere come un altro.
held-name-windows-path = Il suo nome contiene una barra rovesciata, o comincia come un’unità di Windows.
held-name-reserved = Il nome della sua cartella, «forban», è riservato.
held-name-too-long = Il suo nome è troppo lungo.
held-name-too-long-to-list = Una parte del nome supera 245 byte, che altri nodi non sanno salvare.
held-name-special = Il suo nome contiene uno dei segni * ? " < > |, che non tutti i sistemi sanno salvare.
held-name-edge = Una parte del nome comincia con uno spazio, o finisce con uno spazio o un punto.
held-name-device = Il suo nome è quello di un dispositivo di Windows.
held-name-acts = Windows agisce da sé sui file con quel nome.
