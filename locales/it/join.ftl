# Come gli altri aprono questo nodo.
join-title = Unisciti
join-lead = Apri questo indirizzo su qualsiasi telefono o computer della stessa rete. Senza app, senza account.
join-address = Indirizzo
join-scan = Inquadra il quadrato con la fotocamera di un telefono, o scrivi l’indirizzo:
join-qr-label = Codice QR di { $address }
join-same-network = Bisogna essere nella stessa rete: lo stesso Wi-Fi, o cavi dello stesso router. I dati mobili non portano qui, e il Wi-Fi per gli ospiti spesso tiene separati i dispositivi.
join-only-here = Per ora solo questa macchina può aprire questo nodo: non è in nessuna rete, o le è stato detto di restare qui.
join-why = Non si apre?
join-others = Altri indirizzi
join-others-why = Questa macchina è in più di una rete, o ha più di un indirizzo. Se il primo non si apre, prova questi.
join-own = Condividi dalla tua macchina
join-own-how = Per condividere anche i tuoi file, avvia boucan sulla tua macchina con una cartella. I nodi si trovano da soli:
