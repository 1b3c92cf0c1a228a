#!/usr/bin/env python3
"""One file to many hosts by real nodes on shaped links. See benches/README.md.

    benches/swarm.py warm appear                      64 MiB, 8 hosts, 100 Mbit/s
    benches/swarm.py warm --hosts 32 --rate 25
    benches/swarm.py trouble                          a slow host, one that vanishes, one that lies
    benches/swarm.py kills                            kill -9, a hundred times

Everything happens in network namespaces that end with this process.
"""

import argparse
import os
import random
import signal
import sys
import tempfile

sys.dont_write_bytecode = True

from swarm_lab import compare, figures, kills, scenarios, star  # noqa: E402 (after the line above)

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RUNS = {"warm": scenarios.warm, "appear": scenarios.appear, "trouble": scenarios.trouble}


def arguments():
    """What to run, and how."""
    read = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    read.add_argument("runs", nargs="+", choices=[*RUNS, "kills"], metavar="warm|appear|trouble|kills")
    read.add_argument("--boucan", action="append", metavar="[NAME=]PATH",
                      help="a program to measure; several are measured in turns [target/release/boucan]")
    read.add_argument("--hosts", type=int, default=8, help="hosts that want the file, the seeder not counted [8]")
    read.add_argument("--rate", type=float, default=100, help="Mbit/s of each link, both ways [100]")
    read.add_argument("--size-mb", type=float, default=64, help="MiB of the file [64]")
    read.add_argument("--rounds", type=int, default=3, help="runs of each kind, in turns [3]")
    read.add_argument("--limit", type=float, default=240, help="seconds after which a run has failed [240]")
    read.add_argument("--quiet", type=float, default=5, help="appear: seconds of quiet before the file [5]")
    read.add_argument("--slow", type=float, default=10, help="trouble: Mbit/s of the slow host [10]")
    read.add_argument("--lie-every", type=int, default=1, help="trouble: every so manyth piece is a lie [1]")
    read.add_argument("--kills", type=int, default=100, help="kills: how many [100]")
    read.add_argument("--kill-size-mb", type=float, default=16, help="kills: MiB of each file [16]")
    read.add_argument("--pause", type=float, default=0.8, help="kills: seconds between two, at most [0.8]")
    read.add_argument("--seed", type=int, help="of all that is random [another each time]")
    read.add_argument("--work", default="/dev/shm", help="where folders and states lie [/dev/shm]")
    read.add_argument("--keep", action="store_true", help="leave the folders of a single run")
    read.add_argument("--more", action="append", default=[], metavar="FLAG", help="one more flag for each node")
    return read.parse_args()


def programs(given):
    """Name and path of each program."""
    found = []
    for one in given or [f"boucan={ROOT}/target/release/boucan"]:
        name, _, path = one.rpartition("=")
        if not os.access(path, os.X_OK):
            sys.exit(f"{path} is no program; `cargo build --release` makes one, --boucan names another")
        found.append((name or os.path.basename(path), os.path.abspath(path)))
    return found


def measure(options, wanted, found):
    """All runs in turns, each told as it ends."""
    runs = {(scenario, name): [] for scenario in wanted for name, _ in found}
    for turn in range(options.rounds):
        for (scenario, name), done in runs.items():
            run = RUNS[scenario](options, dict(found)[name])
            done.append(run)
            print(f"{turn + 1}: {scenario} {name}:", *figures.told(options, run), *run.wrong, sep="\n   ", flush=True)
    return runs


def main():
    """Runs what is asked for; the exit status tells whether all was right."""
    options = arguments()
    found = programs(options.boucan)
    options.size, options.kill_size = int(options.size_mb * 2**20), int(options.kill_size_mb * 2**20)
    options.seed = random.randrange(2**32) if options.seed is None else options.seed
    if options.keep and (options.rounds, len(options.runs), len(found)) != (1, 1, 1):
        sys.exit("--keep is for one run of one program: --rounds 1")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    work = tempfile.mkdtemp(prefix="boucan-swarm-", dir=options.work)
    options.work, options.payload = work, os.path.join(work, "payload")
    try:
        right = report(options, found)
    except KeyboardInterrupt:
        sys.exit("interrupted; all of it has ended")
    finally:
        if os.path.exists(options.payload):
            os.remove(options.payload)
        if not options.keep:
            os.rmdir(work)
    sys.exit(0 if right else 1)


def report(options, found):
    """Runs, prints the tables, and says whether everything was right."""
    wanted = [run for run in options.runs if run != "kills"]
    right = True
    if wanted:
        compare.make_file(options.payload, options.size, random.Random(options.seed))
        runs = measure(options, wanted, found)
        bound = star.bound_s(options.size, options.rate)
        print(f"\n{options.size_mb:g} MiB from 1 to {options.hosts} hosts, {options.rate:g} Mbit/s links, "
              f"{options.rounds} rounds, bound {bound:.2f} s, seed {options.seed}\n")
        print(figures.dissemination(options, runs))
        print("\n" + figures.further(runs) if figures.further(runs) else "")
        right = all(run.times() and not run.wrong for done in runs.values() for run in done)
    if "kills" in options.runs:
        outcomes = [(name, kills.kills(options, path, random.Random(options.seed))) for name, path in found]
        print(f"\nkill -9 of a random one of 5 nodes, {options.rate:g} Mbit/s links, seed {options.seed}\n")
        print(figures.upheavals(options, outcomes))
        for name, outcome in outcomes:
            print(*(f"{name}: {words}" for words in outcome.wrong), sep="\n")
            right = right and not outcome.wrong
    return right


if __name__ == "__main__":
    main()
