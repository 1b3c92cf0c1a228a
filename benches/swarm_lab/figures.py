"""Markdown tables of what the runs gave."""

from statistics import median

from .star import bound_s


def table(head, rows):
    """One table, as lines."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def number(value, digits=2):
    """A figure, or a dash where there is none."""
    return "–" if value is None or value != value else f"{value:.{digits}f}"


def spread(values):
    """Median (least to most)."""
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def told(options, run):
    """Lines about one run: when each host had the file, and what each has sent."""
    missing = [host for host in run.honest if host not in run.at_s]
    when = "  ".join(f"{host}: {at:.2f}" for host, at in sorted(run.at_s.items(), key=lambda pair: pair[1]))
    sent = "  ".join(f"{host}: {sent / options.size:.2f}" for host, sent in enumerate(run.sent_by))
    lines = [f"has it after s, by host   {when}", f"sent × size, by host      {sent}"]
    return lines + ([f"never had it: {missing}"] if missing else [])


def dissemination(options, runs):
    """`runs`: (scenario, program) to its runs, in the order of the rows."""
    bound = bound_s(options.size, options.rate)
    head = ["run", "program", "all have it, s: median (least to most)", "× bound", "median host", "first host",
            "seeder sent × size", "nodes' processor s", "machine busy", "right"]
    rows = []
    for (scenario, program), found in runs.items():
        good = [run for run in found if run.times() and not run.wrong]
        if not good:
            rows.append([scenario, program, *["–"] * 7, f"0 of {len(found)}"])
            continue
        last = [run.times()[-1] for run in good]
        rows.append([
            scenario, program, spread(last), number(median(last) / bound),
            number(median(median(run.times()) for run in good) / bound),
            number(median(run.times()[0] for run in good) / bound),
            number(median(run.sent_bytes for run in good) / options.size),
            number(median(run.cpu_s for run in good), 1),
            f"{median(run.busy for run in good):.0%}", f"{len(good)} of {len(found)}",
        ])
    return table(head, rows)


def further(runs):
    """What only some runs tell: medians of their further figures; empty if there are none."""
    rows, head = [], []
    for (scenario, program), found in runs.items():
        told = [run.more for run in found if run.more]
        if told:
            head = ["run", "program", *told[0]]
            columns = [[more[key] for more in told if more[key] is not None] for key in told[0]]
            rows.append([scenario, program, *[number(median(column) if column else None) for column in columns]])
    return table(head, rows) if rows else ""


def upheavals(options, outcomes):
    """`outcomes`: (program, Outcome) each."""
    head = ["program", "kills", "with a download under way", f"files of {options.kill_size >> 20} MiB given",
            "comparisons", "all had all after s", "left in spools", "wrong"]
    rows = [[program, str(seen.kills), str(seen.in_the_middle), str(seen.files), str(seen.compared),
             number(seen.settled_s), str(seen.left_over), str(len(seen.wrong))] for program, seen in outcomes]
    return table(head, rows)
