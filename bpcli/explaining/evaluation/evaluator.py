r"""The value of an equation's side, its indices and shapes checked.

A node takes the value of a step shown before where there is one (``shown``), else it is computed: symbols by the
document's vocabulary (``quantities``), derivatives as slopes of its definitions (``slopes``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import numpy as np

from bpcli.explaining.evaluation import tensors
from bpcli.explaining.evaluation.ellipsis import written_out
from bpcli.explaining.evaluation.grammar import parse
from bpcli.explaining.evaluation.indices import entry_runs, index, mark_of, numbers
from bpcli.explaining.evaluation.nodes import (
    Add,
    Apply,
    Cases,
    Derivative,
    Entry,
    EquationError,
    Function,
    Indicator,
    Matrix,
    Nabla,
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
)
from bpcli.explaining.evaluation.places import Places
from bpcli.explaining.evaluation.quantities import Quantities
from bpcli.explaining.evaluation.scope import Scope
from bpcli.explaining.evaluation.shown import Known, ShownSteps
from bpcli.explaining.evaluation.slopes import Slopes
from bpcli.explaining.evaluation.tensors import ONE, WRITTEN_OUT, Value
from bpcli.explaining.evaluation.vocabulary import DIAGONAL, SIZE, Vocabulary
from bpcli.explaining.recording.entrywise import apply, as_numbers, choose, equal
from bpcli.nn.expressions import PI
from bpcli.nn.markup import filled


class Evaluator:
    """Evaluates sides of equations by a vocabulary and the steps shown so far."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.names: dict[str, Value] = {}
        self.quantities = Quantities(vocabulary, self)
        self.places = Places(vocabulary, self)
        self.shown = ShownSteps(vocabulary, self)
        self.slopes = Slopes(vocabulary, self.quantities, self.places, self)

    def parse(self, markup: str) -> Node:
        """The nodes of markup in this document's letters."""
        return parse(markup, self.vocabulary.letters, tuple(self.names))

    def learn(self, known: Known) -> None:
        """Take the value of a step from now on."""
        self.shown.learn(known)
        self.quantities.forget()
        self.slopes.forget()

    def name(self, text: str, value: Value) -> None:
        """Take a symbol as a whole, marks and all, with a value from now on."""
        self.names[text] = value
        self.slopes.forget()

    def evaluate(self, node: Node, scope: Scope) -> Value:
        """The value, with an axis for each index that is free in ``node``.

        Raises:
            EquationError: an index, a shape or a symbol does not fit.
        """
        if scope.tilt is None:
            known = self.shown.value(node, scope)
            if known is not None:
                return known
        return self._evaluated(node, scope)

    def _evaluated(self, node: Node, scope: Scope) -> Value:
        kind: Any = self._KINDS.get(type(node))
        if kind is None:
            raise EquationError(f"{node} has no value")
        value: Value = kind(self, node, scope)
        return value

    def _number(self, node: Number, scope: Scope) -> Value:
        return Value(np.float64(node.text))

    def _function(self, node: Function, scope: Scope) -> Value:
        return tensors.entrywise(partial(apply, node.name), self.evaluate(node.argument, scope))

    def _nabla(self, node: Nabla, scope: Scope) -> Value:
        return self.evaluate(Derivative(self.parse(self.vocabulary.loss), node.by), scope)

    def _sum(self, node: Add, scope: Scope) -> Value:
        signs = tuple(sign for sign, _ in node.terms)
        return tensors.entrywise(partial(_added, signs), *(self.evaluate(term, scope) for _, term in node.terms))

    def _product(self, node: Times, scope: Scope) -> Value:
        return tensors.product(node.sign, self.evaluate(node.left, scope), self.evaluate(node.right, scope))

    def _quotient(self, node: Over, scope: Scope) -> Value:
        """Entry by entry; a matrix of one number is a number below the bar of another."""
        above, below = self.evaluate(node.above, scope), self.evaluate(node.below, scope)
        below = below.number() if above.shape != below.shape and below.is_single else below
        return tensors.entrywise(np.divide, above, below)

    def _power(self, node: Power, scope: Scope) -> Value:
        return tensors.entrywise(np.power, self.evaluate(node.base, scope), self.evaluate(node.exponent, scope))

    def _transpose(self, node: Transpose, scope: Scope) -> Value:
        return tensors.transposed(self.evaluate(node.of, scope))

    # Symbols

    def _named(self, node: Name, scope: Scope) -> Value:
        value = scope.names.get(node.text, self.names.get(node.text))
        if value is None:
            raise EquationError(f"{node.text} has no value yet")
        return value

    def _symbol(self, symbol: Symbol, scope: Scope) -> Value:
        found = self.vocabulary.find(symbol)
        if found is not None:
            return self.quantities.at(found, scope)
        size = self.vocabulary.size(symbol)
        if size is not None:
            return Value(np.float64(size.last))
        if symbol.base == PI:
            return Value(np.float64(np.pi))
        text = symbol.base + "".join(f"_{mark}" for mark in symbol.sub)
        if text in self.vocabulary.constants:
            base = Value(as_numbers(self.vocabulary.constants[text]))
            return base if not symbol.sup else Value(base.array ** self._exponent(symbol.sup[0]))
        raise EquationError(f"{symbol} is not declared")

    def _exponent(self, mark: str) -> Any:
        """The number that stands above a constant, in digits or as another constant."""
        return float(mark) if mark.isdigit() else as_numbers(self.vocabulary.constants[mark])

    # Functions, derivatives, sums

    def _derivative(self, node: Derivative, scope: Scope) -> Value:
        if isinstance(node.of, Symbol) and node.of.base in self.vocabulary.letters:
            return self.evaluate(Apply(node.of, 1, node.by), scope)
        return self.slopes.at(node, scope)

    def _applied(self, node: Apply, scope: Scope) -> Value:
        """An activation by the formula that it states."""
        argument = self.evaluate(node.argument, scope)
        if node.function.base in _OF_MATRICES:
            return _OF_MATRICES[node.function.base](argument)
        base = self.vocabulary.slopes.get(node.function.base, node.function.base)
        primes = node.primes + (node.function.base in self.vocabulary.slopes)
        marks = node.function.sub + node.function.sup
        activation, own = (
            self.vocabulary.activation(base, marks),
            self.vocabulary.owned(self.vocabulary.layer_of(marks)),
        )
        value = self._formula(filled(activation.formula, activation, z="x", **own), {"x": argument}, scope)
        if not primes:
            return tensors.entrywise(_keep, value, argument)
        derivative = filled(activation.derivative, activation, z="x", a="f", **own)
        return tensors.entrywise(_keep, self._formula(derivative, {"x": argument, "f": value}, scope), argument)

    def _formula(self, markup: str, names: Mapping[str, Value], scope: Scope) -> Value:
        """A choice's formula, of single numbers: each product is that entry by entry."""
        return self.evaluate(entrywise(parse(markup, frozenset(), tuple(names))), Scope({}, names, scope.tilt))

    def _total_of_units(self, node: UnitSum, scope: Scope) -> Value:
        return tensors.summed_over_rows(self.evaluate(node.body, scope))

    def _total(self, node: SumOver, scope: Scope) -> Value:
        if node.index in scope.ranges:
            raise EquationError(f"index {node.index} is bound twice")
        run = self.vocabulary.size(node.last)
        if run is None:
            raise EquationError(f"{node.last} is no size")
        ranges = {**scope.ranges, node.index: replace(run, first=node.first)}
        return tensors.summed(self.evaluate(node.body, replace(scope, ranges=ranges)), node.index)

    # Arrays

    def _entry(self, node: Entry, scope: Scope) -> Value:
        """An entry of a matrix, or a column."""
        value, indices = self.evaluate(node.of, scope), node.indices
        if value.shape is None:
            raise EquationError(f"{indices} of a number")
        runs = entry_runs(value, len(indices))
        order = [value.array.ndim - 2, value.array.ndim - 1, *range(len(value.letters))]
        array = value.array.transpose(order)
        if len(indices) == 2:
            chosen = [index(self.vocabulary, mark, run, scope) for mark, run in zip(indices, runs, strict=True)]
            return tensors.gathered(array, chosen, value.letters)
        (run,) = runs
        chosen = [index(self.vocabulary, indices[0], run, scope)]
        if value.shape[1] == ONE:
            return tensors.gathered(array[:, 0], chosen, value.letters)
        turned = array.swapaxes(0, 1)  # columns first, rows become the last axis but one
        moved = np.moveaxis(turned, 1, -1)[..., None]
        return tensors.gathered(moved, chosen, value.letters, (value.shape[0], ONE))

    def _indicator(self, node: Indicator, scope: Scope) -> Value:
        left, right = node.left, node.right
        values = [numbers(self.vocabulary, mark, scope) for mark in (left, right)]
        runs = {scope.ranges[mark].space for mark in (left, right) if mark in scope.ranges}
        if len(runs) > 1:
            raise EquationError(f"indices {left} and {right} run over {' and '.join(sorted(runs))}")
        return tensors.entrywise(equal, *values)

    def _cases(self, node: Cases, scope: Scope) -> Value:
        there, elsewhere = self.evaluate(node.there, scope), self.evaluate(node.elsewhere, scope)
        if node.relation == "=":
            left = self._indicator(Indicator(mark_of(node.left), mark_of(node.right)), scope)
            right = Value(np.float64(0))
        else:
            left, right = self.evaluate(node.left, scope), self.evaluate(node.right, scope)
        return tensors.entrywise(choose, left, right, there, elsewhere)

    def _matrix(self, node: Matrix, scope: Scope) -> Value:
        """An array written out; dots stand for the entries between their neighbours."""
        rows = [[self.evaluate(entry, scope) for entry in row] for row in written_out(node)]
        letters, arrays = tensors.aligned(*(_as_number(entry) for row in rows for entry in row))
        stacked = np.stack(np.broadcast_arrays(*arrays), axis=-1)
        array = stacked.reshape(*stacked.shape[:-1], len(rows), len(rows[0]))
        return Value(array, letters, (WRITTEN_OUT, WRITTEN_OUT))

    _KINDS: ClassVar[dict[type, Any]] = {
        Number: _number,
        Name: _named,
        Symbol: _symbol,
        Apply: _applied,
        Function: _function,
        Derivative: _derivative,
        Nabla: _nabla,
        SumOver: _total,
        UnitSum: _total_of_units,
        Add: _sum,
        Times: _product,
        Over: _quotient,
        Power: _power,
        Transpose: _transpose,
        Entry: _entry,
        Indicator: _indicator,
        Cases: _cases,
        Matrix: _matrix,
    }


def _added(signs: tuple[int, ...], *values: Any) -> Any:
    total = 0
    for sign, value in zip(signs, values, strict=True):
        total = total + value if sign > 0 else total - value
    return total


def _keep(value: Any, argument: Any) -> Any:
    """A value with an entry for each of the argument's: a derivative such as 1 has none of its own."""
    return value + 0 * np.real(argument)


_OF_MATRICES = {SIZE: tensors.sized, DIAGONAL: tensors.diagonal}
"""The functions that are of a matrix as a whole."""


def _as_number(value: Value) -> Value:
    return value.number() if value.is_single else value
