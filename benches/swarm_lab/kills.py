"""Five nodes that are killed again and again while files go round: nothing partial may ever show."""

import os
import time
from dataclasses import dataclass, field

from . import compare
from .node import wait_for
from .scenarios import Room

#: So many files are on their way at once, so that there is something to interrupt.
UNDER_WAY = 2


@dataclass
class Outcome:
    """What was seen."""

    kills: int = 0
    files: int = 0
    #: Comparisons of a visible file with what it must be.
    compared: int = 0
    #: Kills of a node that had something in its spool.
    in_the_middle: int = 0
    #: Seconds from the last kill until everybody had everything.
    settled_s: float = 0.0
    #: Unfinished downloads that nobody needs any more.
    left_over: int = 0
    wrong: list = field(default_factory=list)


class Upheaval:
    """The nodes, the files that were given, and what is seen."""

    def __init__(self, room, options, random):
        self.room, self.options, self.random = room, options, random
        self.originals = {}
        self.watcher = compare.Watcher(self.originals)
        self.outcome = Outcome()

    def feed(self):
        """Gives random nodes new files, as long as few are under way."""
        missing = [name for name in self.originals if not all(node.has(name) for node in self.room.nodes)]
        for _ in range(UNDER_WAY - len(missing)):
            name = f"file {len(self.originals):03}.bin"
            original = os.path.join(self.room.home, name)
            compare.make_file(original, self.options.kill_size, self.random)
            self.originals[name] = original
            self.random.choice(self.room.nodes).give(original, name)

    def kill_one(self):
        """One node dies at a random moment, is looked at as it lies there, and comes back."""
        deadline = time.monotonic() + self.random.uniform(0.05, self.options.pause)
        while time.monotonic() < deadline:
            self.watcher.look(self.room.nodes)
            time.sleep(0.02)
        node = self.random.choice(self.room.nodes)
        self.watcher.wrong += self.room.fallen()
        node.kill()
        self.outcome.kills += 1
        self.outcome.in_the_middle += bool(compare.spooled(node))
        self.watcher.look(self.room.nodes)
        time.sleep(self.random.uniform(0, self.options.pause / 2))
        node.start()

    def settle(self):
        """Nobody is killed any more: everybody gets everything, and everything is compared anew."""
        began = time.monotonic()
        nodes = self.room.nodes
        wait_for("everybody has every file",
                 lambda: all(node.has(name) for node in nodes for name in self.originals), self.options.limit)
        self.outcome.settled_s = time.monotonic() - began
        # A node that restarted may not have listed yet what it holds.
        wait_for("every node lists every file", lambda: all(self._lists_all(node) for node in nodes), 60, 0.5)
        self.outcome.compared = len(self.watcher.seen)
        self.watcher.look_again_at_all(nodes)
        self.outcome.compared += len(self.watcher.seen)

    def _lists_all(self, node):
        lines = node.ask("/s/?g=forban/index").decode(errors="replace").splitlines()
        return sorted(lines) == sorted(f"{name},{self.options.kill_size}" for name in self.originals)


def kills(options, program, random):
    """Kills a random one of five nodes, many times, and says what was seen."""
    with Room(options, program, 5) as room:
        upheaval = Upheaval(room, options, random)
        outcome = upheaval.outcome
        for node in room.nodes:
            node.start()
        try:
            for _ in range(options.kills):
                upheaval.feed()
                upheaval.kill_one()
                if upheaval.watcher.wrong:
                    break
            upheaval.settle()
        except RuntimeError as error:
            outcome.wrong.append(str(error))
        outcome.files = len(upheaval.originals)
        outcome.left_over = sum(len(compare.spooled(node)) for node in room.nodes)
        outcome.wrong += upheaval.watcher.wrong
        outcome.wrong += [words for words in compare.stored_wrong(room.nodes, upheaval.originals)
                          if words not in outcome.wrong]
        return outcome
