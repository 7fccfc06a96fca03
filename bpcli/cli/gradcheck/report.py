"""What ``bp gradcheck`` reports: a table by layer, or all of it as JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import isfinite, isnan, log10
from typing import Any

from bpcli import display
from bpcli.checking.acceptance import BY_BADNESS
from bpcli.checking.comparison import EXCUSED, GradientComparison, GroupCheck, Verdict
from bpcli.checking.step_sizes import StepSizeError
from bpcli.cli.output import emit_lines
from bpcli.lines.widths import PAGE, terminal_width
from bpcli.nn import IndexArray

PLOT_WIDTH = 40

TEXT_COLUMNS = (2, 3, 5, 8)
"""The columns of :func:`_row` that hold text."""

BY_IMPORTANCE = (8, 1, 2, 0, 4, 5, 6, 7, 3)
"""The columns by importance: a narrow terminal omits the last ones; the right digits come after the batch."""

PRECISIONS_AT = 3
"""Where the columns of the precisions stand."""

UNITS_NAMED = 3
"""The most units at a kink that a remark names; JSON has them all."""

NOTHING = "–"
"""Stands for a number that does not exist."""

NOT_FINITE = ("infinite", "not a number")

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
        """What a step moves across a kink: a unit, with the example's number in the file, or a weight of a unit."""
        rows = self.rows[check.examples]
        return [
            {"layer": l, "unit": unit} | ({} if column is None else {"example": int(rows[column])})
            for l, unit, column in check.differences.crossed
        ]

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
    for m in report.rows:
        emit_lines(_losses([one for one in report.comparisons if one.probe.X.shape[1] == m], m))
    precisions = [check.dtype for check in report.groups[0]]
    columns = ["batch", "layer", "", *precisions, "checked", report.method, "at", "backward", "exact", ""]
    title = f"right digits; errors of {report.method} relative to the layer's largest derivative"
    rows = [_row(checks) for checks in report.groups]
    ranking = display.Ranking(_order(precisions), essential=1, whole="--json has them all")
    texts = _shifted(TEXT_COLUMNS, precisions)
    display.print_table(columns, rows, sys.stdout, title, text=texts, ranking=ranking)
    for check in report.checked:
        for words in _remarks(report, check):
            batch = f"{check.examples} example{'s' * (check.examples > 1)}"
            emit_lines(f"layer {check.layer}, {check.kind}, {batch}, {check.dtype}: {words}")
    if report.sizes:
        _print_sizes(report.sizes)
    emit_lines(_conclusion(report))


def _shifted(columns: tuple[int, ...], precisions: list[str]) -> tuple[int, ...]:
    """Numbers of columns with those of the precisions put in after the first three."""
    return tuple(column if column < PRECISIONS_AT else column + len(precisions) for column in columns)


def _order(precisions: list[str]) -> tuple[int, ...]:
    """The columns by importance, those of the precisions after the batch."""
    before, after = _shifted(BY_IMPORTANCE[:4], precisions), _shifted(BY_IMPORTANCE[4:], precisions)
    return (*before, *range(PRECISIONS_AT, PRECISIONS_AT + len(precisions)), *after)


def _losses(comparisons: list[GradientComparison], m: int) -> str:
    """A batch's loss in each precision, in words."""
    first = comparisons[0].loss
    shown = display.short_number(first.value) if isfinite(first.value) else NOT_FINITE[isnan(first.value)]
    digits = ", ".join(f"{_digits(one.loss.digits)} in {one.theta.dtype.name}" for one in comparisons)
    judged = {one.loss.verdict.upper() for one in comparisons} - {"AGREES"}
    known = comparisons[0].reference.loss
    exact = f", exactly {known:.4g}" if known.is_finite() and not isfinite(first.value) else ""
    return f"{m} example{'s' * (m > 1)}: loss {shown}{exact}; right digits {', '.join([digits, *sorted(judged)])}"


def _conclusion(report: CheckReport) -> str:
    if report.verdict == "wrong":
        return "the gradient that trains is WRONG where the table says so"
    if report.verdict == "not judgeable":
        skipped = sum(check.skipped for check in report.checked)
        if not skipped:
            return "the gradient that trains agrees, but the loss cannot be judged: it is beyond the precision's range"
        of_them = skipped + sum(check.checked for check in report.checked)
        return f"{skipped:,} of {of_them:,} derivatives cannot be judged: {_reason(report)}"
    return f"the gradient that trains agrees{_fewest(report.checked)}"


def _reason(report: CheckReport) -> str:
    """Why derivatives cannot be judged, and what helps."""
    left = sorted({one.theta.dtype.name for one in report.comparisons if one.overflows})
    if left:
        return f"numbers leave the range of {' and '.join(left)}\nwhat helps: data.scale: standard, or smaller weights"
    shares = " and ".join(
        f"{share:.1%} of the layer's largest in {dtype.name}"
        for dtype, share in EXCUSED.items()
        if any(check.dtype == dtype.name for check in report.checked)
    )
    return f"rounding alone is more than {shares}\n{REMEDY}"


def _fewest(checked: list[GroupCheck]) -> str:
    """The fewest right digits of any array in each precision."""
    digits = {dtype: [one.digits for one in checked if one.dtype == dtype] for dtype in ("float64", "float32")}
    known = {dtype: [one for one in all_of_them if one is not None] for dtype, all_of_them in digits.items()}
    least = [f"{_digits(min(some))} in {dtype}" for dtype, some in known.items() if some]
    return f"; right digits {', '.join(least)} at least" if least else ""


def _remarks(report: CheckReport, check: GroupCheck) -> Iterator[str]:
    """What the table does not show about one group of parameters."""
    differences = check.differences
    if differences.crossed:
        places = [
            f"(layer {one['layer']}, unit {one['unit']}, "
            + (f"example {one['example']})" if "example" in one else "a weight)")
            for one in report.crossed(check)
        ]
        more = f" and {len(places) - UNITS_NAMED:,} more" if len(places) > UNITS_NAMED else ""
        yield f"differences left out, because kinks lie within the step: {', '.join(places[:UNITS_NAMED])}{more}"
    if differences.unmoved:
        count = f"{differences.unmoved:,} difference{'s' * (differences.unmoved > 1)}"
        yield f"{count} left out, because the step does not change so large a parameter"
    if check.skipped:
        yield f"{check.skipped:,} not judgeable"
    if check.rounded:
        yield f"{check.rounded:,} of the gradients differ by rounding alone"


def _row(checks: list[GroupCheck]) -> list[Any]:
    """A group's row: details from the precision with the worst verdict."""
    worst = max(checks, key=lambda check: BY_BADNESS[check.verdict])
    first = checks[0]
    return [
        first.examples,
        first.layer,
        first.kind,
        *(_digits(check.digits) for check in checks),
        f"{worst.checked} of {worst.parameters}",
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
    emit_lines("\ncentral differences: the largest error against the step h")
    logs = [log10(max(size.largest, 1e-16)) for size in sizes if not isnan(size.largest)]
    low, high = min(logs, default=0), max(logs, default=0)
    rest = len("  h = 1e-01  1.0e-01  ●") + max(len(_crossing(size)) for size in sizes)
    longest = max(0, min(PLOT_WIDTH, (terminal_width(sys.stdout) or PAGE) - rest))
    for size in sizes:
        emit_lines(f"  h = {size.h:.0e}  {_drawn(size, low, high, longest)}{_crossing(size)}")
    emit_lines("  truncation shrinks with h² from above, round-off grows with 1/h from below\n")


def _drawn(size: StepSizeError, low: float, high: float, longest: int) -> str:
    if isnan(size.largest):
        return f"   {NOTHING}   "
    bar = round((log10(max(size.largest, 1e-16)) - low) / max(high - low, 1e-9) * longest)
    return f"{size.largest:.1e}  {'·' * bar}●"


def _crossing(size: StepSizeError) -> str:
    return f"  ({size.crossed} of {size.checked + size.crossed} cross a kink)" if size.crossed else ""
