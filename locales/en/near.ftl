# Who is near, and why perhaps nobody is.
near-title = Nearby
near-this-node = this node
near-join = How others open it
near-offers = { $files }, { $size }
near-neighbours = Others here
near-count = { $count ->
    [0] Nobody else is here
    [one] { $count } other node is here
   *[other] { $count } other nodes are here
}
near-heard = heard { $ago }
near-missing = { $files } not here
near-all-here = all of it is here
near-unknown = Its list of files is not known yet.
near-unnamed = unnamed
near-switched-off = nothing is copied from it
near-disputed = Another device, { $address }, claims to be this node.
near-unread = Its list of files could not be read: { $why }. A firewall there may be in the way.
near-peers = Napster peers
near-peers-what = They share by the Napster protocol, through this node.
near-peers-all = What they registered
near-nobody = Nobody else is here yet
near-nobody-why = This node calls out and listens all the time; whoever starts one nearby appears here by itself. If somebody should be here, these are the likely reasons:
near-wrong = Something is not right
near-diagnosis = Is somebody missing? What was tried

near-tried = What was tried
near-link-wire = cable
near-link-wifi = Wi-Fi
near-link-tunnel = VPN
near-link-virtual = containers
near-link-loopback = this machine only
near-not-used = Not used.
near-announced = Called out { $count ->
    [one] once
   *[other] { $count } times
} by { $family }, last { $ago }.
near-failed = { $family } does not work: { $why }.
near-named = Called out { $count ->
    [one] once
   *[other] { $count } times
} to addresses that were named at the start, last { $ago }.
near-not-announced = Nothing was sent here yet.
near-came-back = What was sent also arrived here: sending works.
near-not-come-back = Nothing of it arrived here again.
near-heard-there = Heard from others: { $count }.
near-not-up = Not connected: { $names }.
near-heard-count = Calls heard from others in all: { $count }.
near-ignored-elsewhere = Ignored, because they came from outside this network: { $count }.
near-ignored-bad = Ignored, because they made no sense: { $count }.

near-cause-no-interface = This machine is in no network.
near-check-no-interface = Plug in the cable or join the Wi-Fi. This page goes on by itself as soon as there is a network.
near-cause-only-here = This node was told to stay on this machine.
near-check-only-here = It was started with --bind and a loopback address. Start it without, and it uses all networks.
near-cause-absent = The network interface { $name } is not there.
near-check-absent = This node was started with --interface. Is the name right, and is it connected? Without the option all are used.
near-cause-copied = Another machine calls itself by the identity of this node.
near-check-copied = A state folder was copied along with the program. On one of the two, stop boucan, delete the file named uuid in its state folder, and start it again.
near-cause-not-sent = The system does not let this node send by { $name }: { $why }.
near-check-not-sent = A firewall that also stops what goes out, or a sandbox, may be the reason. Look at the rules for outgoing UDP.
near-cause-no-address = { $name } got no address from the network, only one that it gave itself.
near-check-no-address = The router or the Wi-Fi gave none out. Disconnect and connect again; without a router, give all machines addresses of one network by hand.
near-cause-firewall-here = A firewall on this machine stops what comes in on port { $port }.
near-check-firewall-here = What this node calls out does not even come back to itself. Open the port, UDP and TCP, with the one of these that your system has:
near-cause-other-network = { $address } is heard, but it is in another network.
near-check-other-network = Compare its address with those of this machine: the first numbers differ. Join the same network, or name the machines to each other at their start:
near-cause-other-program = Some other program talks on port { $port }.
near-check-other-program = What it sends is no call of a node. If it is a very old or a changed version, update it; if not, use another port everywhere, with --port.
near-cause-tunnel = A VPN ({ $name }) is connected; many of them cut a machine off from its own network.
near-check-tunnel = Disconnect it for a moment and see whether others appear. Many VPNs have a setting that allows the local network.
near-cause-wifi = The Wi-Fi ({ $name }) may keep its devices apart, as guest networks and many of schools and hotels do.
near-check-wifi = From this machine, ping the address of another one that is in the same Wi-Fi. If no answer comes, use another Wi-Fi, a cable, or the hotspot of a phone:
near-cause-firewall-there = The others are in another network, or their firewall stops port { $port }.
near-check-firewall-there = On the other machine, open this page there and compare the addresses: the first numbers must be the same. Then look there for what stands here about firewalls.
near-cause-port = This node uses port { $port }; others use 12555 unless they were told otherwise.
near-check-port = All nodes of a network must use the same port. Start this one without --port, or all others with the same.
near-cause-sister = Another node runs on this very machine.
near-check-sister = The two share the machine and its address, and do not see each other. End one of them, or give each an address of its own with --bind.
near-cause-left = Somebody was heard before, but everybody has left.
near-check-left = A node counts as gone when it was not heard for five minutes. If it still runs, look at its network connection.
near-cause-nobody = Nobody else runs a node yet.
near-check-nobody = That is no problem: phones and computers need only a browser to fetch files from here. To share from another machine too, start boucan, Forban or goforban there.
