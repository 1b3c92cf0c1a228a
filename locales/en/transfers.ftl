# What comes, what leaves, and what waits for the operator.
transfers-title = Transfers
transfers-in = Coming in
transfers-out = Going out
transfers-pause = Pause
transfers-resume = Go on
transfers-retry = Try again
transfers-retry-all = Try all again now
transfers-cancel = Cancel
transfers-cancel-all = Cancel all
transfers-cancel-of = Cancel { $name }
transfers-detail = Details

transfers-idle = Everything wanted from nearby is here.
transfers-off = Nothing comes in: this node only offers its files.
transfers-off-how = “Fetch here” beside a file of another node brings it. To copy everything nearby, start the node with --opportunistic.
transfers-to-come = { $files } to come, { $size }.
transfers-paused = Paused by whoever runs this node.
transfers-speed-about = { $speed }, about { $time } left
transfers-of = { $here } of { $whole }
transfers-left = { $time } left
transfers-asking = asking { $name }
transfers-from = from
transfers-asked-for = asked for
transfers-more-files = { $count ->
    [one] and { $count } more
   *[other] and { $count } more
}
transfers-more-nodes = { $count ->
    [one] { $count } more node
   *[other] { $count } more nodes
}

transfers-wished = Asked for
transfers-from-node = { $size } from { $name }
transfers-instead = { $size } from { $name }, in the place of the file here
transfers-coming = It is coming.
transfers-badge-coming = coming
transfers-badge-waiting = waiting
transfers-badge-failed = failed

transfers-conflicts = Same name, other content
transfers-conflicts-lead = Nothing here was touched. You decide; with “Take theirs”, the file here is kept in the hidden folder .boucan/replaced.
transfers-conflict-sizes = { $ours } here, { $theirs } on { $names }
transfers-conflict-theirs = { $theirs } on { $names }
transfers-conflict-beside = It is here too, as { $name }.
transfers-conflict-fetching = It is being fetched as { $name }.
transfers-conflict-cannot-stand = It cannot stand beside a file or folder here: one of them would need the name of the other, or they differ only in capital letters.
transfers-conflict-replacing = It is newer than the copy here, and is being fetched in its place.
transfers-conflict-skipped = Other versions are only shown, by the rules of this node.
transfers-conflict-older = It is not newer than the one here.
transfers-conflict-too-many = There are too many versions of it already.
transfers-keep-ours = Keep ours
transfers-keep-both = Keep both
transfers-take-theirs = Take theirs

transfers-waiting = Waiting
transfers-again = again in { $time }
transfers-names = The names of files that wait are shown to whoever runs this node.
transfers-why-turn = Others come first.
transfers-why-same-content = The same content is coming under another name; this one is copied from it.
transfers-why-content-awaited = It is still being read, so that it can be checked when it comes.
transfers-why-may-pass = Another version is here. This one comes if it lasts.
transfers-why-enough-nearby = Enough nodes nearby have it, or it is another node’s turn to take it.
transfers-why-failed = It did not come when it was tried.
transfers-why-gone = Nobody who has it is here now.
transfers-why-resting = { $name } did not answer as it should, and is left alone for a while.
transfers-why-distrusted = { $name } sent something else than it had told.

transfers-hindered-no-folder = The shared folder is not there. Is its disk connected?
transfers-hindered-unread = The shared folder is being looked through first.
transfers-hindered-read-only = The shared folder cannot be written.
transfers-hindered-budget = The { $size } for copies are used up.
transfers-hindered-reserve = The disk is nearly full: { $size } stay free.
transfers-hindered-inodes = The disk holds too many files.
transfers-hindered-disk = The disk failed.

transfers-failed-unreachable = The other node could not be reached.
transfers-failed-too-slow = Nothing came in time.
transfers-failed-broken = The connection broke.
transfers-failed-not-there = The other node does not have it any more.
transfers-failed-busy = The other node was too busy.
transfers-failed-wrong-answer = What was answered is not what was asked for.
transfers-failed-wrong-content = What came is not what had been told of it.
transfers-failed-nobody-gives = Nobody who has it gives it now.
transfers-failed-name-taken = Another file has its name here.
transfers-failed-in-the-way = A file and a folder want the same name here.
transfers-failed-changed-here = The file here was changed meanwhile.
transfers-failed-cannot-replace = This disk cannot exchange two files safely.
transfers-failed-our-disk = It cannot be stored on this disk.
transfers-failed-not-reached = Its turn did not come; it is asked for again.
transfers-failed-cancelled = Cancelled.

transfers-lately = Came lately
transfers-file = File
transfers-size = Size
transfers-when = When
transfers-how = How
transfers-who = Who
transfers-came-from = from { $names } in { $time }
transfers-copied-here = copied from a file here

transfers-downloads = { $count ->
    [one] { $count } download from here, { $speed }
   *[other] { $count } downloads from here, { $speed }
}
transfers-nothing-out = Nobody downloads from here at the moment.
transfers-sent = { $size } sent since the start.
transfers-left-lately = Downloaded from here lately
transfers-unnamed = A file that is still coming here
transfers-way-file = by browser or program
transfers-way-small-files = { $count ->
    [one] { $count } small file, to a node
   *[other] { $count } small files, to a node
}
transfers-way-pieces = in pieces, to a node
transfers-way-archive = as one file with a whole folder
transfers-way-napster = to a Napster peer
transfers-way-relay = from a Napster peer, through this node
transfers-end-whole = whole
transfers-end-part = a part
transfers-end-broken = broken off

transfers-room = Room for copies
transfers-room-said = { $used } used, { $left } left
transfers-room-more = What this is made of
transfers-room-copies = Copies from nearby
transfers-room-under-way = On their way
transfers-room-resting = Begun and resting
transfers-room-budget = Allowed for copies
transfers-room-free = Free on the disk
transfers-room-reserve = Of it always left free

transfers-not-taken = Not taken
transfers-nothing-left-out = Nothing is left out.
transfers-held-back = Each name, and why
transfers-out-by-rule = { $count ->
    [one] { $count } file is left out by the rules of this node.
   *[other] { $count } files are left out by the rules of this node.
}
transfers-out-names = { $count ->
    [one] { $count } file has a name that some system could not store.
   *[other] { $count } files have names that some system could not store.
}
transfers-out-deleted = { $count ->
    [one] { $count } file was deleted here before, and is not fetched again.
   *[other] { $count } files were deleted here before, and are not fetched again.
}
transfers-out-enough = { $count ->
    [one] { $count } file: enough nodes nearby have it.
   *[other] { $count } files: enough nodes nearby have them.
}
transfers-out-settled = { $count ->
    [one] { $count } other version: you keep yours.
   *[other] { $count } other versions: you keep yours.
}
transfers-programs = The same for programs:
