"""A document's steps on one update as programs: each entry the number of a tape that the shown formula gives.

A step reads the numbers of the steps before it as slots, counted through the whole document, so what its formula
computes does not depend on how they came about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.explaining.derivations import DERIVATIONS
from bpcli.explaining.documents.steps import DerivationStep, Document
from bpcli.explaining.evaluation.evaluator import Evaluator
from bpcli.explaining.evaluation.nodes import EquationError, Name
from bpcli.explaining.evaluation.sheet import Sheet, Side
from bpcli.explaining.following import PARAMETERS, Follower
from bpcli.explaining.page.inputs import Inputs
from bpcli.explaining.recording.tape import Recorded, Tape
from bpcli.explaining.trace import Trace
from bpcli.nn import Array


@dataclass(frozen=True)
class Program:
    """A step and the places of its entries on the tape, in the shape of its value."""

    step: DerivationStep
    places: Array


@dataclass(frozen=True)
class Programs:
    """The programs of a document's steps in order, and what knows the document's symbols."""

    steps: tuple[Program, ...]
    evaluator: Evaluator


CALL = r"\text{"
"""What a formula begins with that names the rule instead of writing it out."""


def programs(document: Document, trace: Trace, inputs: Inputs, tape: Tape, new_theta: Any) -> Programs:
    """The programs of a document's steps on an update.

    ``new_theta`` is θ after the update as the engine has it, recorded: for a rule that the document does not write out.

    Raises:
        EquationError: a formula cannot be evaluated.
    """
    vocabulary = DERIVATIONS[document.name].vocabulary
    plain, sheet = Sheet(vocabulary(trace)), Sheet(vocabulary(inputs.trace(trace)))
    recorder = _Recorder(Follower(plain), sheet, inputs, tape, new_theta)
    return Programs(tuple(recorder.all(document.steps(trace))), plain.evaluator)


NEW = "new_"
"""What the keys of steps begin with that give parameters after the update."""


class _Recorder:
    """Records steps in order; ``given`` are the numbers of the given ones.

    ``follower`` follows the numbers themselves: a left side that is a slope takes its shape from them.
    """

    def __init__(self, follower: Follower, sheet: Sheet, inputs: Inputs, tape: Tape, new_theta: Any) -> None:
        self.follower, self.sheet, self.inputs, self.tape = follower, sheet, inputs, tape
        self.new_theta = new_theta
        self.given: dict[tuple[str, int], Any] = {}
        self.theta = {number.place: entry for entry, number in enumerate(inputs.theta)}
        self.examples = inputs.X.shape[1]
        self.of_examples: dict[tuple[str, int | None], list[Any]] = {}
        self.slots = 0

    def all(self, steps: Sequence[DerivationStep]) -> Iterator[Program]:
        """Every step's program; an update may read what its later equations change."""
        remembered = [step for step in steps if step.stage == "update" and step.before is not None]
        for step in self.follower.each(steps):
            if step.stage == "update":
                for one in remembered:
                    self._side(one)
                remembered = []
            yield self._program(step)

    def _program(self, step: DerivationStep) -> Program:
        side = self._side(step)
        numbers = self.tape.array(np.broadcast_to(self._value(step, side), step.value.shape))
        if step.stage == "given":
            self.given[step.key, step.layer or 0] = numbers
        slots = self.tape.slots(self.slots, step.value.shape)
        self.slots += step.value.size
        if not step.key.startswith(PARAMETERS):
            self.sheet.learn(side, slots)
            self._learn_of_all(step, slots)
        places = np.frompyfunc(lambda number: number.place, 1, 1)(numbers)
        return Program(step, np.asarray(places, int))

    def _value(self, step: DerivationStep, side: Side) -> Any:
        """What the first right side gives that can be evaluated from the steps before."""
        if not step.formula:
            return self.sheet.independent(side)
        if step.formula.startswith(CALL) and step.before is not None and step.key.startswith(NEW):
            return self._laid_out(step.key.removeprefix(NEW), step, self.new_theta)
        *others, last = step.sides
        for form in others:
            with suppress(EquationError):
                return self.sheet.value(form, side)
        return self.sheet.value(last, side)

    def _learn_of_all(self, step: DerivationStep, slots: Any) -> None:
        """Know an equation of every example, each a step of its own, for all of them at once."""
        if step.example is None:
            return
        each = self.of_examples.setdefault((step.key, step.layer), [])
        each.append(slots)
        if len(each) == self.examples:
            self.sheet.learn(self.follower.sheet.side(step), np.stack(each, axis=-1))

    def _side(self, step: DerivationStep) -> Side:
        """The left side; an array of the rule is known by its symbol, with what the update finds there."""
        side = self.follower.side(step)
        return self.sheet.name(side.node.text, side, self._before(step)) if isinstance(side.node, Name) else side

    def _before(self, step: DerivationStep) -> Any:
        """What an update finds in the place of a step's value, recorded; laid out as the parameters are."""
        if step.before is None:
            return 0 * self.tape.array(step.value)
        if step.layer is None:
            return self.inputs.memory[step.key].reshape(step.value.shape)
        of = next(key for key, layer in self.given if layer == step.layer and step.key.endswith(f"_{key}"))
        return self._laid_out(of, step, self.inputs.memory[step.key.removesuffix(f"_{of}")])

    def _laid_out(self, parameters: str, step: DerivationStep, array: Any) -> Any:
        """An array in θ's order, laid out as a layer's given parameters; what is none of θ stays as it was."""
        assert step.before is not None, "what is laid out takes the place of something"

        def of_entry(number: Recorded, before: float) -> Recorded:
            entry = self.theta.get(number.place)
            return self.tape.constant(before) if entry is None else array[entry]

        return np.frompyfunc(of_entry, 2, 1)(self.given[parameters, step.layer or 0], step.before)
