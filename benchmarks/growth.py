"""Does time grow as the arithmetic does? ``python -m benchmarks.growth`` fits the exponents.

Eight networks each for examples, width, depth and batch size, each twice the one
before. The exponent is the slope of log time against log size over the three
largest; the arithmetic's is that of the multiply-adds, of products and update.
Time is of an epoch, and of a step where batches grow: an epoch's arithmetic does
not grow with them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.competitors import COMPETITORS, REFERENCE
from benchmarks.rounds import measure
from benchmarks.workloads import Workload

POINTS = 8
FITTED = 3
"""The points of which the exponent is taken: the largest."""

ALLOWED = 1.1
"""How much the exponent may exceed the arithmetic's, as a factor."""

SMALL = Workload("growth", "growth", sizes=(784, 128, 10), examples=2048, batch_size=32, epochs=1, learning_rate=1e-4)
"""What the series start from; the learning rate keeps even the deepest finite."""


@dataclass(frozen=True)
class Series:
    """Workloads of growing size; ``per_step`` where it is a step's time that counts."""

    name: str
    first: int
    workload: Callable[[int], Workload]
    per_step: bool = False

    @property
    def sizes(self) -> list[int]:
        """Each twice the one before."""
        return [self.first * 2**k for k in range(POINTS)]


def _grown(**changes: object) -> Workload:
    return Workload(**vars(SMALL) | changes)


SERIES = (
    Series("examples", 256, lambda n: _grown(examples=n)),
    Series("width", 16, lambda n: _grown(sizes=(784, n, n, 10), examples=1024, batch_size=128)),
    Series("depth", 1, lambda n: _grown(sizes=(128, *[128] * n, 10), examples=1024, batch_size=128)),
    Series("batch size", 8, lambda n: _grown(batch_size=n), per_step=True),
)


def multiply_adds(workload: Workload) -> int:
    """Of a step: its products, and one for each parameter's update."""
    return workload.products + workload.parameters


def exponent(sizes: Sequence[int], values: Sequence[float]) -> float:
    """The slope of log value against log size, over the largest sizes."""
    slope, _ = np.polyfit(np.log(sizes[-FITTED:]), np.log(values[-FITTED:]), 1)
    return float(slope)


def main() -> None:
    """Measure every series and print its table; the exit status is 1 where one grows too fast."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--series", nargs="+", choices=[one.name for one in SERIES], metavar="NAME")
    parser.add_argument("--competitor", choices=COMPETITORS, default=REFERENCE)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    lines = [f"# Cost against work: {options.competitor}, threads: {options.threads}"]
    grown_too_fast = False
    for series in SERIES:
        if options.series is None or series.name in options.series:
            table, fine = _measured(series, options)
            lines += [table]
            grown_too_fast |= not fine
    text = "\n\n".join(lines) + "\n"
    print(text)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "growth.md").write_text(text, encoding="utf-8")
    raise SystemExit(grown_too_fast)


def _measured(series: Series, options: argparse.Namespace) -> tuple[str, bool]:
    """A series' table, and whether it grows as it should."""
    workloads = [series.workload(size) for size in series.sizes]
    competitor = COMPETITORS[options.competitor]
    found = [measure(workload, [competitor], options.threads, options.repeats)[0] for workload in workloads]
    counts = [1 if series.per_step else workload.steps for workload in workloads]
    times = [median(one.seconds) / one.steps * count for one, count in zip(found, counts, strict=True)]
    work = [float(multiply_adds(workload) * count) for workload, count in zip(workloads, counts, strict=True)]
    ours, theirs = exponent(series.sizes, times), exponent(series.sizes, work)
    fine = ours <= ALLOWED * theirs
    unit = "step" if series.per_step else "epoch"
    lines = [f"| {series.name} | ms per {unit} | million multiply-adds |", "| --- | --- | --- |"]
    lines += [
        f"| {size} | {1e3 * time:.4g} | {1e-6 * count:.4g} |"
        for size, time, count in zip(series.sizes, times, work, strict=True)
    ]
    verdict = f"exponent {ours:.2f}, the arithmetic's {theirs:.2f}, ratio {ours / theirs:.2f}: "
    verdict += "fine" if fine else f"✗ more than {ALLOWED:g}"
    return "\n".join(lines) + f"\n\n{series.name}: {verdict}", fine


if __name__ == "__main__":
    main()
