# Qui est là, et pourquoi il n’y a peut-être personne.
near-title = Voisins
near-this-node = ce nœud
near-join = Comment les autres l’ouvrent
near-offers = { $files }, { $size }
near-neighbours = Les autres
near-count = { $count ->
    [0] Personne d’autre n’est là
    [one] { $count } autre nœud est là
   *[other] { $count } autres nœuds sont là
}
near-heard = entendu { $ago }
near-missing = { $files } à récupérer
near-all-here = tout est déjà ici
near-unknown = Sa liste de fichiers n’est pas encore connue.
near-unnamed = sans nom
near-switched-off = on ne copie rien de lui
near-disputed = Un autre appareil, { $address }, prétend être ce nœud.
near-unread = Sa liste de fichiers n’a pas pu être lue : { $why }. Un pare-feu de son côté gêne peut-être.
near-peers = Pairs Napster
near-peers-what = Ils partagent par le protocole Napster, à travers ce nœud.
near-peers-all = Ce qu’ils ont inscrit
near-nobody = Personne d’autre pour l’instant
near-nobody-why = Ce nœud appelle et écoute sans cesse : quiconque en démarre un à proximité apparaît ici tout seul. Si quelqu’un devrait être là, voici les raisons probables :
near-wrong = Quelque chose ne va pas
near-diagnosis = Il manque quelqu’un ? Ce qui a été tenté

near-tried = Ce qui a été tenté
near-link-wire = câble
near-link-wifi = Wi-Fi
near-link-tunnel = VPN
near-link-virtual = conteneurs
near-link-loopback = cette machine seulement
near-not-used = Non utilisée.
near-announced = { $count ->
    [one] Un appel lancé
   *[other] { $count } appels lancés
} en { $family }, le dernier { $ago }.
near-failed = { $family } ne fonctionne pas : { $why }.
near-named = { $count ->
    [one] Un appel lancé
   *[other] { $count } appels lancés
} vers des adresses indiquées au démarrage, le dernier { $ago }.
near-not-announced = Rien n’a encore été envoyé ici.
near-came-back = Ce qui a été envoyé est aussi arrivé ici : l’envoi fonctionne.
near-not-come-back = Rien n’en est revenu ici.
near-heard-there = Entendus des autres : { $count }.
near-not-up = Non connectées : { $names }.
near-heard-count = Appels entendus des autres, en tout : { $count }.
near-ignored-elsewhere = Ignorés, car venus d’un autre réseau : { $count }.
near-ignored-bad = Ignorés, car incompréhensibles : { $count }.

near-cause-no-interface = Cette machine n’est dans aucun réseau.
near-check-no-interface = Branchez le câble ou rejoignez le Wi-Fi. La page continue d’elle-même dès qu’il y a un réseau.
near-cause-only-here = Il a été demandé à ce nœud de rester sur cette machine.
near-check-only-here = Il a été démarré avec --bind et une adresse locale. Sans cette option, il utilise tous les réseaux.
near-cause-absent = L’interface réseau { $name } n’est pas là.
near-check-absent = Ce nœud a été démarré avec --interface. Le nom est-il juste, est-elle connectée ? Sans cette option, toutes sont utilisées.
near-cause-copied = Une autre machine se présente avec l’identité de ce nœud.
near-check-copied = Un dossier d’état a été copié avec le programme. Sur l’une des deux, arrêtez boucan, effacez le fichier nommé uuid dans son dossier d’état, puis redémarrez.
near-cause-not-sent = Le système ne laisse pas ce nœud envoyer par { $name } : { $why }.
near-check-not-sent = Un pare-feu qui bloque aussi ce qui sort, ou un bac à sable, peut en être la cause. Vérifiez les règles pour l’UDP sortant.
near-cause-no-address = { $name } n’a reçu aucune adresse du réseau, seulement une qu’elle s’est donnée.
near-check-no-address = Ni la box ni le Wi-Fi n’en ont distribué. Déconnectez puis reconnectez ; sans routeur, donnez à la main à toutes les machines des adresses d’un même réseau.
near-cause-firewall-here = Un pare-feu sur cette machine bloque ce qui arrive sur le port { $port }.
near-check-firewall-here = Les appels de ce nœud ne lui reviennent même pas. Ouvrez le port, en UDP et en TCP, avec la commande que connaît votre système :
near-cause-other-network = On entend { $address }, mais elle est dans un autre réseau.
near-check-other-network = Comparez son adresse à celles de cette machine : les premiers nombres diffèrent. Rejoignez le même réseau, ou indiquez les machines l’une à l’autre au démarrage :
near-cause-other-program = Un autre programme parle sur le port { $port }.
near-check-other-program = Ce qu’il envoie n’est pas l’appel d’un nœud. Si c’est une version très ancienne ou modifiée, mettez-la à jour ; sinon, prenez partout un autre port, avec --port.
near-cause-tunnel = Un VPN ({ $name }) est connecté ; beaucoup coupent la machine de son propre réseau.
near-check-tunnel = Déconnectez-le un instant et voyez si les autres apparaissent. Beaucoup de VPN ont un réglage qui autorise le réseau local.
near-cause-wifi = Le Wi-Fi ({ $name }) isole peut-être ses appareils, comme le font les réseaux d’invités et souvent ceux des écoles et des hôtels.
near-check-wifi = Depuis cette machine, envoyez un ping à l’adresse d’une autre qui est dans le même Wi-Fi. Sans réponse, prenez un autre Wi-Fi, un câble ou le partage de connexion d’un téléphone :
near-cause-firewall-there = Les autres sont dans un autre réseau, ou leur pare-feu bloque le port { $port }.
near-check-firewall-there = Ouvrez cette page sur l’autre machine et comparez les adresses : les premiers nombres doivent être les mêmes. Cherchez ensuite là-bas ce qui est dit ici des pare-feu.
near-cause-port = Ce nœud utilise le port { $port } ; les autres utilisent 12555, sauf demande contraire.
near-check-port = Tous les nœuds d’un réseau doivent utiliser le même port. Démarrez celui-ci sans --port, ou tous les autres avec le même.
near-cause-sister = Un autre nœud tourne sur cette machine même.
near-check-sister = Les deux partagent la machine et son adresse, et ne se voient pas. Arrêtez-en un, ou donnez à chacun sa propre adresse avec --bind.
near-cause-left = On a déjà entendu quelqu’un, mais tout le monde est parti.
near-check-left = Un nœud est considéré comme parti quand on ne l’a pas entendu depuis cinq minutes. S’il tourne encore, vérifiez sa connexion.
near-cause-nobody = Personne d’autre n’a encore démarré de nœud.
near-check-nobody = Ce n’est pas un problème : un navigateur suffit aux téléphones et aux ordinateurs pour prendre des fichiers ici. Pour partager aussi depuis une autre machine, démarrez-y boucan, Forban ou goforban.
