"""The runs: one file to many hosts from a start, from its appearance, and with trouble on the way.

Host 0 has the file. Each run makes its network, its nodes and its folders, and leaves nothing.
"""

import contextlib
import os
import shutil
import sys
import time
from dataclasses import dataclass, field

from . import compare
from .node import PORT, Node, wait_for
from .star import Star, address, bound_s

NAME = "payload.bin"
#: A small file that goes round first, where everybody shall know everybody before the clock starts.
GREETING = "greeting.txt"
LIAR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "liar.py")


@dataclass
class Run:
    """What one run gave."""

    #: Seconds until the hosts had it whole, by host; who is missing has it not.
    at_s: dict
    #: Who had to get it and be in time.
    honest: list
    #: What the seeder had sent when the last honest host had it.
    sent_bytes: int = 0
    #: What each host had sent when nobody was waited for any more, what went before the clock included.
    sent_by: list = field(default_factory=list)
    #: Of all nodes together, and the share of the machine that was busy, others' work included.
    cpu_s: float = 0.0
    busy: float = 0.0
    #: What was wrong, sentences.
    wrong: list = field(default_factory=list)
    #: Further figures, by their names.
    more: dict = field(default_factory=dict)

    def times(self):
        """The seconds of the honest hosts in order, or none if one of them has it not."""
        found = sorted(self.at_s[host] for host in self.honest if host in self.at_s)
        return found if len(found) == len(self.honest) else []


class Room:
    """A star with nodes on it; everything ends with it."""

    def __init__(self, options, program, hosts):
        self.options = options
        self.home = os.path.join(options.work, "room")
        os.makedirs(self.home)
        self.ending = contextlib.ExitStack()
        self.ending.callback(self._leave)
        try:
            self.star = self.ending.enter_context(Star(hosts, options.rate))
            self.nodes = [Node(self.star, number, program, self.home, options.more) for number in range(hosts)]
        except BaseException:
            self.ending.close()
            raise
        for node in self.nodes:
            self.ending.callback(node.end)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # All are asked at once, so that many take no longer than one.
        for node in self.nodes:
            if node.runs():
                node.process.terminate()
        self.ending.close()

    def _leave(self):
        if self.options.keep:
            print(f"logs, folders and states are left in {self.home}; the next run needs another --work")
        else:
            shutil.rmtree(self.home)

    def start_seeder(self):
        """Host 0 has the file and has read it."""
        self.nodes[0].give(self.options.payload, NAME)
        self.nodes[0].start()
        self.nodes[0].wait_until_hashed(1)

    def fallen(self):
        """Sentences about nodes that ended by themselves."""
        return [f"host{node.number} ended by itself: {node.last_words()}"
                for node in self.nodes if node.process is not None and not node.runs()]


class Clock:
    """Notes when each host has the file, what was sent and how busy the machine was meanwhile."""

    def __init__(self, room, honest, others=()):
        self.room, self.others = room, list(others)
        self.run = Run({}, list(honest))
        self.sent_before = room.star.moved(0)[0]
        self.cpu_before = sum(node.cpu_s() for node in room.nodes)
        self.machine_before = machine_ticks()
        self.began = time.monotonic()

    def until_all_have_it(self, meanwhile=lambda: None):
        """Looks until the honest and the other hosts have it, or the time is over."""
        run, waiting = self.run, [*self.run.honest, *self.others]
        while waiting and self.passed_s() < self.room.options.limit:
            for host in [host for host in waiting if self.room.nodes[host].has(NAME)]:
                run.at_s[host] = self.passed_s()
                waiting.remove(host)
                if host in run.honest and all(other in run.at_s for other in run.honest):
                    self._note_effort()
            meanwhile()
            time.sleep(0.01)
        if not run.sent_bytes:
            self._note_effort()
        run.sent_by = [self.room.star.moved(host)[0] for host in range(len(self.room.nodes))]
        run.wrong += self.room.fallen()
        return run

    def passed_s(self):
        """Seconds since the clock began."""
        return time.monotonic() - self.began

    def _note_effort(self):
        """What it took until now; noted when the last honest host has the file."""
        busy, whole = (now - before for now, before in zip(machine_ticks(), self.machine_before))
        self.run.busy = busy / max(whole, 1)
        self.run.sent_bytes = self.room.star.moved(0)[0] - self.sent_before
        self.run.cpu_s = sum(node.cpu_s() for node in self.room.nodes) - self.cpu_before


def machine_ticks():
    """(busy, all) ticks of all processors, what others took included."""
    with open("/proc/stat", encoding="ascii") as stat:
        ticks = [int(value) for value in stat.readline().split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def warm(options, program):
    """The seeder is up and has read the file; the clock starts with the start of the others."""
    with Room(options, program, options.hosts + 1) as room:
        room.start_seeder()
        others = range(1, options.hosts + 1)
        clock = Clock(room, others)
        for host in others:
            room.nodes[host].start()
        run = clock.until_all_have_it()
        run.wrong += compare.stored_wrong(room.nodes, {NAME: options.payload})
        return run


def appear(options, program):
    """All are up and quiet; the clock starts when the file is moved into the seeder's folder."""
    with Room(options, program, options.hosts + 1) as room:
        greeting = os.path.join(room.home, GREETING)
        with open(greeting, "w", encoding="ascii") as file:
            file.write("hello\n")
        for node in room.nodes:
            node.start()
        room.nodes[0].give(greeting, GREETING)
        wait_for("everybody has the greeting", lambda: all(node.has(GREETING) for node in room.nodes), 60)
        staged = os.path.join(room.home, "staged")
        shutil.copyfile(options.payload, staged)
        time.sleep(options.quiet)
        clock = Clock(room, range(1, options.hosts + 1))
        os.rename(staged, room.nodes[0].path(NAME))
        run = clock.until_all_have_it()
        run.wrong += compare.stored_wrong(room.nodes, {NAME: options.payload, GREETING: greeting})
        return run


def trouble(options, program):
    """As `warm`, but host 1 is slow, host 2 vanishes when it has half, and host 3 sends wrong bytes.

    The one that vanished comes back when the others are done: it is as bound to end right as they.
    """
    if options.hosts < 4:
        raise RuntimeError("trouble needs 4 hosts at least: three that make it, and one that is honest")
    slow, leaving, liar = 1, 2, 3
    with Room(options, program, options.hosts + 1) as room:
        room.star.limit(slow, options.slow)
        room.start_seeder()
        lies = start_liar(room, liar)
        clock = Clock(room, range(4, options.hosts + 1), [slow])
        for host in range(1, options.hosts + 1):
            if host != liar:
                room.nodes[host].start()
        leaver = Leaver(room, leaving, clock)
        run = clock.until_all_have_it(leaver.look)
        slow_s = run.at_s.get(slow)
        run.more = {
            "the slow one: s": slow_s,
            "× its bound": slow_s and slow_s / bound_s(options.size, options.slow),
            "vanished after s": leaver.left_s,
            "came back and had it after s": leaver.come_back(),
            "the liar sent × size": room.star.moved(liar)[0] / options.size,
        }
        if run.more["came back and had it after s"] is None:
            run.wrong.append("the one that vanished has it not")
        if lies.poll() is not None:
            run.wrong.append("the liar ended by itself")
        lies.kill()
        lies.wait()
        run.wrong += compare.stored_wrong(room.nodes, {NAME: options.payload})
        return run


def start_liar(room, host):
    """A node that has the file from the start and is heard by its own host only, and who speaks for it."""
    node = room.nodes[host]
    argv = [sys.executable, LIAR, address(host), "10.77.0.255", str(PORT), str(room.options.lie_every)]
    # First who speaks, so that not even the first announcement is missed.
    speaker = node.spawn(argv)
    wait_for("the liar listens", lambda: "listening" in node.last_words(), 20)
    node.give(room.options.payload, NAME)
    node.start(mirror=False, hidden=True)
    node.wait_until_hashed(1, host="127.0.0.1")
    wait_for("the liar was told what to announce", lambda: "announcing" in node.last_words(), 20)
    return speaker


class Leaver:
    """Kills a node, and takes its host off the net, as soon as half of the file has come there."""

    def __init__(self, room, host, clock):
        self.room, self.host, self.clock = room, host, clock
        self.left_s = None
        self.next_look_s = 0.0

    def look(self):
        """To be called again and again."""
        if self.left_s is not None or self.clock.passed_s() < self.next_look_s:
            return
        # To ask for the counters starts a program: not at each turn.
        self.next_look_s = self.clock.passed_s() + 0.1
        if self.room.star.moved(self.host)[1] >= self.room.options.size / 2:
            self.room.nodes[self.host].kill()
            self.room.star.unplug(self.host)
            self.left_s = self.clock.passed_s()

    def come_back(self):
        """It is started again, with the others there; seconds until it has the file."""
        if self.left_s is None:
            return None
        began, node = time.monotonic(), self.room.nodes[self.host]
        self.room.star.plug_in(self.host)
        node.start()
        while not node.has(NAME):
            if time.monotonic() - began > self.room.options.limit:
                return None
            time.sleep(0.02)
        return time.monotonic() - began
