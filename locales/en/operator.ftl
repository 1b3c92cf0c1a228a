# The page of whoever runs this node.
operator-title = This node
operator-for = This page is for whoever runs this node.
operator-how = Open it on the machine itself, as http://localhost:{ $port }/operator, or with the link printed when the node was started with --operator token.
operator-about = About it
operator-name = Name
operator-folder = Shared folder
operator-files = Offered
operator-reading = Still to be read
operator-mode = What it does
operator-mode-shared = offers its files; others come only when you ask for them
operator-mode-mirrors = offers its files, and copies what others nearby have
operator-mode-copies = { $count ->
    [one] offers its files, and keeps { $count } copy of each file nearby, together with the others
   *[other] offers its files, and keeps { $count } copies of each file nearby, together with the others
}
operator-port = Port
operator-napster = Napster directory
operator-limits = Limits of speed
operator-limits-none = none
operator-limit-up = what leaves
operator-limit-down = what comes
operator-running = Running for
operator-version = Version
operator-uuid = Identity
operator-rescan = The folder
operator-rescan-how = Changes are noticed by themselves. If something seems to be missing, look through the whole folder again.
operator-look-again = Look again
operator-coming = What comes
operator-is-paused = It is paused.
operator-is-running = It is running.
operator-pause = Pause
operator-resume = Go on
operator-see = See all transfers
operator-off = Nodes from which nothing is copied
operator-on = Copy from it again
operator-deleted = Deleted files
operator-deleted-how = { $count ->
    [one] { $count } name was deleted from this folder. It is not fetched from others again.
   *[other] { $count } names were deleted from this folder. They are not fetched from others again.
}
operator-forget-deleted = Let them be fetched again
operator-decided = Decided conflicts
operator-decided-how = { $count ->
    [one] Of { $count } other version you said “Keep ours”. It is neither taken nor shown.
   *[other] Of { $count } other versions you said “Keep ours”. They are neither taken nor shown.
}
operator-forget-decided = Ask me again
operator-settings = Settings are given when the node starts: by flags, by the environment, or in its settings file. “boucan --help” lists all of them.
