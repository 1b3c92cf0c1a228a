# What is not offered, and what is not taken.
held-title = Held back
held-lead = What this node does not offer, or does not take from nearby, and why.
held-names = The names are shown to whoever runs this node.
held-not-offered = Not offered from this node
held-all-offered = Everything in the folder is offered.
held-count = { $files }, each for a reason of its own. Hidden files are never offered, and not counted.
held-name = Name
held-why = Why
held-when = When
held-from = From
held-on = On
held-other-size = Other size
held-what = What happens
held-conflicts = Same name, other content
held-untouched = Nothing that is here was touched.
held-decide = Decide
held-not-portable = Not taken: some system could not store the name
held-one-by-one = “Fetch here” takes one all the same, if this system can store it; with --any-name the node takes all of those.
held-failures = Did not come lately
held-again = They are tried again by themselves.
held-not-taken = Not taken from nearby
held-conflicts-count = { $count ->
    [one] { $count } name nearby stands for other content here.
   *[other] { $count } names nearby stand for other content here.
}

held-link = It is a link; links are not followed, they may lead out of the folder.
held-no-file = It is no ordinary file.
held-unreadable = It cannot be read.
held-name-not-utf8 = Its name is not valid text (UTF-8).
held-name-not-plain = Its name has an empty part, or one of dots alone.
held-name-hidden = It is hidden: a part of its name begins with a dot.
held-name-control = Its name holds line breaks or control characters.
held-name-deceptive = Its name holds invisible marks that make it read as another.
held-name-windows-path = Its name holds a backslash, or begins like a drive of Windows.
held-name-reserved = Its folder’s name, “forban”, is reserved.
held-name-too-long = Its name is too long.
held-name-too-long-to-list = A part of its name is longer than 245 bytes, which other nodes cannot store.
held-name-special = Its name holds one of * ? " < > |, which not every system can store.
held-name-edge = A part of its name begins with a blank, or ends with a blank or a dot.
held-name-device = Its name is that of a device on Windows.
held-name-acts = Windows acts by itself on files of that name.
