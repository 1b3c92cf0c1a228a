# Search: the results.
search-title = Everything nearby
search-everything = Everything nearby: { $files }
search-nothing = Nothing found
search-said = { $count } for { $words }
search-away = The node does not answer just now.
search-kinds = Kinds of files
search-all-kinds = All
search-video = Video
search-audio = Audio
search-picture = Pictures
search-document = Documents
search-archive = Archives
search-program = Programs
search-other = Other
search-take-away = Take this filter away
search-at-least = at least { $size }
search-at-most = at most { $size }
search-only-on = only on { $node }
search-on-gone = only on a node that is not here
search-narrow = Size, node, order
search-least = Size at least
search-most = Size at most
search-bad-size = That is no size; write 10 MB or 1.5 GB.
search-node = On
search-any-node = All nodes
search-apply = Apply
search-order = Sorted by
search-order-relevance = Best first
search-order-name = Name, A to Z
search-order-name-back = Name, Z to A
search-order-size = Largest first
search-order-size-back = Smallest first
search-order-holders = On most nodes first
search-order-age = Newest first
search-order-age-back = Oldest first
search-column-name = Name
search-column-size = Size
search-column-holders = On
search-column-age = Age
search-column-do = Do
search-as-pattern = No name holds these words, so the search was read as a pattern (a regular expression).
search-cut-short = There was too much to look through; there may be more.
search-first-shown = Only the first { $count } are shown; another word narrows the search.
search-folders = Folders
search-holds = { $files }, { $size }
search-on-nodes = { $count ->
    [one] on { $count } node
   *[other] on { $count } nodes
}
search-more-holders = and { $count } more
search-here = here
search-peer = Napster peer { $address }
search-size-untold = Napster peers do not tell sizes
search-download = Download
search-fetch = Fetch here
search-nobody-has = { $count ->
    [one] The one node that is here has no such file
   *[other] None of the { $count } nodes here has such a file
}
search-try = Every word must be in the name or its folders. Try fewer or shorter words.
search-unfiltered = Search without filters
search-who = Who is nearby
search-keys = Keys: / to the search, ↓ and ↑ through the hits, Esc back.
