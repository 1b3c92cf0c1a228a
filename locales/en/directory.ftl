# Who uses the Napster protocol here.
directory-title = Napster directory
directory-lead = Programs that speak the old Napster protocol share through this node as well.
directory-where = They log in here on TCP port { $port }. Every search finds what they register, and they find what this node and its neighbours offer.
directory-none = No directory runs on this node: it was switched off, or its port was taken at the start.
directory-serves = They fetch this node’s files on port { $port }.
directory-hashing = { $files } of this node are still being read; a file is found once its content is known.
directory-sessions = Logged in
directory-nobody = Nobody is logged in.
directory-nobody-why = Most people need none of this: a browser is enough.
directory-peer = Peer
directory-files = Files
directory-since = Logged in
directory-port = Port
directory-claims = says it is { $address }
directory-silent = { $count ->
    [one] did not answer once
   *[other] did not answer { $count } times
}
directory-registered = Registered by them
directory-nothing = Nothing is registered here.
directory-file = File
directory-peers = Peers
directory-downloads = Downloads
directory-fetched = Fetched from here by Napster peers
directory-joined = Directories that this node joined
directory-join-connecting = logging in
directory-join-registered = { $files } registered there
directory-join-full = { $files } registered there; it takes no more: { $why }
directory-join-waiting = trying again later: { $why }
directory-json = The same for programs
