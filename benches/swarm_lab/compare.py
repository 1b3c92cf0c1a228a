"""What must be true of the files: what has a name is right, whole and the only thing there."""

import os

from .node import HIDDEN

#: docs/PROTOCOL.md, section 6.
PIECE_BYTES = 262_144
BLOCK_BYTES = 4 * PIECE_BYTES
#: How files of the spool end (src/loot/spool.rs): what was received, and what holds no bytes of files.
PART = ".part"
BESIDES = (".note", ".new")


def make_file(path, size_bytes, random):
    """A file that cannot be compressed; the same again from the same random source."""
    with open(path, "wb") as file:
        while size_bytes > 0:
            block = random.randbytes(min(size_bytes, BLOCK_BYTES))
            file.write(block)
            size_bytes -= len(block)


def same(one, other):
    """Whether two files have equal bytes; every byte is read."""
    with open(one, "rb") as first, open(other, "rb") as second:
        while True:
            block = first.read(BLOCK_BYTES)
            if block != second.read(BLOCK_BYTES):
                return False
            if not block:
                return True


def wrong_pieces(path, original):
    """How many pieces of an unfinished file hold something else than nothing or the right bytes."""
    wrong, nothing = 0, bytes(PIECE_BYTES)
    with open(path, "rb") as part, open(original, "rb") as whole:
        while block := part.read(PIECE_BYTES):
            right = whole.read(PIECE_BYTES)
            # A piece that has come in part ends where the file ends, or in nothing.
            begun = block.rstrip(b"\0")
            if block != nothing[:len(block)] and not right.startswith(begun):
                wrong += 1
    return wrong


def visible(node):
    """The names of all files that a node shows, unfinished downloads not among them."""
    names = []
    for place, folders, files in os.walk(node.folder):
        folders[:] = [folder for folder in folders if folder != HIDDEN]
        names += [os.path.relpath(os.path.join(place, file), node.folder) for file in files]
    return names


def hidden(node):
    """The paths of all files in the hidden folder of a node."""
    found = []
    for place, _, files in os.walk(os.path.join(node.folder, HIDDEN)):
        found += [os.path.join(place, file) for file in files]
    return found


def spooled(node):
    """The unfinished downloads of a node that have bytes."""
    return [path for path in hidden(node) if path.endswith(PART) and os.path.getsize(path)]


class Watcher:
    """Looks at every file as soon as it is seen, and again whenever it is another."""

    def __init__(self, originals):
        #: Name to the path of what it must hold; it may grow.
        self.originals = originals
        self.seen = set()
        #: Sentences.
        self.wrong = []

    def look(self, nodes):
        """Compares what these nodes show and was not compared yet."""
        for node in nodes:
            for name in visible(node):
                try:
                    self._look_at(node, name)
                except FileNotFoundError:
                    self.wrong.append(f"host{node.number}: {name} was there and is gone")

    def _look_at(self, node, name):
        facts = os.stat(node.path(name))
        key = (node.number, name, facts.st_ino, facts.st_size, facts.st_mtime_ns)
        if key in self.seen:
            return
        self.seen.add(key)
        if name not in self.originals:
            self.wrong.append(f"host{node.number}: {name} is nothing that was given")
        elif not same(node.path(name), self.originals[name]):
            self.wrong.append(f"host{node.number}: {name} is visible and not right")

    def look_again_at_all(self, nodes):
        """As if nothing had been seen yet."""
        self.seen.clear()
        self.look(nodes)


def stored_wrong(nodes, originals):
    """Sentences about everything that these nodes hold and should not: shown or in the spool."""
    watcher = Watcher(originals)
    watcher.look(nodes)
    for node in nodes:
        for path in spooled(node):
            # Nothing says here of which file it is a part: it must fit one of them.
            pieces = min((wrong_pieces(path, original) for original in originals.values()), default=0)
            if pieces:
                watcher.wrong.append(f"host{node.number}: {pieces} wrong pieces in the spool")
        for path in hidden(node):
            # Better a false alarm than bytes that nobody looks at.
            if not path.endswith((PART, *BESIDES)):
                watcher.wrong.append(f"host{node.number}: {path} is of no known kind; see BESIDES in compare.py")
    return watcher.wrong
