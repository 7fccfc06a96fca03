"""Every step evaluated by the markup that is shown, from the steps before it and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from bpcli.explaining.derivations import DERIVATIONS
from bpcli.explaining.documents.steps import DerivationStep
from bpcli.explaining.evaluation.nodes import EquationError
from bpcli.explaining.evaluation.sheet import Sheet, Side, apart
from bpcli.explaining.explanation import Explanation
from bpcli.explaining.trace import Trace
from bpcli.nn import Array

TOLERANCE = 1e-12
"""Of the largest entry."""

PARAMETERS = ("new_", "constrained_")
"""What the keys of steps begin with that give the parameters themselves new values."""

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
    found, steps = [], list(steps)
    remembered = [step for step in steps if step.stage == "update" and step.before is not None]
    for step in steps:
        if step is next((one for one in steps if one.stage == "update"), None):
            for one in remembered:  # an equation may read what a later one changes
                follower.side(one)
        reason = follower.reason(step)
        if reason:
            found.append(Wrong(step, reason))
        follower.take(step)
    return found


@dataclass
class Follower:
    """Follows steps; what an update remembers is known by the whole of its symbol.

    ``given`` are the left sides of the given steps, by key and layer.
    """

    sheet: Sheet
    given: dict[tuple[str, int], Side] = field(default_factory=dict)

    def reason(self, step: DerivationStep) -> str:
        """Why a step does not follow; empty where it does."""
        try:
            return self._difference(step, self.side(step))
        except EquationError as error:
            return str(error)

    def take(self, step: DerivationStep) -> None:
        """Take a step's value from now on."""
        side = self.side(step)
        if step.stage == "given":
            self.given[step.key, step.layer or 0] = side
        if not step.key.startswith(PARAMETERS):
            self.sheet.learn(side, step.value)

    def side(self, step: DerivationStep) -> Side:
        """The left side; a symbol of the rule's memory is laid out as the parameters that it belongs to."""
        if step.stage != "update" or step.key.startswith(PARAMETERS):
            return self.sheet.side(step, {} if step.example is None else {"i": step.example})
        remembered = np.zeros_like(step.value) if step.before is None else step.before
        return self.sheet.name(step.symbol, self.block(step), remembered)

    def block(self, step: DerivationStep) -> Side | None:
        """The left side of the parameters that an array of memory belongs to; None for one of the whole network."""
        if step.layer is None:
            return None
        return self.given[step.key.partition("_")[2], step.layer]

    def _difference(self, step: DerivationStep, side: Side) -> str:
        if not step.formula or step.formula.startswith(CALL):
            return ""
        try:
            rights = [self.sheet.value(form, side) for form in step.sides]
            left = self.sheet.independent(side) if step.stage == "backward" else step.value
        except EquationError as error:
            return str(error)
        every = [off("left", left, step.value), *(off("right", right, step.value) for right in rights)]
        return "; ".join(filter(None, every))


def off(name: str, found: Array, shown: Array) -> str:
    """How far a side of the equation is from the value shown."""
    distance = apart(found, shown)
    return f"{name} side {distance:.1e} of the largest entry apart" if distance > TOLERANCE else ""
