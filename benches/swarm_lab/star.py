"""Hosts with links of a given rate, joined by one switch: network namespaces without names.

Each namespace is kept by a `cat` that ends with its standard input, and every program in it is
killed when this process ends. So nothing outlives a bench, however it ends, and two of them
cannot meet. Nothing is connected to the machine's own interfaces. It needs Linux, iproute2 and
util-linux, and either root or user namespaces.
"""

import json
import select
import subprocess

#: What TCP carries of an Ethernet frame: 1,448 bytes of 1,514.
FRAMING = 1514 / 1448
#: What passes at once before a link slows it down: one packet as the kernel hands it out.
BURST = "64kb"
#: The queue before a link; 21 ms at 100 Mbit/s.
QUEUE = "256kb"
#: Making a namespace takes milliseconds; on a busy machine more.
PATIENCE_S = 20


class Namespace:
    """A network namespace, as long as its keeper runs."""

    def __init__(self, enter):
        self.keeper = subprocess.Popen(
            [*enter, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.keeper.stdin.write(b"\n")
        self.keeper.stdin.flush()
        # The line comes back once `cat` runs, in the namespace.
        ready, _, _ = select.select([self.keeper.stdout], [], [], PATIENCE_S)
        if not ready or not self.keeper.stdout.read(1):
            self.keeper.kill()
            raise RuntimeError(f"no network namespace: {self.keeper.stderr.read().decode().strip()}")

    def inside(self, argv):
        """The command that runs another one in here, and lets it die with this process."""
        enter = ["nsenter", "--preserve-credentials", "--user", "--net", "--target", str(self.keeper.pid)]
        return [*enter, "setpriv", "--pdeathsig", "KILL", *argv]

    def run(self, argv, text=""):
        """Runs a short command in here and returns what it prints."""
        done = subprocess.run(self.inside(argv), input=text, capture_output=True, text=True, timeout=PATIENCE_S)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")
        return done.stdout

    def ip(self, script):
        """Runs lines of `ip`."""
        self.run(["ip", "-batch", "-"], script)

    def shape(self, device, mbit):
        """What leaves by this device passes at this rate from now on."""
        self.run(["tc", "qdisc", "replace", "dev", device, "root", "tbf",
                  "rate", f"{mbit}mbit", "burst", BURST, "limit", QUEUE])

    def end(self):
        """Ends the keeper; the namespace goes with its last process."""
        self.keeper.stdin.close()
        self.keeper.stdout.close()
        self.keeper.stderr.close()
        self.keeper.wait(PATIENCE_S)


class Star:
    """`hosts` hosts, each at 10.77.0.(number + 1) by a link of `mbit` both ways."""

    def __init__(self, hosts, mbit):
        self.made = []
        try:
            self.switch = self._keep(["unshare", "--user", "--map-root-user", "--net"])
            self.switch.ip("link set lo up\nlink add br0 type bridge mcast_snooping 0\nlink set br0 up")
            self.hosts = [self._host(number, mbit) for number in range(hosts)]
        except BaseException:
            self.end()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        """Lets all namespaces go."""
        while self.made:
            self.made.pop().end()

    def _keep(self, enter):
        namespace = Namespace(enter)
        self.made.append(namespace)
        return namespace

    def _host(self, number, mbit):
        host = self._keep(self.switch.inside(["unshare", "--net"]))
        self.switch.ip(f"link add p{number} type veth peer name eth0 netns {host.keeper.pid}\n"
                       f"link set p{number} addrgenmode none master br0 up")
        # Without the wait for duplicates an address can be used at once.
        host.ip("link set lo up\nlink set eth0 addrgenmode none\n"
                f"addr add {address(number)}/24 brd + dev eth0\n"
                f"addr add fe80::{number + 1:x}/64 nodad dev eth0\nlink set eth0 up")
        self.limit(number, mbit, host)
        return host

    def limit(self, number, mbit, host=None):
        """Sets the rate of one host's link: its sending at its end, its receiving at the switch."""
        (host or self.hosts[number]).shape("eth0", mbit)
        self.switch.shape(f"p{number}", mbit)

    def unplug(self, number):
        """Takes a host off the net without a word to anybody."""
        self.switch.ip(f"link set p{number} down")

    def plug_in(self, number):
        """Puts it back."""
        self.switch.ip(f"link set p{number} up")

    def moved(self, number):
        """Bytes that a host has (sent, received) by its link."""
        told = json.loads(self.hosts[number].run(["ip", "-s", "-j", "link", "show", "eth0"]))
        counters = told[0]["stats64"]
        return counters["tx"]["bytes"], counters["rx"]["bytes"]


def address(number):
    """The IPv4 address of a host."""
    return f"10.77.0.{number + 1}"


def bound_s(size_bytes, mbit):
    """What one link needs to carry so many bytes once."""
    return size_bytes * 8 / (mbit * 1e6) * FRAMING
