# What appeared nearby.
new-title = New nearby
new-lead = Files that appeared on this network, and nodes that came for the first time.
new-feed = Feed
new-feed-title = New near { $node }
new-feed-entry = { $node }: { $what }
new-feed-entry-in = { $node }: { $what } in { $folder }
new-since = { $count } new since your last visit
new-mark = new
new-nothing = Nothing new yet
new-nothing-why = What others add to their folders shows up here by itself.
new-who = Who is here
new-gone = not here now
new-unnamed = A node without a name
new-last-hour = In the last hour
new-last-day = In the last 24 hours
new-days-ago = { $count ->
    [one] { $count } day ago
   *[other] { $count } days ago
}
new-weeks-ago = { $count ->
    [one] { $count } week ago
   *[other] { $count } weeks ago
}
new-met-empty = is here
new-met = is here with { $files }, { $size }
new-added = { $files }, { $size }
new-more = { $count ->
    [one] and { $count } more
   *[other] and { $count } more
}
