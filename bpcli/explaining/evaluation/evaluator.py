r"""The value of an equation's side, its indices and shapes checked.

Symbols take the values of the steps shown before where there are such, else those of the document's vocabulary. A
derivative that no step shows is the slope of the document's own definitions along the imaginary axis:
``by`` gets a tiny imaginary part, entry by entry, and ``of`` is evaluated from its definition. So it owes
nothing to the chain rule that the equations around it state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any, ClassVar

import numpy as np

from bpcli.explaining.evaluation import tensors
from bpcli.explaining.evaluation.ellipsis import written_out
from bpcli.explaining.evaluation.grammar import parse
from bpcli.explaining.evaluation.indices import CLASS, entry_runs, index, mark_of, numbers
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
    parts,
)
from bpcli.explaining.evaluation.quantities import Quantities
from bpcli.explaining.evaluation.scope import Known, Scope, Tilt, covers, same
from bpcli.explaining.evaluation.tensors import ONE, WRITTEN_OUT, Range, Value
from bpcli.explaining.evaluation.tilts import blocks, by_matrix, joined, slope_of
from bpcli.explaining.evaluation.vocabulary import DIAGONAL, SIZE, Found, Vocabulary
from bpcli.explaining.recording.entrywise import apply, as_numbers, choose, equal
from bpcli.nn.expressions import PI
from bpcli.nn.markup import filled


class Evaluator:
    """Evaluates sides of equations by a vocabulary and the steps shown so far."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.known: list[Known] = []
        self.names: dict[str, Value] = {}
        self.quantities = Quantities(vocabulary, self)
        self._remembered: dict[Any, Value] = {}

    def parse(self, markup: str) -> Node:
        """The nodes of markup in this document's letters."""
        return parse(markup, self.vocabulary.letters, tuple(self.names))

    def learn(self, known: Known) -> None:
        """Take the value of a step from now on."""
        self.known.append(known)
        self.quantities.forget()
        self._remembered.clear()

    def name(self, text: str, value: Value) -> None:
        """Take a symbol as a whole, marks and all, with a value from now on."""
        self.names[text] = value
        self._remembered.clear()

    def declared(
        self, left: Node, starts: Mapping[str, int], at: Mapping[str, int], said: Mapping[str, Range] | None = None
    ) -> dict[str, Range]:
        """What the indices of a left side run over, from the places where they stand.

        ``starts`` are their first numbers where those are not 1; indices in ``at`` have one value alone; ``said`` is
        what is known of some without their places.

        Raises:
            EquationError: an index stands in two places of different kinds.
        """
        ranges: dict[str, Range] = {}
        for mark, place in (*(said or {}).items(), *self._places(left)):
            if mark.isdigit() or mark.startswith(CLASS):
                continue
            run = (said or {}).get(mark) or replace(place, first=starts.get(mark, 1))
            if mark in at:
                run = replace(place, first=at[mark], last=at[mark])
            if ranges.setdefault(mark, run) != run:
                raise EquationError(f"index {mark} runs over {ranges[mark].space} and {place.space}")
        return ranges

    def _places(self, node: Any) -> Iterator[tuple[str, Range]]:
        """Every index of an equation that no sum binds, with what it can run over there."""
        if isinstance(node, Symbol):
            yield from self._places_of_symbol(node)
        elif isinstance(node, SumOver):
            yield from ((mark, place) for mark, place in self._places(node.body) if mark != node.index)
        elif isinstance(node, Entry):
            value = self.evaluate(node.of, Scope())
            yield from zip(node.indices, entry_runs(value, len(node.indices)), strict=False)
        else:
            for one in parts(node):
                yield from self._places(one)

    def _places_of_symbol(self, symbol: Symbol) -> Iterator[tuple[str, Range]]:
        found = self.vocabulary.find(symbol)
        if found is None:
            return
        for slot, mark in zip(found.slots, found.indices, strict=True):
            yield mark, self.vocabulary.range(found.quantity.runs[slot], found.layer)
        if found.quantity.implicit:
            yield found.quantity.implicit, self.vocabulary.range("m", 0)

    def evaluate(self, node: Node, scope: Scope) -> Value:
        """The value, with an axis for each index that is free in ``node``.

        Raises:
            EquationError: an index, a shape or a symbol does not fit.
        """
        if scope.tilt is None:
            known = self._shown(node, scope)
            known = self._shown_entry(node, scope) if known is None else known
            if known is not None:
                return known
        return self._evaluated(node, scope)

    def is_shown(self, node: Node, scope: Scope) -> bool:
        """Whether a step showed the value of a node, or of the matrix of which it is an entry."""
        return self._shown(node, scope) is not None or self._shown_entry(node, scope) is not None

    def whole(self, node: Node) -> tuple[Node, Found] | None:
        """The matrix of which a node is an entry, with what the entry is declared as; None where it is none."""
        if isinstance(node, Symbol):
            found = self.vocabulary.find(node)
            if found is None or not found.quantity.entries:
                return None
            return self.parse(str(found.quantity.meaning(found.layer))), found
        within = _argument(node)
        inner = None if within is None else self.whole(within)
        return None if inner is None else (_with_argument(node, inner[0]), inner[1])

    def _shown_entry(self, node: Node, scope: Scope) -> Value | None:
        """An entry of a matrix that a step showed."""
        whole = self.whole(node)
        known = None if whole is None else self._shown(whole[0], scope)
        if whole is None or known is None:
            return None
        found = whole[1]
        runs = [self.vocabulary.range(found.quantity.runs[slot], found.layer) for slot in found.slots]
        indices = [index(self.vocabulary, mark, run, scope) for mark, run in zip(found.indices, runs, strict=True)]
        return tensors.gathered(tensors.as_entries(known, found.slots).array, indices)

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

    def _shown(self, node: Node, scope: Scope) -> Value | None:
        """The value of the last step whose left side this is, its indices renamed."""
        for known in reversed(self.known):
            renamed: dict[str, str] = {}
            if type(known.left) is not type(node) or not same(known.left, node, known.ranges, renamed):
                continue
            places = [renamed.get(letter, letter) for letter in known.value.letters]
            runs = [known.ranges[letter] for letter in known.value.letters]
            if all(covers(run, mark, scope) for mark, run in zip(places, runs, strict=True)):
                indices = [index(self.vocabulary, mark, run, scope) for mark, run in zip(places, runs, strict=True)]
                return tensors.gathered(known.value.array, indices, (), known.value.shape)
        return None

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

    def _derivative(self, node: Derivative, scope: Scope) -> Value:
        if isinstance(node.of, Symbol) and node.of.base in self.vocabulary.letters:
            return self.evaluate(Apply(node.of, 1, node.by), scope)
        if scope.tilt is not None:
            raise EquationError("a derivative within a derivative")
        found = self.vocabulary.find(node.by)
        if found is None:
            raise EquationError(f"{node.by} is not declared")
        at_once = isinstance(node.of, Symbol) and (node.of.base, node.by.base) in self.vocabulary.diagonal
        tilted = self.quantities.matrix_of(found)
        if at_once:
            return self._slope(node.of, Tilt(tilted.quantity.template, tilted.layer), scope)
        slope = self._slopes(node.of, tilted, scope)
        return by_matrix(self._chosen(slope, found, scope), self.vocabulary.shape(found))

    def _slopes(self, of: Node, by: Found, scope: Scope) -> Value:
        """The slopes by every entry of a quantity, remembered until a step is shown."""
        ranges = {mark: scope.ranges.get(mark) for mark, _ in self._places(of)}
        key = (of, by.quantity.template, by.layer, tuple(ranges.items()))
        if key not in self._remembered:
            sizes = self.quantities.sizes(by)
            tilts = (
                Tilt(by.quantity.template, by.layer, entries)
                for entries in blocks(prod(sizes), self.vocabulary.largest)
            )
            self._remembered[key] = joined([self._slope(of, tilt, scope) for tilt in tilts], sizes)
        return self._remembered[key]

    def _slope(self, of: Node, tilt: Tilt, scope: Scope) -> Value:
        return slope_of(self.evaluate(of, replace(scope, tilt=tilt)))

    def _chosen(self, slope: Value, found: Found, scope: Scope) -> Value:
        """The slopes by the entries that the indices of the denominator say."""
        stars = sorted(letter for letter in slope.letters if letter.startswith("*"))
        if not stars or not found.slots:
            return slope
        stars = stars[: len(found.slots)] if found.quantity.shape else stars
        rest = tuple(letter for letter in slope.letters if letter not in stars)
        order = [slope.letters.index(letter) for letter in (*stars, *rest)]
        array = slope.array.transpose(order + list(range(len(order), slope.array.ndim)))
        runs = [self.vocabulary.range(found.quantity.runs[slot], found.layer) for slot in found.slots]
        indices = [index(self.vocabulary, mark, run, scope) for mark, run in zip(found.indices, runs, strict=True)]
        column = [Value(np.asarray(0))] * (len(stars) - len(indices))
        return tensors.gathered(array, [*indices, *column], rest, slope.shape)

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


def _argument(node: Node) -> Node | None:
    """What a derivative is by, and a function of, where that is an array."""
    if isinstance(node, Derivative | Nabla):
        return node.by
    return node.argument if isinstance(node, Apply) and node.function.base not in _OF_MATRICES else None


def _with_argument(node: Node, argument: Any) -> Node:
    return replace(node, by=argument) if isinstance(node, Derivative | Nabla) else replace(node, argument=argument)


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
