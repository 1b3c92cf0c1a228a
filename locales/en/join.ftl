# How others open this node.
join-title = Join
join-lead = Open this address on any phone or computer in the same network. No app, no account.
join-address = Address
join-scan = Point the camera of a phone at the square, or type the address:
join-qr-label = QR code of { $address }
join-same-network = Both must be in the same network: the same Wi-Fi, or cables of the same router. Mobile data does not lead here, and guest Wi-Fi often keeps devices apart.
join-only-here = Only this machine itself can open this node now: it is in no network, or was told to stay here.
join-why = It does not open?
join-others = More addresses
join-others-why = This machine is in more than one network, or has more than one address. If the first does not open, try these.
join-own = Share from your own machine
join-own-how = To share files of yours as well, start boucan on your machine with a folder. The nodes find each other by themselves:
