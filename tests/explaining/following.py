"""Every step evaluated by the markup that is shown, from the steps before it and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bpcli.explaining.derivations import DERIVATIONS
from bpcli.explaining.documents.steps import DerivationStep
from bpcli.explaining.evaluation.nodes import EquationError
from bpcli.explaining.evaluation.sheet import Sheet, Side, apart
from bpcli.explaining.explained import Explanation
from bpcli.explaining.following import Follower
from bpcli.explaining.trace import Trace
from bpcli.nn import Array

TOLERANCE = 1e-12
"""Of the largest entry."""

CALL = r"\text{"
"""What a formula begins with that names a function of the update instead of writing it out."""


@dataclass(frozen=True)
class Wrong:
    """A step that does not follow: what is shown, and why it is wrong."""

    step: DerivationStep
    reason: str

    @property
    def place(self) -> tuple[str, int | None, int | None]:
        """The step's key, layer and example."""
        return self.step.key, self.step.layer, self.step.example


def wrong_steps(explanation: Explanation) -> list[Wrong]:
    """The steps of every update whose numbers do not follow from those before."""
    found = []
    for update in explanation.updates:
        found += wrong_in(update.steps, explanation.document.name, update.trace)
    return found


def wrong_in(steps: Iterable[DerivationStep], document: str, trace: Trace) -> list[Wrong]:
    """The same of one update."""
    follower = Follower(Sheet(DERIVATIONS[document].vocabulary(trace)))
    found = []
    for step in follower.each(steps):
        reason = reason_against(follower, step)
        if reason:
            found.append(Wrong(step, reason))
    return found


def reason_against(follower: Follower, step: DerivationStep) -> str:
    """Why a step does not follow; empty where it does."""
    try:
        return _difference(follower.sheet, step, follower.side(step))
    except EquationError as error:
        return str(error)


def _difference(sheet: Sheet, step: DerivationStep, side: Side) -> str:
    if not step.formula or step.formula.startswith(CALL):
        return ""
    try:
        rights = [sheet.value(form, side) for form in step.sides]
        left = sheet.independent(side) if step.stage == "backward" else step.value
    except EquationError as error:
        return str(error)
    every = [off("left", left, step.value), *(off("right", right, step.value) for right in rights)]
    return "; ".join(filter(None, every))


def off(name: str, found: Array, shown: Array) -> str:
    """How far a side of the equation is from the value shown."""
    distance = apart(found, shown)
    return f"{name} side {distance:.1e} of the largest entry apart" if distance > TOLERANCE else ""
