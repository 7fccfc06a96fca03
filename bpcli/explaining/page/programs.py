"""A document's steps on one update as programs: each entry the number of a tape that the shown formula gives.

A step reads the numbers of the steps before it as slots, counted through the whole document, so what its formula
computes does not depend on how they came about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.explaining.derivations import DERIVATIONS
from bpcli.explaining.derivations.derived import Heading
from bpcli.explaining.documents.steps import DerivationStep, Document
from bpcli.explaining.evaluation.evaluator import Evaluator
from bpcli.explaining.evaluation.grammar import parse
from bpcli.explaining.evaluation.layout import Layout
from bpcli.explaining.evaluation.nodes import Derivative, EquationError, Node, Symbol
from bpcli.explaining.evaluation.sheet import Sheet, Side
from bpcli.explaining.page.inputs import Inputs
from bpcli.explaining.recording.tape import Recorded, Tape
from bpcli.explaining.trace import Trace
from bpcli.nn import Array

PARAMETERS = ("new_", "constrained_")
"""What the keys of steps begin with that give the parameters themselves new values."""


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


def programs(document: Document, trace: Trace, inputs: Inputs, tape: Tape) -> Programs:
    """The programs of a document's steps on an update.

    Raises:
        EquationError: a formula cannot be evaluated.
    """
    vocabulary = DERIVATIONS[document.name].vocabulary
    recorder = _Recorder(Sheet(vocabulary(trace)), Sheet(vocabulary(inputs.trace(trace))), inputs, tape)
    return Programs(tuple(recorder.all(document.steps(trace))), recorder.plain.evaluator)


class _Recorder:
    """Records steps in order; ``given`` are the left sides and the numbers of the given ones.

    ``plain`` has the numbers themselves: left sides that are slopes take their shapes from it.
    """

    def __init__(self, plain: Sheet, sheet: Sheet, inputs: Inputs, tape: Tape) -> None:
        self.plain, self.sheet, self.inputs, self.tape = plain, sheet, inputs, tape
        self.given: dict[tuple[str, int | None], tuple[Side, Any]] = {}
        self.theta = {number.place: entry for entry, number in enumerate(inputs.theta)}
        self.examples = inputs.X.shape[1]
        self.of_examples: dict[tuple[str, int | None], list[Any]] = {}
        self.slots = 0

    def all(self, steps: Sequence[DerivationStep]) -> Iterator[Program]:
        """Every step's program; an update may read what its later equations change."""
        remembered = [step for step in steps if step.stage == "update" and step.before is not None]
        for step in steps:
            if step.stage == "update":
                for one in remembered:
                    self._side(one)
                remembered = []
            yield self._program(step)

    def _program(self, step: DerivationStep) -> Program:
        side = self._side(step)
        numbers = self.tape.array(np.broadcast_to(self._value(step, side), step.value.shape))
        if step.stage == "given":
            self.given[step.key, step.layer] = side, numbers
        slots = self.tape.slots(self.slots, step.value.shape)
        self.slots += step.value.size
        if not step.key.startswith(PARAMETERS):
            self.plain.learn(side, step.value)
            self.sheet.learn(side, slots)
            for other in (*self._whole(side, slots.shape), *self._entries(side)):
                self.sheet.learn(other, slots)
            self._learn_of_all(step, slots)
        places = np.frompyfunc(lambda number: number.place, 1, 1)(numbers)
        return Program(step, np.asarray(places, int))

    def _value(self, step: DerivationStep, side: Side) -> Any:
        """What the first right side gives that can be evaluated from the steps before."""
        if not step.formula:
            return self.sheet.independent(side)
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
            self.sheet.learn(self.plain.side(step), np.stack(each, axis=-1))

    def _whole(self, side: Side, shape: tuple[int, ...]) -> Iterator[Side]:
        """The array whose entries a left side is, or the derivative by it: shown entry by entry, it is known whole."""
        of, by = (side.node.of, side.node.by) if isinstance(side.node, Derivative) else (None, side.node)
        array = self._array(by)
        if array is None or self._array(of) is not None:
            return
        whole = self.plain.side(Heading(array, "", ""))
        if whole.layout.lengths == shape:
            assert isinstance(whole.node, Symbol)
            yield whole if of is None else Side(Derivative(of, whole.node), whole.layout)

    def _entries(self, side: Side) -> Iterator[Side]:
        """The derivatives by the entries of an array, where a left side is the derivative by it: known one by one."""
        if not isinstance(side.node, Derivative) or side.layout.shape is None:
            return
        for entry in self._symbols_of_entries(side.node.by):
            node = Derivative(side.node.of, entry)
            ranges = self.plain.evaluator.declared(node, {}, {})
            rows, columns, *_ = *ranges, "", ""
            yield Side(node, Layout(ranges, rows, columns, None))

    def _symbols_of_entries(self, array: Symbol) -> Iterator[Symbol]:
        """The symbols of an array's entries, with the letters of their templates."""
        vocabulary = self.plain.evaluator.vocabulary
        whole = vocabulary.find(array)
        for quantity in vocabulary.quantities if whole else ():
            if quantity.entries and whole:
                template = parse(quantity.template, frozenset())
                assert isinstance(template, Symbol)
                at = {"l": str(whole.layer)}
                sub, sup = (tuple(at.get(mark, mark) for mark in marks) for marks in (template.sub, template.sup))
                entry = Symbol(template.base, sub, sup)
                if self.plain.evaluator.parse(str(quantity.meaning(whole.layer))) == array:
                    yield entry

    def _array(self, node: Node | None) -> str | None:
        """The array, in markup, whose entries a symbol is; None for any other."""
        found = self.plain.evaluator.vocabulary.find(node) if isinstance(node, Symbol) else None
        return str(found.quantity.meaning(found.layer)) if found and found.quantity.entries else None

    def _side(self, step: DerivationStep) -> Side:
        """The left side; an array of the rule is laid out as the parameters that it belongs to."""
        if step.stage != "update" or step.key.startswith(PARAMETERS):
            return self.plain.side(step, {} if step.example is None else {"i": step.example})
        like = self.given[_parameters(step, self.given)][0] if step.layer is not None else None
        self.plain.name(step.symbol, like, np.zeros_like(step.value) if step.before is None else step.before)
        return self.sheet.name(step.symbol, like, self._before(step))

    def _before(self, step: DerivationStep) -> Any:
        """What an update finds in the place of a step's value, recorded."""
        if step.before is None:
            return 0 * self.tape.array(step.value)
        if step.layer is None:
            return self.inputs.memory[step.key].reshape(step.value.shape)
        key = _parameters(step, self.given)
        memory = self.inputs.memory[step.key.removesuffix(f"_{key[0]}")]

        def of_entry(number: Recorded, before: float) -> Recorded:
            entry = self.theta.get(number.place)
            return self.tape.constant(before) if entry is None else memory[entry]

        return np.frompyfunc(of_entry, 2, 1)(self.given[key][1], step.before)


def _parameters(step: DerivationStep, given: Iterable[tuple[str, int | None]]) -> tuple[str, int | None]:
    """The parameters that an array of the rule's belongs to, by key and layer."""
    return next(key for key in given if key[1] == step.layer and step.key.endswith(f"_{key[0]}"))
