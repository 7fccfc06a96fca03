"""What ``bp stepcheck`` reports: a row for each engine, precision and array, or all of it as JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from bpcli import display
from bpcli.checking.updates.subjects import Opened
from bpcli.checking.updates.verdicts import EXCUSED, ArrayCheck, EngineCheck, name_of_array
from bpcli.choices import name_of
from bpcli.cli.output import emit_lines
from bpcli.nn.markup import NEW_THETA
from bpcli.nn.optimizers import OPTIMIZERS

COLUMNS = ["engine", "precision", "array", "checked", "not judged", "ulps", "of bound", ""]
TEXT_COLUMNS = (0, 1, 2, 7)
"""The columns that hold text."""

BY_IMPORTANCE = display.Ranking((7, 0, 1, 2, 5, 6, 4, 3), essential=1, whole="--json has them all")
"""The columns by importance: a narrow terminal omits the last ones."""

NAMED = 3
"""The most wrong arrays of an engine that are shown with their numbers; JSON has them all."""

FORCED = frozenset({"update"})
"""What has to be checked for the check to pass."""


@dataclass(frozen=True)
class StepReport:
    """What was checked of a config or a run, and why what was not checked was not, by its name."""

    opened: Opened
    checks: list[EngineCheck]
    unchecked: dict[str, str]

    @property
    def passed(self) -> bool:
        """Whether every update agrees."""
        return bool(self.checks) and all(check.passed for check in self.checks) and not FORCED & self.unchecked.keys()

    @property
    def rule(self) -> str:
        """The update rule's name."""
        return name_of(OPTIMIZERS, self.opened.experiment.recipe.optimizer)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "checked": str(self.opened.source),
            "rule": self.rule,
            "trained": self.opened.trained,
            "passed": self.passed,
            "not_checked": self.unchecked,
            "updates": self.updates(),
            "engines": [_engine_dict(check) for check in self.checks],
        }

    def updates(self) -> list[dict[str, Any]]:
        """Number, epoch, learning rate and the examples' numbers in the file, of each update."""
        rows = self.opened.experiment.loaded.parts["train"].rows
        return [
            {
                "update": one.number,
                "epoch": one.epoch,
                "learning_rate": one.rate,
                "examples": len(one.batch),
                "rows": rows[one.batch].tolist(),
            }
            for one in (self.checks[0].updates if self.checks else ())
        ]


def _engine_dict(check: EngineCheck) -> dict[str, Any]:
    return {
        "engine": check.engine,
        "dtype": check.dtype,
        "passed": check.passed,
        "same_in_one_call": check.at_once,
        "not_judged": check.unjudged,
        "wrong_factor": list(check.scaled),
        "beyond_range": list(check.beyond),
        "slips": list(check.mistakes),
        "rates": [asdict(rate) | {"passed": rate.passed} for rate in check.rates],
        "arrays": [asdict(one) | {"name": name_of_array(one), "array": _array(one)} for one in check.arrays],
    }


def _array(check: ArrayCheck) -> str:
    return "parameters" if check.array == NEW_THETA else check.array


def print_report(report: StepReport) -> None:
    """Print what was taken, the table, remarks on it, and the conclusion."""
    if report.checks:
        emit_lines(_taken(report))
        rows = [row for check in report.checks for row in _rows(check)]
        display.print_table(COLUMNS, rows, sys.stdout, text=TEXT_COLUMNS, ranking=BY_IMPORTANCE)
    for check in report.checks:
        for words in _remarks(check):
            emit_lines(f"{check.engine} {check.dtype}: {words}")
    for reason in report.unchecked.values():
        emit_lines(f"not checked: {reason}")
    emit_lines(_conclusion(report))
    if any(check.beyond for check in report.checks):
        emit_lines("hint: judge them with dtype=float64, or at an optimizer.learning_rate nearer to 1")
    elif any(check.unjudged and not check.wrong for check in report.checks):
        emit_lines("hint: judge them with dtype=float64, or at a larger optimizer.learning_rate")


def _taken(report: StepReport) -> str:
    updates = report.checks[0].updates
    sizes = sorted({len(one.batch) for one in updates}, reverse=True)
    start = "the run's checkpoint" if report.opened.trained else "the initial parameters"
    number = f"updates {updates[0].number}–{updates[-1].number}" if len(updates) > 1 else f"update {updates[0].number}"
    m = " or ".join(map(str, sizes))
    return f"{report.rule}, {number} from {start}, of {m} example{'s' * (sizes[0] > 1)} each"


def _rows(check: EngineCheck) -> Iterator[list[Any]]:
    """A row for θ and for each array of the rule's memory, over all updates and layers."""
    for array in dict.fromkeys([NEW_THETA, *(one.array for one in check.arrays)]):
        own = [one for one in check.arrays if one.array == array]
        entries, judged = (sum(getattr(one, name) for one in own) for name in ("entries", "judged"))
        wrong = any(one.verdict == "wrong" for one in own)
        unjudged = any(one.verdict == "not judged" and name_of_array(one) in check.unjudged for one in own)
        verdict = "WRONG" if wrong else "not judged" if unjudged else "agrees"
        ulps, share = (max(getattr(one, name) for one in own) for name in ("ulps", "share"))
        shown = [f"{entries:,}", f"{entries - judged:,}", f"{ulps:.1f}" if ulps < 1e4 else f"{ulps:.0e}"]
        yield [check.engine, check.dtype, _array(own[0]), *shown, f"{share:.2f}" if share <= 1 else "> 1", verdict]


def _remarks(check: EngineCheck) -> Iterator[str]:
    """What the table does not show about one engine in one precision."""
    for one in check.wrong[:NAMED]:
        place = f"[{one.row}, {one.column}]" if one.kind == "W" else f"[{one.row}]"
        numbers = f"{one.found!r} instead of {one.right!r}, from {one.before!r}"
        yield f"update {one.update}, {name_of_array(one)}{place} is {numbers}"
    if len(check.wrong) > NAMED:
        yield f"{len(check.wrong) - NAMED} more arrays are wrong"
    if check.mistakes:
        yield f"the numbers are those of a known mistake: {', or '.join(check.mistakes)}"
    for rate in (rate for rate in check.rates if not rate.passed):
        yield f"update {rate.update}: the learning rate is {rate.found!r} instead of {rate.right!r}"
    if check.scaled:
        numbers = ", ".join(map(str, check.scaled))
        yield f"update {numbers}: the gradient that is asked for with the factor η is not η times the gradient"
    if check.beyond:
        yield f"update {', '.join(map(str, check.beyond))}: not judged, numbers are beyond {check.dtype}'s range"
    if not check.at_once:
        yield "the updates in one call give other bits than one at a time"
    if check.unjudged and len(check.beyond) < len(check.updates):
        names = ", ".join(check.unjudged)
        yield f"{names}: rounding excuses more than {EXCUSED:.1%} of every step"


def _conclusion(report: StepReport) -> str:
    right = "the update that trains agrees with its equations"
    if not report.checks:
        return "the update that trains was not checked"
    if report.passed:
        skipped = sum(one.entries - one.judged for check in report.checks for one in check.arrays)
        entries = sum(one.entries for check in report.checks for one in check.arrays)
        return f"{right}{f' where it could be judged; {skipped:,} of {entries:,} entries were not' * bool(skipped)}"
    if any(check.wrong or check.scaled or not check.at_once for check in report.checks) or any(
        not rate.passed for check in report.checks for rate in check.rates
    ):
        return "the update that trains is WRONG as said above"
    return "the update that trains could not be judged everywhere"
