"""What ``bp gradcheck`` reports: a table by layer, or all of it as JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import isnan, log10
from typing import Any

from bpcli import display
from bpcli.checking.comparison import GradientComparison, GroupCheck
from bpcli.checking.step_sizes import StepSizeError
from bpcli.nn import IndexArray

PLOT_WIDTH = 40

COLUMNS = ["batch", "layer", "", "checked", "error", "median", "at", "backward", "difference", ""]
TEXT_COLUMNS = (2, 3, 6, 9)
"""The columns that hold text."""

BY_IMPORTANCE = (9, 1, 2, 0, 4, 6, 7, 8, 3, 5)
"""The columns by importance: a narrow terminal omits the last ones."""

UNITS_NAMED = 3
"""The most units at a kink that a remark names; JSON has them all."""

NOTHING = "–"
"""Stands for a number that does not exist."""


@dataclass(frozen=True)
class CheckReport:
    """What was checked, and how; ``rows`` are the examples' numbers in the file, by the batch's size."""

    path: str
    method: str
    comparisons: list[GradientComparison]
    checked: list[GroupCheck]
    sizes: list[StepSizeError]
    rows: dict[int, IndexArray]

    @property
    def passed(self) -> bool:
        """Whether every gradient agrees."""
        return all(check.passed for check in self.checked)

    @property
    def skipped(self) -> tuple[int, int]:
        """The number of derivatives that could not be judged, and of all."""
        skipped = sum(check.skipped for check in self.checked)
        return skipped, skipped + sum(check.checked for check in self.checked)

    @property
    def losses(self) -> dict[int, float]:
        """The loss of each batch, by its size."""
        return {one.probe.X.shape[1]: one.probe(one.theta).real for one in self.comparisons}

    def crossed(self, check: GroupCheck) -> list[dict[str, int]]:
        """The units that a step moves across a kink, with the example's number in the file."""
        rows = self.rows[check.examples]
        return [{"layer": l, "unit": unit, "example": int(rows[column])} for l, unit, column in check.crossed]

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON: what was checked, and a check per batch, layer and kind."""
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


def print_report(report: CheckReport) -> None:
    """Print the losses, the table, remarks on it, and the conclusion."""
    for m, loss in report.losses.items():
        print(f"{m} example{'s' * (m > 1)}: loss {display.short_number(loss)}")
    title = f"{report.method}; errors relative to the layer's largest gradient"
    rows = [_row(check) for check in report.checked]
    left_out = display.print_table(COLUMNS, rows, sys.stdout, title=title, text=TEXT_COLUMNS, order=BY_IMPORTANCE)
    if left_out:
        display.say(f"too narrow for {left_out} more columns; --json has them all")
    for check in report.checked:
        for words in _remarks(report, check):
            print(f"layer {check.layer}, {check.kind}, {check.examples} examples: {words}")
    if report.sizes:
        _print_sizes(report.sizes)
    print(_conclusion(report))


def _conclusion(report: CheckReport) -> str:
    if not report.passed:
        return "the gradient that trains is WRONG where the table says so"
    skipped, all_of_them = report.skipped
    if not skipped:
        return "the gradient that trains agrees"
    return (
        f"the gradient that trains agrees where it could be judged; {skipped:,} of {all_of_them:,} derivatives were not"
    )


def _remarks(report: CheckReport, check: GroupCheck) -> Iterator[str]:
    """What the table does not show about one group of parameters."""
    if check.crossed:
        places = [
            f"(layer {one['layer']}, unit {one['unit']}, example {one['example']})" for one in report.crossed(check)
        ]
        more = f" and {len(places) - UNITS_NAMED:,} more" if len(places) > UNITS_NAMED else ""
        count = check.skipped - check.unmoved
        yield f"{count:,} not judged, because kinks lie within the step: {', '.join(places[:UNITS_NAMED])}{more}"
    if check.unmoved:
        yield f"{check.unmoved:,} not judged, because the parameter is too large for the step to change it"
    if check.rounded:
        yield f"{check.rounded:,} of the gradients differ by rounding alone"


def _row(check: GroupCheck) -> list[Any]:
    judged = "agrees" if check.checked else "not judged"
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
        judged if check.passed else "WRONG",
    ]


def _error(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1e}"


TIME_UNITS = (("days", 86400, 2), ("h", 3600, 2), ("min", 60, 2))
"""Units of time, their seconds, and the least number of them that is shown."""


def duration(seconds: float) -> str:
    """A time in the unit that suits it, such as 3 min."""
    for unit, length, least in TIME_UNITS:
        if seconds >= least * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _print_sizes(sizes: list[StepSizeError]) -> None:
    """Print a row per step, its error drawn on a logarithmic scale."""
    print("\ncentral differences: the largest error against the step h")
    logs = [log10(max(size.largest, 1e-16)) for size in sizes if not isnan(size.largest)]
    low, high = min(logs, default=0), max(logs, default=0)
    rest = len("  h = 1e-01  1.0e-01  ●") + max(len(_crossing(size)) for size in sizes)
    longest = max(0, min(PLOT_WIDTH, display.line_width(sys.stdout) - rest))
    for size in sizes:
        print(f"  h = {size.h:.0e}  {_drawn(size, low, high, longest)}{_crossing(size)}")
    print("  truncation shrinks with h² from above, round-off grows with 1/h from below\n")


def _drawn(size: StepSizeError, low: float, high: float, longest: int) -> str:
    if isnan(size.largest):
        return f"   {NOTHING}   "
    bar = round((log10(max(size.largest, 1e-16)) - low) / max(high - low, 1e-9) * longest)
    return f"{size.largest:.1e}  {'·' * bar}●"


def _crossing(size: StepSizeError) -> str:
    return f"  ({size.crossed} of {size.checked + size.crossed} cross a kink)" if size.crossed else ""
