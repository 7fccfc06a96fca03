"""What ``bp gradcheck`` reports: a table by layer, or all of it as JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import isfinite, isnan, log10
from typing import Any

from bpcli import display
from bpcli.checking.comparison import EXCUSED, GradientComparison, GroupCheck, Verdict
from bpcli.checking.step_sizes import StepSizeError
from bpcli.nn import IndexArray

PLOT_WIDTH = 40

COLUMNS = ["batch", "layer", "", "checked", "digits", "trained", "difference", "at", "backward", "exact", ""]
TEXT_COLUMNS = (2, 3, 7, 10)
"""The columns that hold text."""

BY_IMPORTANCE = (10, 1, 2, 0, 4, 5, 7, 8, 9, 6, 3)
"""The columns by importance: a narrow terminal omits the last ones."""

UNITS_NAMED = 3
"""The most units at a kink that a remark names; JSON has them all."""

NOTHING = "–"
"""Stands for a number that does not exist."""

BY_BADNESS: dict[Verdict, int] = {"agrees": 0, "not judgeable": 1, "wrong": 2}

REMEDY = (
    "what helps: data.scale: standard, smaller weights or a shorter training where units are saturated, "
    "other examples (--examples) where outputs fit their targets to the last digit"
)


@dataclass(frozen=True)
class CheckReport:
    """What was checked, and how; ``rows`` are the examples' numbers in the file, by the batch's size.

    ``checked`` has each batch's groups in float64 first, then those in the precision that trains.
    """

    path: str
    method: str
    comparisons: list[GradientComparison]
    checked: list[GroupCheck]
    sizes: list[StepSizeError]
    rows: dict[int, IndexArray]

    @property
    def passed(self) -> bool:
        """Whether every loss and every gradient agrees."""
        return self.verdict == "agrees"

    @property
    def verdict(self) -> Verdict:
        """The worst of all."""
        all_of_them = [*(check.verdict for check in self.checked), *(one.loss.verdict for one in self.comparisons)]
        return max(all_of_them, key=lambda verdict: BY_BADNESS[verdict])

    @property
    def groups(self) -> list[list[GroupCheck]]:
        """The checks of the same group on the same batch, one in each precision."""
        found: dict[tuple[int, int, str], list[GroupCheck]] = {}
        for check in self.checked:
            found.setdefault((check.examples, check.layer, check.kind), []).append(check)
        return list(found.values())

    def crossed(self, check: GroupCheck) -> list[dict[str, int]]:
        """The units that a step moves across a kink, with the example's number in the file."""
        rows = self.rows[check.examples]
        units = check.differences.crossed
        return [{"layer": l, "unit": unit, "example": int(rows[column])} for l, unit, column in units]

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON: what was checked, and a check per batch, layer, kind and precision."""
        whole = {
            "checked": self.path,
            "method": self.method,
            "passed": self.passed,
            "verdict": self.verdict,
            "excused": {dtype.name: share for dtype, share in EXCUSED.items()},
            "batches": [self._batch(one) for one in self.comparisons],
            "layers": [self._group(check) for check in self.checked],
        }
        return whole | ({"step_sizes": [asdict(size) for size in self.sizes]} if self.sizes else {})

    def _batch(self, comparison: GradientComparison) -> dict[str, Any]:
        loss, m = comparison.loss, comparison.probe.X.shape[1]
        numbers = {"loss": loss.value, "exact_loss": loss.exact}
        finite = {name: number if isfinite(number) else None for name, number in numbers.items()}
        more = {"dtype": comparison.theta.dtype.name, "loss_digits": loss.digits, "loss_verdict": loss.verdict}
        return {"examples": m, "rows": self.rows[m].tolist(), **finite, **more}

    def _group(self, check: GroupCheck) -> dict[str, Any]:
        found = asdict(check) | {"passed": check.passed}
        found["differences"] |= {"crossed": self.crossed(check)}
        for name in ("backward", "exact", "largest"):
            found[name] = found[name] if found[name] is not None and isfinite(found[name]) else None
        return found


def print_report(report: CheckReport) -> None:
    """Print the losses, the table, remarks on it, and the conclusion."""
    for comparison in report.comparisons:
        print(_loss(comparison))
    precision = report.checked[-1].dtype
    title = f"right digits in float64 and as trained in {precision}; difference: {report.method}"
    rows = [_row(checks) for checks in report.groups]
    left_out = display.print_table(COLUMNS, rows, sys.stdout, title=title, text=TEXT_COLUMNS, order=BY_IMPORTANCE)
    if left_out:
        display.say(f"too narrow for {left_out} more columns; --json has them all")
    for check in report.checked:
        for words in _remarks(report, check):
            print(f"layer {check.layer}, {check.kind}, {check.examples} examples, {check.dtype}: {words}")
    if report.sizes:
        _print_sizes(report.sizes)
    print(_conclusion(report))


def _loss(comparison: GradientComparison) -> str:
    """A batch's loss in words."""
    loss, m, dtype = comparison.loss, comparison.probe.X.shape[1], comparison.theta.dtype.name
    shown = display.short_number(loss.value) if isfinite(loss.value) else f"infinite, exactly {loss.exact:.4g},"
    judged = "" if loss.verdict == "agrees" else f", {loss.verdict.upper()}"
    return f"{m} example{'s' * (m > 1)}: loss {shown} in {dtype}, {_digits(loss.digits)} right digits{judged}"


def _conclusion(report: CheckReport) -> str:
    if report.verdict == "wrong":
        return "the gradient that trains is WRONG where the table says so"
    if report.verdict == "not judgeable":
        skipped = sum(check.skipped for check in report.checked)
        of_them = skipped + sum(check.checked for check in report.checked)
        shares = " and ".join(
            f"{share:.1%} in {dtype.name}"
            for dtype, share in EXCUSED.items()
            if any(check.dtype == dtype.name for check in report.checked)
        )
        return (
            f"{skipped:,} of {of_them:,} derivatives cannot be judged: rounding is more than {shares} of the layer's "
            f"largest\n{REMEDY}"
        )
    fewest = {check.dtype: check.digits for check in sorted(report.checked, key=lambda one: -(one.digits or 0))}
    least = " and ".join(f"{_digits(digits)} in {dtype}" for dtype, digits in sorted(fewest.items(), reverse=True))
    return f"the gradient that trains agrees: at least {least} right digits"


def _remarks(report: CheckReport, check: GroupCheck) -> Iterator[str]:
    """What the table does not show about one group of parameters."""
    differences = check.differences
    if differences.crossed:
        places = [
            f"(layer {one['layer']}, unit {one['unit']}, example {one['example']})" for one in report.crossed(check)
        ]
        more = f" and {len(places) - UNITS_NAMED:,} more" if len(places) > UNITS_NAMED else ""
        yield f"differences left out, because kinks lie within the step: {', '.join(places[:UNITS_NAMED])}{more}"
    if differences.unmoved:
        yield f"{differences.unmoved:,} differences left out, because the step does not change so large a parameter"
    if check.skipped:
        yield f"{check.skipped:,} not judgeable"
    if check.rounded:
        yield f"{check.rounded:,} of the gradients differ by rounding alone"


def _row(checks: list[GroupCheck]) -> list[Any]:
    """A group's row: details from the precision with the worst verdict."""
    worst = max(checks, key=lambda check: BY_BADNESS[check.verdict])
    first, last = checks[0], checks[-1]
    return [
        first.examples,
        first.layer,
        first.kind,
        f"{worst.checked} of {worst.parameters}",
        _digits(first.digits),
        _digits(last.digits),
        _error(first.differences.error),
        f"[{worst.row}, {worst.column}]",
        worst.backward,
        NOTHING if worst.exact is None else worst.exact,
        "WRONG" if worst.verdict == "wrong" else worst.verdict,
    ]


def _digits(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1f}"


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
