# A folder of a node, and what of a node is not here.
loot-folders = Folders
loot-name = Name
loot-size = Size
loot-changed = Changed
loot-sorted = Sorted by
loot-download = Download
loot-download-one = Download { $name }
loot-download-folder = Download folder
loot-download-folder-tar = Download folder as tar
loot-fetch-folder = Fetch folder here
loot-playlist = Playlist
loot-not-here = What is missing here
loot-refused = { $count ->
    [one] One more name of this node cannot be used here: it is malformed, or hides what it is.
   *[other] { $count } more names of this node cannot be used here: they are malformed, or hide what they are.
}
loot-switched-off = Nothing is copied from this node.
loot-switch-on = Copy from it again
loot-switch-off = Copy nothing from this node
loot-filter = Only names with …
loot-filter-do = Filter
loot-shown = { $shown } of { $all } shown
loot-as-grid = Pictures
loot-as-list = List
loot-empty = There is nothing here
loot-nothing = No name holds all these words
loot-all-again = Show all again
loot-choose = Choose { $name }
loot-choose-all = Choose all that are shown
loot-choose-what = What is chosen comes as one file.
loot-chosen = Chosen
loot-chosen-one = { $count } chosen, { $size }
loot-chosen-many = { $count } chosen, { $size }
loot-download-chosen = Download as zip
loot-download-chosen-tar = Download what is chosen as tar
