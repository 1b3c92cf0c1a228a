"""A boucan node on a host of the star."""

import os
import signal
import subprocess
import time

from .star import PATIENCE_S, address

#: Forban's port, which all nodes of a network share.
PORT = 12555
#: The hidden folder of a shared folder; unfinished downloads lie in its `spool`.
HIDDEN = ".boucan"
#: A node ends within two seconds when it is asked to.
END_S = 5
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Node:
    """Folder, state and process of one node; the process may come and go."""

    def __init__(self, star, number, program, home, more=()):
        self.star, self.number, self.program, self.more = star, number, program, list(more)
        self.home = os.path.join(home, f"host{number}")
        self.folder = os.path.join(self.home, "loot")
        self.process = None
        self.earlier_cpu_s = 0.0
        os.makedirs(self.folder)

    def start(self, mirror=True, hidden=False):
        """Starts it; `hidden`: for its own host only, which is how a liar hides a node behind itself."""
        argv = [self.program, "serve", self.folder, "--state", os.path.join(self.home, "state"),
                "--port", str(PORT), "--name", f"host{self.number}", "--no-directory", *self.more]
        if mirror:
            argv.append("--opportunistic")
        if hidden:
            argv += ["--bind", "127.0.0.1", "--announce-to", "127.255.255.255"]
        self.process = self.spawn(argv)

    def spawn(self, argv):
        """A program on this host, its output in the log."""
        with open(os.path.join(self.home, "log"), "ab") as log:
            return subprocess.Popen(self.star.hosts[self.number].inside(argv), stdin=subprocess.DEVNULL,
                                    stdout=log, stderr=log, env={**os.environ, "HOME": self.home})

    def kill(self):
        """kill -9: it has no time for anything."""
        self.earlier_cpu_s = self.cpu_s()
        self.process.kill()
        self.process.wait(PATIENCE_S)
        self.process = None

    def end(self):
        """Asks it to end, and does not wait long."""
        if self.process is None:
            return
        self.earlier_cpu_s = self.cpu_s()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(PATIENCE_S)
        self.process = None

    def runs(self):
        """Whether it was started and has not ended by itself."""
        return self.process is not None and self.process.poll() is None

    def cpu_s(self):
        """Seconds of processor that all its processes took so far."""
        if not self.runs():
            return self.earlier_cpu_s
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return self.earlier_cpu_s + (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def path(self, name):
        """Where a shared file lies."""
        return os.path.join(self.folder, name)

    def has(self, name):
        """Whether the file has its name here, which only a whole file gets."""
        return os.path.exists(self.path(name))

    def give(self, original, name):
        """A copy, made elsewhere on the same disk, is moved into the folder: it is there at once."""
        staged = os.path.join(self.home, "staged")
        with open(original, "rb") as source, open(staged, "wb") as copy:
            while block := source.read(1 << 20):
                copy.write(block)
        os.rename(staged, self.path(name))

    def ask(self, path, host=None):
        """The body of what it answers to its own host; empty where nothing answers."""
        url = f"http://{host or address(self.number)}:{PORT}{path}"
        argv = self.star.hosts[self.number].inside(["curl", "--silent", "--fail", "--max-time", "5", url])
        return subprocess.run(argv, capture_output=True, timeout=PATIENCE_S, check=False).stdout

    def wait_until_hashed(self, files, host=None):
        """Waits until its manifest tells so many files, and none is still to be read."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            head = self.ask("/s/?g=forban/index.manifest", host).split(b"\n\n")[0].split(b"\n")
            if b"hashing 0" in head and b"files %d" % files in head:
                return
            if not self.runs():
                raise RuntimeError(f"host{self.number} ended: {self.last_words()}")
            time.sleep(0.05)
        raise RuntimeError(f"host{self.number} has not read its files: {self.last_words()}")

    def last_words(self):
        """The end of its log."""
        with open(os.path.join(self.home, "log"), "rb") as log:
            return log.read()[-600:].decode(errors="replace")


def wait_for(what, condition, limit_s, step_s=0.02):
    """Waits until a condition holds; an error that says `what` did not, after the limit."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {limit_s:.0f} s: {what}")
        time.sleep(step_s)
