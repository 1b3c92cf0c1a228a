# What all pages say: the frame around them, numbers with their nouns, times.
common-files = { $count ->
    [one] { $count } file
   *[other] { $count } files
}
common-percent = { $percent }%
common-just-now = just now
common-ago = { $time } ago
common-seconds = { $count } s
common-minutes = { $count } min
common-hours = { $minutes ->
    [0] { $hours } h
   *[other] { $hours } h { $minutes } min
}
common-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}
common-months = { $count ->
    [one] { $count } month
   *[other] { $count } months
}
common-years = { $count ->
    [one] { $count } year
   *[other] { $count } years
}

common-skip = Skip to the content
common-search = Search
common-search-nearby = Search everything nearby
common-pages = Pages
common-nav-search = Search
common-nav-near = Nearby
common-nav-new = New
common-nav-transfers = Transfers
common-nav-bring = Add files
common-nav-join = Join
common-nav-files = Files here
common-nav-held-back = Held back
common-nav-napster = Napster
common-nav-help = Help
common-nav-operator = This node
common-away = The node does not answer. Trying again …
common-paging = More of this list
common-more-pages = More
common-foot = boucan { $version }: files for everybody on this network.

common-previous = Before
common-next = After
common-rows = { $first }–{ $last } of { $total }
common-copy = Copy
common-copied = Copied
