# One file of a node.
file-about = About this file
file-bytes = { $count ->
    [one] { $count } byte
   *[other] { $count } bytes
}
file-kind = Kind
file-kind-video = Video
file-kind-audio = Sound
file-kind-picture = Picture
file-kind-document = Document
file-kind-archive = Archive
file-kind-program = Program
file-kind-other = Something else
file-on = On
file-this-node = this node
file-also = The same on
file-not-known = Not known yet: it has not been compared with what others have.
file-nobody = Nobody else nearby
file-more-holders = { $count ->
    [one] and one more
   *[other] and { $count } more
}
file-fingerprints = Fingerprints
file-fingerprints-why = A copy is the same, to the last bit, if its fingerprint is.
file-beside = Before and after it in the folder
file-cut = Only the beginning is shown. Download it to read the rest.
file-unread = It could not be looked at just now. Load the page again, or download it.
file-not-played = Browsers do not play this format. Download it and open it in a player.
file-too-large = This picture is too large to be shown here. Download it.
file-pdf = For your safety a PDF is not opened in this page. Download it and open it there.
