"""What ``bp gradcheck`` reports: a table by layer, or all of it as JSON."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from math import isnan, log10
from typing import Any

from bpcli import display
from bpcli.checking import Checked, Comparison, StepSize
from bpcli.nn import IndexArray

PLOT_WIDTH = 40

COLUMNS = ["examples", "layer", "", "checked", "largest error", "median error", "at", "backward", "difference", ""]
TEXT = (2, 3, 6, 9)
"""Columns of words."""


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
        print(f"{m} example{'s' * (m > 1)}: loss {display.figure(loss)}")
    title = f"{report.method}; errors relative to the layer's largest gradient"
    display.table(COLUMNS, [_row(check) for check in report.checked], sys.stdout, title=title, text=TEXT)
    for check in report.checked:
        for place in report.crossed(check):
            print(
                f"layer {place['layer']}, unit {place['unit']}, example {place['example']}: its kink lies within the "
                f"step, so {check.kind} of layer {check.layer} was not judged by it"
            )
        if check.vanished:
            print(
                f"layer {check.layer}, {check.kind}, {check.examples} examples: outputs and targets agree so well "
                f"that {check.vanished} of the gradients differ by rounding alone"
            )
    if report.sizes:
        _show_sizes(report.sizes)
    agrees = "the gradient that trains agrees"
    print(agrees if report.passed else "the gradient that trains is WRONG where the table says so")


def _row(check: Checked) -> list[Any]:
    verdict = "agrees" if check.checked else "not judged"
    return [
        check.examples,
        check.layer,
        check.kind,
        f"{check.checked} of {check.parameters}",
        f"{check.largest:.1e}",
        f"{check.median:.1e}",
        f"[{check.row}, {check.column}]",
        check.backward,
        check.difference,
        verdict if check.passed else "WRONG",
    ]


def _show_sizes(sizes: list[StepSize]) -> None:
    """A row per step, its error drawn on a logarithmic scale."""
    print("\ncentral differences: the largest error against the step h")
    logs = [log10(max(size.largest, 1e-16)) for size in sizes if not isnan(size.largest)]
    low, high = min(logs, default=0), max(logs, default=0)
    for size in sizes:
        print(f"  h = {size.h:.0e}  {_drawn(size, low, high)}{_left_out(size)}")
    print("  truncation shrinks with h² from above, round-off grows with 1/h from below\n")


def _drawn(size: StepSize, low: float, high: float) -> str:
    if isnan(size.largest):
        return "   –   "
    bar = round((log10(max(size.largest, 1e-16)) - low) / max(high - low, 1e-9) * PLOT_WIDTH)
    return f"{size.largest:.1e}  {'·' * bar}●"


def _left_out(size: StepSize) -> str:
    return f"  ({size.crossed} of {size.checked + size.crossed} cross a kink)" if size.crossed else ""
