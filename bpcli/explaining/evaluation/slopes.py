"""Derivatives that no step shows: slopes of the document's own definitions along the imaginary axis.

``by`` gets a tiny imaginary part, entry by entry, and ``of`` is evaluated from its definition. So a derivative owes
nothing to the chain rule that the equations around it state.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from bpcli.explaining.evaluation import tensors
from bpcli.explaining.evaluation.indices import symbol_indices
from bpcli.explaining.evaluation.nodes import Derivative, EquationError, Node, Symbol
from bpcli.explaining.evaluation.places import Places
from bpcli.explaining.evaluation.quantities import EvaluatesMarkup, Quantities
from bpcli.explaining.evaluation.scope import Scope, Tilt
from bpcli.explaining.evaluation.tensors import Value
from bpcli.explaining.evaluation.tilts import blocks, by_matrix, joined, slope_of
from bpcli.explaining.evaluation.vocabulary import Found, Vocabulary


class Slopes:
    """The slopes of expressions, remembered until a step is shown."""

    def __init__(
        self, vocabulary: Vocabulary, quantities: Quantities, places: Places, evaluator: EvaluatesMarkup
    ) -> None:
        self.vocabulary, self.quantities, self.places, self.evaluator = vocabulary, quantities, places, evaluator
        self._remembered: dict[Any, Value] = {}

    def forget(self) -> None:
        """Evaluate again: definitions may read a step that was shown since."""
        self._remembered.clear()

    def at(self, node: Derivative, scope: Scope) -> Value:
        """A derivative at the indices that an equation gives it.

        Raises:
            EquationError: a symbol is not declared, or the derivative stands within another.
        """
        if scope.tilt is not None:
            raise EquationError("a derivative within a derivative")
        found = self.vocabulary.find(node.by)
        if found is None:
            raise EquationError(f"{node.by} is not declared")
        at_once = isinstance(node.of, Symbol) and (node.of.base, node.by.base) in self.vocabulary.diagonal
        tilted = self.quantities.matrix_of(found)
        if at_once:
            return self._slope(node.of, Tilt(tilted.quantity.template, tilted.layer), scope)
        slope = self._by_entries(node.of, tilted, scope)
        return by_matrix(self._chosen(slope, found, scope), self.vocabulary.shape(found))

    def _by_entries(self, of: Node, by: Found, scope: Scope) -> Value:
        """The slopes by every entry of a quantity."""
        ranges = {mark: scope.ranges.get(mark) for mark, _ in self.places.of(of)}
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
        return slope_of(self.evaluator.evaluate(of, replace(scope, tilt=tilt)))

    def _chosen(self, slope: Value, found: Found, scope: Scope) -> Value:
        """The slopes by the entries that the indices of the denominator say."""
        stars = sorted(letter for letter in slope.letters if letter.startswith("*"))
        if not stars or not found.slots:
            return slope
        stars = stars[: len(found.slots)] if found.quantity.shape else stars
        rest = tuple(letter for letter in slope.letters if letter not in stars)
        order = [slope.letters.index(letter) for letter in (*stars, *rest)]
        array = slope.array.transpose(order + list(range(len(order), slope.array.ndim)))
        indices = symbol_indices(self.vocabulary, found, scope)
        column = [Value(np.asarray(0))] * (len(stars) - len(indices))
        return tensors.gathered(array, [*indices, *column], rest, slope.shape)
