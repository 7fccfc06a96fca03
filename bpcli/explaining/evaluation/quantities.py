"""The values of a document's quantities: given arrays, or their definitions, evaluated once and remembered."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from bpcli.explaining.evaluation import tensors
from bpcli.explaining.evaluation.indices import index, symbol_indices
from bpcli.explaining.evaluation.nodes import EquationError, Node, Symbol
from bpcli.explaining.evaluation.scope import Scope, Tilt
from bpcli.explaining.evaluation.tensors import Value
from bpcli.explaining.evaluation.tilts import ordered, with_tilt
from bpcli.explaining.evaluation.vocabulary import Found, Vocabulary
from bpcli.explaining.recording.entrywise import as_numbers

MOST_REMEMBERED = 2**22
"""How many complex numbers the values under tilts hold together at most: 64 MiB."""


class EvaluatesMarkup(Protocol):
    """What definitions are evaluated by."""

    def parse(self, markup: str) -> Node:
        """The nodes of markup."""
        ...

    def evaluate(self, node: Node, scope: Scope) -> Value:
        """Their value."""
        ...


class Quantities:
    """The quantities of a vocabulary, each evaluated once, and once for each tilt."""

    def __init__(self, vocabulary: Vocabulary, evaluator: EvaluatesMarkup) -> None:
        self.vocabulary, self.evaluator = vocabulary, evaluator
        self._memory: dict[Any, Value] = {}
        self._tilted = 0

    def forget(self) -> None:
        """Evaluate definitions again: they may read a step that was shown since."""
        self._memory = {key: value for key, value in self._memory.items() if key[2] is not None}

    def at(self, found: Found, scope: Scope) -> Value:
        """A quantity at the indices that an equation gives it.

        Raises:
            EquationError: an index does not fit its place, or the definition itself.
        """
        base = self._base(found, scope.tilt)
        quantity, slots = found.quantity, len(found.slots)
        indices = symbol_indices(self.vocabulary, found, scope)
        rest = base.letters[slots:]
        if rest[:1] == (quantity.implicit,) and quantity.implicit in scope.ranges:
            indices.append(index(self.vocabulary, quantity.implicit, self.vocabulary.range("m", 0), scope))
            rest = rest[1:]
        return tensors.gathered(base.array, indices, rest, base.shape)

    def _base(self, found: Found, tilt: Tilt | None) -> Value:
        """A quantity's whole array: axes for the places of indices, the implicit one, those of the tilt; its shape."""
        key = (found.quantity.template, found.layer, tilt)
        if found.quantity.entries:
            return tensors.as_entries(self._base(self.matrix_of(found), tilt), found.slots)
        if tilt is not None and key[:2] == (tilt.template, tilt.layer):
            return with_tilt(self._base(found, None), len(found.slots), tilt.entries)
        if key not in self._memory:
            value = self._defined(found, tilt)
            if tilt is not None:
                self._make_room(value.array.size, tilt)
            self._memory[key] = value
        return self._memory[key]

    def _make_room(self, numbers: int, tilt: Tilt) -> None:
        """Drop the values of other tilts where there would be too many numbers."""
        self._tilted += numbers
        if self._tilted > MOST_REMEMBERED:
            self._memory = {key: value for key, value in self._memory.items() if key[2] in (None, tilt)}
            self._tilted = sum(value.array.size for key, value in self._memory.items() if key[2] == tilt) + numbers

    def sizes(self, found: Found) -> list[int]:
        """The sizes of a quantity's axes: those of its indices, then rows and columns."""
        runs = [self.vocabulary.range(found.quantity.runs[slot], found.layer).size for slot in found.slots]
        return [*runs, *(self.vocabulary.length(space) for space in self.vocabulary.shape(found) or ())]

    def matrix_of(self, found: Found) -> Found:
        """The matrix that a quantity of entries belongs to; any other quantity itself."""
        if not found.quantity.entries:
            return found
        symbol = self.evaluator.parse(str(found.quantity.meaning(found.layer)))
        matrix = self.vocabulary.find(symbol) if isinstance(symbol, Symbol) else None
        assert matrix is not None, found.quantity.template
        return matrix

    def _defined(self, found: Found, tilt: Tilt | None) -> Value:
        quantity = found.quantity
        meaning = quantity.meaning(found.layer)
        implicit = (quantity.implicit,) if quantity.implicit else ()
        shape = self.vocabulary.shape(found)
        if quantity.stacked:
            return self._stacked(found, str(meaning), tilt)
        if not isinstance(meaning, str):
            return Value(as_numbers(meaning), found.slots + implicit, shape)
        ranges = {slot: self.vocabulary.range(quantity.runs[slot], found.layer) for slot in found.slots}
        samples = {letter: self.vocabulary.range("m", 0) for letter in implicit}
        value = self.evaluator.evaluate(self.evaluator.parse(meaning), Scope({**ranges, **samples}, {}, tilt))
        value = value.number() if shape is None and value.is_single else value
        if shape != value.shape:
            raise EquationError(f"{quantity.template} has shape {shape}, its definition {value.shape}")
        runs = {**ranges, **{letter: run for letter, run in samples.items() if letter in value.letters}}
        return ordered(value, tuple(runs), [run.size for run in runs.values()])

    def _stacked(self, found: Found, entry: str, tilt: Tilt | None) -> Value:
        """A column or matrix of its entries."""
        quantity, letters = found.quantity, found.quantity.stacked
        assert quantity.shape is not None
        runs = [self.vocabulary.range(kind, found.layer) for kind in quantity.shape[: len(letters)]]
        ranges = dict(zip(letters, runs, strict=True))
        if quantity.implicit:
            ranges[quantity.implicit] = self.vocabulary.range("m", 0)
        value = ordered(
            self.evaluator.evaluate(self.evaluator.parse(entry), Scope(ranges, {}, tilt)),
            letters,
            [run.size for run in runs],
        )
        array = np.moveaxis(value.array, range(len(letters)), range(-len(letters), 0))
        array = array if len(letters) == 2 else array[..., None]
        return Value(array, value.letters[len(letters) :], self.vocabulary.shape(found))
