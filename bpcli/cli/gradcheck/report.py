"""What ``bp gradcheck`` reports: a table by layer, or all of it as JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import isnan, log10
from typing import Any

from bpcli import display
from bpcli.checking.comparison import Checked, Comparison
from bpcli.checking.step_sizes import StepSize
from bpcli.nn import IndexArray

PLOT_WIDTH = 40

COLUMNS = ["batch", "layer", "", "checked", "error", "median", "at", "backward", "difference", ""]
TEXT = (2, 3, 6, 9)
"""Columns of words."""

ORDER = (9, 1, 2, 0, 4, 6, 7, 8, 3, 5)
"""Columns by importance: the last give way where the terminal is narrow."""

PLACES = 3
"""So many units at a kink are named, in words; JSON has them all."""

NOTHING = "–"
"""Stands for a figure that there is none of."""


@dataclass(frozen=True)
class Report:
    """What was checked and how; ``rows`` are the examples of each batch, by its size, in the file's order."""

    path: str
    method: str
    comparisons: list[Comparison]
    checked: list[Checked]
    sizes: list[StepSize]
    rows: dict[int, IndexArray]

    @property
    def passed(self) -> bool:
        """Whether all of it agrees."""
        return all(check.passed for check in self.checked)

    @property
    def skipped(self) -> tuple[int, int]:
        """How many derivatives could not be judged, of how many."""
        skipped = sum(check.skipped for check in self.checked)
        return skipped, skipped + sum(check.checked for check in self.checked)

    @property
    def losses(self) -> dict[int, float]:
        """The loss of each batch, by its size."""
        return {one.probe.X.shape[1]: one.probe(one.theta).real for one in self.comparisons}

    def crossed(self, check: Checked) -> list[dict[str, int]]:
        """The units whose kink lies within the step, with the example in the file's order."""
        rows = self.rows[check.examples]
        return [{"layer": l, "unit": unit, "example": int(rows[column])} for l, unit, column in check.crossed]

    def as_dict(self) -> dict[str, Any]:
        """All of it."""
        whole = {
            "checked": self.path,
            "method": self.method,
            "passed": self.passed,
            "batches": [
                {"examples": m, "rows": self.rows[m].tolist(), "loss": loss} for m, loss in self.losses.items()
            ],
            "layers": [asdict(check) | {"crossed": self.crossed(check)} for check in self.checked],
        }
        return whole | ({"step_sizes": [asdict(size) for size in self.sizes]} if self.sizes else {})


def show(report: Report) -> None:
    """The losses, the table, what needs words, and the verdict."""
    for m, loss in report.losses.items():
        print(f"{m} example{'s' * (m > 1)}: loss {display.short_number(loss)}")
    title = f"{report.method}; errors relative to the layer's largest gradient"
    rows = [_row(check) for check in report.checked]
    left_out = display.print_table(COLUMNS, rows, sys.stdout, title=title, text=TEXT, order=ORDER)
    if left_out:
        display.say(f"too narrow for {left_out} more columns; --json has them all")
    for check in report.checked:
        for words in _remarks(report, check):
            print(f"layer {check.layer}, {check.kind}, {check.examples} examples: {words}")
    if report.sizes:
        _show_sizes(report.sizes)
    print(_verdict(report))


def _verdict(report: Report) -> str:
    if not report.passed:
        return "the gradient that trains is WRONG where the table says so"
    skipped, all_of_them = report.skipped
    if not skipped:
        return "the gradient that trains agrees"
    return (
        f"the gradient that trains agrees where it could be judged; {skipped:,} of {all_of_them:,} derivatives were not"
    )


def _remarks(report: Report, check: Checked) -> Iterator[str]:
    """What the table does not tell about one layer's W or b."""
    if check.crossed:
        places = [
            f"(layer {one['layer']}, unit {one['unit']}, example {one['example']})" for one in report.crossed(check)
        ]
        more = f" and {len(places) - PLACES:,} more" if len(places) > PLACES else ""
        count = check.skipped - check.unmoved
        yield f"{count:,} not judged, for kinks lie within the step: {', '.join(places[:PLACES])}{more}"
    if check.unmoved:
        yield f"{check.unmoved:,} not judged, for the parameter is too large for the step to change it"
    if check.rounded:
        yield f"{check.rounded:,} of the gradients differ by rounding alone"


def _row(check: Checked) -> list[Any]:
    verdict = "agrees" if check.checked else "not judged"
    return [
        check.examples,
        check.layer,
        check.kind,
        f"{check.checked} of {check.parameters}",
        _error(check.largest),
        _error(check.median),
        NOTHING if check.row is None else f"[{check.row}, {check.column}]",
        NOTHING if check.backward is None else check.backward,
        NOTHING if check.difference is None else check.difference,
        verdict if check.passed else "WRONG",
    ]


def _error(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1e}"


UNITS = (("days", 86400, 2), ("h", 3600, 2), ("min", 60, 2))
"""Units of time, their seconds, and from how many of them on they are used."""


def duration(seconds: float) -> str:
    """A time as people say it."""
    for unit, length, least in UNITS:
        if seconds >= least * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _show_sizes(sizes: list[StepSize]) -> None:
    """A row per step, its error drawn on a logarithmic scale."""
    print("\ncentral differences: the largest error against the step h")
    logs = [log10(max(size.largest, 1e-16)) for size in sizes if not isnan(size.largest)]
    low, high = min(logs, default=0), max(logs, default=0)
    rest = len("  h = 1e-01  1.0e-01  ●") + max(len(_left_out(size)) for size in sizes)
    longest = max(0, min(PLOT_WIDTH, display.line_width(sys.stdout) - rest))
    for size in sizes:
        print(f"  h = {size.h:.0e}  {_drawn(size, low, high, longest)}{_left_out(size)}")
    print("  truncation shrinks with h² from above, round-off grows with 1/h from below\n")


def _drawn(size: StepSize, low: float, high: float, longest: int) -> str:
    if isnan(size.largest):
        return f"   {NOTHING}   "
    bar = round((log10(max(size.largest, 1e-16)) - low) / max(high - low, 1e-9) * longest)
    return f"{size.largest:.1e}  {'·' * bar}●"


def _left_out(size: StepSize) -> str:
    return f"  ({size.crossed} of {size.checked + size.crossed} cross a kink)" if size.crossed else ""
