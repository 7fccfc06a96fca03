r"""One entry of an equation's side with numbers in the place of its symbols: the arithmetic that gives it.

The tree of the side itself is rewritten, so what is written out cannot disagree with the equation. A product of
matrices becomes the sum of products that the entry is, a sum over an index its terms, an activation the
formula that it states, cases the one that holds. Derivatives and whatever has no operation of its own are numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from bpcli.explaining.arithmetic.terms import Condition, Exact, added, sum_of
from bpcli.explaining.evaluation.evaluator import Evaluator
from bpcli.explaining.evaluation.grammar import parse
from bpcli.explaining.evaluation.nodes import (
    Add,
    Apply,
    Cases,
    Entry,
    EquationError,
    Function,
    Name,
    Node,
    Number,
    Over,
    Power,
    SumOver,
    Symbol,
    Times,
    Transpose,
    UnitSum,
    entrywise,
    made_of,
    parts,
)
from bpcli.explaining.evaluation.scope import Scope
from bpcli.explaining.evaluation.tensors import Range, Value
from bpcli.explaining.evaluation.vocabulary import DIAGONAL, SIZE
from bpcli.nn.markup import filled

ONES = r"\mathbf{1}"
"""The letter of a column of ones."""

Place = tuple[int, int] | None
"""Row and column, from 0, of an entry of a matrix; None for a number."""


@dataclass
class Substitution:
    """Entries of one equation's side; ``ranges`` are what the indices of the left side run over.

    ``conditions`` are those that decided the cases of an entry.
    """

    evaluator: Evaluator
    ranges: Mapping[str, Range]
    conditions: list[Condition] = field(default_factory=list)

    def entry(self, node: Node, scope: Scope, place: Place) -> Any:
        """The arithmetic of one entry: nodes of operations over :class:`Exact` numbers.

        Raises:
            EquationError: the side does not fit together.
        """
        way = self._WAYS.get(type(node))
        return Exact(self._number(node, scope, place)) if way is None else way(self, node, scope, place)

    def _number(self, node: Node, scope: Scope, place: Place) -> float:
        value = self._fixed(self.evaluator.evaluate(node, scope), scope)
        return float(np.real(np.asarray(_at(value, place)).reshape(-1)[0]))

    def _fixed(self, value: Value, scope: Scope) -> Value:
        """A value at the numbers of the left side's indices, where it is of all: what an update remembers is."""
        array = np.asarray(value.array)
        for axis, letter in enumerate(value.letters):
            if array.shape[axis] > 1 and letter in self.ranges:
                number = scope.ranges[letter].first - self.ranges[letter].first
                array = array.take([number], axis=axis)
        return replace(value, array=array)

    def _literal(self, node: Number, scope: Scope, place: Place) -> Any:
        return node

    def _sum(self, node: Add, scope: Scope, place: Place) -> Any:
        return added([(sign, self.entry(term, scope, place)) for sign, term in node.terms])

    def _product(self, node: Times, scope: Scope, place: Place) -> Any:
        """A product of numbers; of matrices the sum over what lies between them."""
        inner = self._between(node, scope) if node.sign == r"\cdot" and place is not None else None
        if inner is None:
            return Times("", self.entry(node.left, scope, place), self.entry(node.right, scope, place))
        row, column = place or (0, 0)

        def term(k: int) -> Any:
            left, right = ((node.left, (row, k)), (node.right, (k, column)))
            factors = [self.entry(side, scope, at) for side, at in (left, right) if not _is_ones(side)]
            return Times("", *factors) if len(factors) > 1 else factors[0]

        def value(k: int) -> float:
            return self._number(node.left, scope, (row, k)) * self._number(node.right, scope, (k, column))

        return sum_of(inner, term, value)

    def _between(self, node: Times, scope: Scope) -> int | None:
        """How long the rows of the left and the columns of the right are; None where one is a number."""
        left, right = self.evaluator.evaluate(node.left, scope), self.evaluator.evaluate(node.right, scope)
        if left.shape is None or right.shape is None or left.shape[1] != right.shape[0]:
            return None
        return int(left.array.shape[-1])

    def _quotient(self, node: Over, scope: Scope, place: Place) -> Any:
        return Over(self.entry(node.above, scope, place), self.entry(node.below, scope, place))

    def _power(self, node: Power, scope: Scope, place: Place) -> Any:
        return Power(self.entry(node.base, scope, place), self.entry(node.exponent, scope, place))

    def _function(self, node: Function, scope: Scope, place: Place) -> Any:
        return Function(node.name, self.entry(node.argument, scope, place))

    def _transposed(self, node: Transpose, scope: Scope, place: Place) -> Any:
        return self.entry(node.of, scope, None if place is None else (place[1], place[0]))

    def _total(self, node: SumOver, scope: Scope, place: Place) -> Any:
        run = self.evaluator.vocabulary.size(node.last)
        if run is None:
            raise EquationError(f"{node.last} is no size")
        numbers = range(node.first, run.last + 1)

        def of(k: int) -> Scope:
            return replace(scope, ranges={**scope.ranges, node.index: replace(run, first=numbers[k], last=numbers[k])})

        return sum_of(
            len(numbers), lambda k: self.entry(node.body, of(k), place), lambda k: self._number(node.body, of(k), place)
        )

    def _total_of_units(self, node: UnitSum, scope: Scope, place: Place) -> Any:
        column = 0 if place is None else place[1]
        count = int(self.evaluator.evaluate(node.body, scope).array.shape[-2])
        return sum_of(
            count,
            lambda k: self.entry(node.body, scope, (k, column)),
            lambda k: self._number(node.body, scope, (k, column)),
        )

    def _applied(self, node: Apply, scope: Scope, place: Place) -> Any:
        """An activation written out by its formula; what a step before it showed, as its derivative, is a number."""
        vocabulary = self.evaluator.vocabulary
        known = node.primes or node.function.base in (SIZE, DIAGONAL, *vocabulary.slopes)
        if known or self.evaluator.shown.value(node, scope) is not None:
            return Exact(self._number(node, scope, place))
        marks = node.function.sub + node.function.sup
        activation, own = vocabulary.activation(node.function.base, marks), vocabulary.owned(vocabulary.layer_of(marks))
        formula = entrywise(parse(filled(activation.formula, activation, z="x", **own), frozenset(), ("x",)))
        return self.entry(_replaced(formula, Name("x"), node.argument), scope, place)

    def _entry(self, node: Entry, scope: Scope, place: Place) -> Any:
        """An entry of an array that is written itself; or one of a column of it."""
        numbers = [int(mark) if mark.isdigit() else scope.ranges[mark].first for mark in node.indices]
        value = self.evaluator.evaluate(node.of, scope)
        if value.shape is None:
            raise EquationError(f"{node.indices} of a number")
        if len(numbers) > 1:
            return self.entry(node.of, scope, (numbers[0] - 1, numbers[1] - 1))
        column = value.array.shape[-1] == 1
        return self.entry(node.of, scope, (numbers[0] - 1, 0) if column else ((place or (0, 0))[0], numbers[0] - 1))

    def _cases(self, node: Cases, scope: Scope, place: Place) -> Any:
        """The case that holds."""
        if node.relation != ">":
            return Exact(self._number(node, scope, place))
        holds = self._number(node.left, scope, place) > self._number(node.right, scope, place)
        left, right = (self.entry(side, scope, place) for side in (node.left, node.right))
        self.conditions.append(Condition(left, right, holds))
        return self.entry(node.there if holds else node.elsewhere, scope, place)

    _WAYS: ClassVar[Mapping[type, Callable[..., Any]]] = {
        Number: _literal,
        Add: _sum,
        Times: _product,
        Over: _quotient,
        Power: _power,
        Function: _function,
        Transpose: _transposed,
        SumOver: _total,
        UnitSum: _total_of_units,
        Apply: _applied,
        Entry: _entry,
        Cases: _cases,
    }


def _at(value: Value, place: Place) -> Any:
    """An entry of a value whose indices have one value each."""
    if value.shape is None:
        return value.array
    row, column = place or (0, 0)
    rows, columns = value.array.shape[-2:]
    return value.array[..., row if rows > 1 else 0, column if columns > 1 else 0]


def _is_ones(node: Node) -> bool:
    """Whether a factor is the column of ones, by which a matrix product only adds up or repeats."""
    inner = node.of if isinstance(node, Transpose) else node
    return isinstance(inner, Symbol) and inner.base == ONES


def _replaced(node: Any, old: Any, new: Any) -> Any:
    if node == old:
        return new
    return made_of(node, (_replaced(one, old, new) for one in parts(node))) if parts(node) else node
