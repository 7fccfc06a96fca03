"""``python -m benchmarks``: measure all, print the tables, and write them with a picture."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from benchmarks import commands, machine, report, trainings
from benchmarks.commands import COMMANDS
from benchmarks.competitors import COMPETITORS, QUICK
from benchmarks.picture import draw
from benchmarks.processes import ROOT
from benchmarks.rounds import measure
from benchmarks.trainings import REAL_WORKLOADS, has_mnist
from benchmarks.workloads import WORKLOADS, shorter

RESULTS = Path(__file__).parent / "results"

ENOUGH = 5
"""The fewest repeats of which a median says something."""

EVERYTHING = [*WORKLOADS, *COMMANDS, *REAL_WORKLOADS]

FULLY = {"workloads": EVERYTHING, "competitors": list(COMPETITORS), "threads": [1, 2], "repeats": 7}
QUICKLY = {
    "workloads": list(WORKLOADS),
    "competitors": list(QUICK),
    "threads": [1],
    "repeats": ENOUGH,
    "caches": ROOT / "build" / "benchmarks",
}
"""What is measured where the options do not say."""


def main() -> None:
    """Measure what the options name; all by default."""
    options = _options()
    results = report.Results(machine.description(), [], [], [])
    competitors = [COMPETITORS[name] for name in options.competitors]
    for threads in options.threads:
        for name in (name for name in options.workloads if name in WORKLOADS):
            workload = shorter(WORKLOADS[name]) if options.quick else WORKLOADS[name]
            results.measurements += measure(workload, competitors, threads, options.repeats, options.caches)
            _write(results, options.out)
        results.commands += commands.measure(
            [name for name in options.workloads if name in COMMANDS], threads, options.repeats, options.rows
        )
    if has_mnist(options.mnist):
        for name in (name for name in options.workloads if name in REAL_WORKLOADS):
            results.trainings += trainings.measure(name, options.mnist, options.ranks, options.repeats, options.caches)
            _write(results, options.out)
    results.machine["load afterwards"] = machine.load()
    _write(results, options.out)
    draw(results, options.out / "ratios.png")
    print(report.text(results))


def _options() -> argparse.Namespace:
    """What is asked for; ``--quick`` changes what is not."""
    options = _parser().parse_args()
    usual = QUICKLY if options.quick else FULLY
    for name, value in usual.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    some: dict[str, object] = {"nargs": "+", "metavar": "NAME"}
    parser.add_argument("--workloads", choices=EVERYTHING, **some)  # type: ignore[arg-type]
    parser.add_argument("--competitors", choices=COMPETITORS, **some)  # type: ignore[arg-type]
    parser.add_argument("--threads", nargs="+", type=int, metavar="N")
    parser.add_argument("--ranks", nargs="+", type=int, default=[2], metavar="N", help="also threads, of bp train")
    parser.add_argument("--repeats", type=int, metavar="N", help=f"at least {ENOUGH} for results to show")
    parser.add_argument("--rows", type=int, default=1_000_000, metavar="N", help="rows that predict reads")
    parser.add_argument("--mnist", type=Path, metavar="FOLDER", help="with MNIST's files, packed or not")
    parser.add_argument("--caches", type=Path, metavar="FOLDER", help="keep compiled code; default: compile all again")
    parser.add_argument("--quick", action="store_true", help="one thread, few competitors, short measurements")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER")
    return parser


def _write(results: report.Results, folder: Path) -> None:
    """Everything measured so far, as numbers and as text."""
    folder.mkdir(parents=True, exist_ok=True)
    written = json.dumps(dataclasses.asdict(results), indent=1)
    (folder / "results.json").write_text(written, encoding="utf-8")
    (folder / "results.md").write_text(report.text(results), encoding="utf-8")


if __name__ == "__main__":
    main()
