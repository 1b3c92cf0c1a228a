# Comment les autres ouvrent ce nœud.
join-title = Rejoindre
join-lead = Ouvrez cette adresse sur n’importe quel téléphone ou ordinateur du même réseau. Sans application, sans compte.
join-address = Adresse
join-scan = Visez le carré avec l’appareil photo d’un téléphone, ou tapez l’adresse :
join-qr-label = Code QR de { $address }
join-same-network = Il faut être dans le même réseau : le même Wi-Fi, ou des câbles de la même box. Les données mobiles ne mènent pas ici, et un Wi-Fi d’invités isole souvent les appareils.
join-only-here = Seule cette machine peut ouvrir ce nœud pour l’instant : elle n’est dans aucun réseau, ou il lui a été demandé d’y rester.
join-why = Ça ne s’ouvre pas ?
join-others = Autres adresses
join-others-why = Cette machine est dans plusieurs réseaux, ou a plusieurs adresses. Si la première ne s’ouvre pas, essayez celles-ci.
join-own = Partager depuis votre machine
join-own-how = Pour partager aussi vos fichiers, démarrez boucan sur votre machine avec un dossier. Les nœuds se trouvent tout seuls :
