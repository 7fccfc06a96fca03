"""``python -m benchmarks``: measure all, print the tables, and write them with a picture."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from benchmarks import commands, machine, report
from benchmarks.commands import COMMANDS
from benchmarks.competitors import COMPETITORS
from benchmarks.picture import draw
from benchmarks.rounds import measure
from benchmarks.workloads import WORKLOADS

RESULTS = Path(__file__).parent / "results"

ENOUGH = 5
"""The fewest repeats of which a median says something."""


def main() -> None:
    """Measure what the options name; all by default."""
    options = _options()
    results = report.Results(machine.description(), [], [])
    for threads in options.threads:
        for name in (name for name in options.workloads if name in WORKLOADS):
            competitors = [COMPETITORS[competitor] for competitor in options.competitors]
            results.measurements += measure(WORKLOADS[name], competitors, threads, options.repeats)
            _write(results, options.out)
        results.commands += commands.measure(
            [name for name in options.workloads if name in COMMANDS], threads, options.repeats, options.rows
        )
    results.machine["load afterwards"] = machine.load()
    _write(results, options.out)
    draw(results, options.out / "ratios.png")
    print(report.text(results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    everything = [*WORKLOADS, *COMMANDS]
    some: dict[str, object] = {"nargs": "+", "metavar": "NAME"}
    parser.add_argument("--workloads", choices=everything, default=everything, **some)  # type: ignore[arg-type]
    parser.add_argument("--competitors", choices=COMPETITORS, default=list(COMPETITORS), **some)  # type: ignore[arg-type]
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2], metavar="N")
    parser.add_argument("--repeats", type=int, default=7, metavar="N", help=f"at least {ENOUGH} for results to show")
    parser.add_argument("--rows", type=int, default=1_000_000, metavar="N", help="rows that predict reads")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER")
    return parser.parse_args()


def _write(results: report.Results, folder: Path) -> None:
    """Everything measured so far, as numbers and as text."""
    folder.mkdir(parents=True, exist_ok=True)
    written = json.dumps(dataclasses.asdict(results), indent=1)
    (folder / "results.json").write_text(written, encoding="utf-8")
    (folder / "results.md").write_text(report.text(results), encoding="utf-8")


if __name__ == "__main__":
    main()
