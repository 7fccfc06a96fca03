"""Between a value with named axes and the matrix that a step shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.explaining.evaluation.nodes import EquationError
from bpcli.explaining.evaluation.tensors import WRITTEN_OUT, Range, Shape, Value, written
from bpcli.nn import Array


@dataclass(frozen=True)
class Layout:
    """What a step's left side says of its value: what its indices run over, its shape if it is a matrix.

    ``lengths`` are those of its rows and columns. ``rows`` and ``columns`` are the indices shown along
    them; an index that is neither has one value.
    """

    ranges: Mapping[str, Range]
    rows: str
    columns: str
    shape: Shape | None
    lengths: tuple[int, int] = (1, 1)

    @property
    def letters(self) -> tuple[str, ...]:
        """The left side's indices: of the rows, of the columns, then those of one value."""
        first = [letter for letter in (self.rows, self.columns) if letter in self.ranges]
        return (*first, *(letter for letter in self.ranges if letter not in first))

    def value(self, array: Array) -> Value:
        """What a step shows, with named axes."""
        sizes = [self.ranges[letter].size for letter in self.letters]
        if self.shape is None:
            return Value(np.reshape(array, sizes), self.letters)
        if not self.letters:
            return Value(array, (), self.shape)
        return Value(array.T.reshape(*sizes, -1, 1), self.letters, self.shape)

    def shown(self, value: Value) -> Array:
        """A value as the step's matrix, or number.

        Raises:
            EquationError: it has an index that the left side lacks, or another shape.
        """
        strange = [letter for letter in value.letters if letter not in self.ranges]
        if strange:
            raise EquationError(f"index {', '.join(strange)} is free on the right and not on the left")
        array = self._whole(value)
        if value.shape is None and self.shape is not None and self.letters:
            array = np.broadcast_to(array[..., None, None], (*array.shape, *self.lengths))
        elif value.shape is None or self.shape is None or not self.letters:
            return self._matrix(array, value)
        return np.array(array.reshape(-1, array.shape[-2]).T)

    def _whole(self, value: Value) -> Any:
        """An axis for each index of the left side, in its order, then rows and columns."""
        letters = self.letters
        order = [value.letters.index(letter) for letter in letters if letter in value.letters]
        array = value.array.transpose(order + list(range(len(order), value.array.ndim)))
        array = array[(*(slice(None) if letter in value.letters else None for letter in letters), ...)]
        tail = array.shape[len(letters) :]
        return np.broadcast_to(array, (*(self.ranges[letter].size for letter in letters), *tail))

    def _matrix(self, array: Any, value: Value) -> Array:
        if value.shape is not None and self.shape is None and not value.is_single:
            raise EquationError(f"a matrix {written(value.shape)} is set equal to a number")
        if value.shape is not None and self.shape is not None and not self._fits(value):
            raise EquationError(f"shape {written(value.shape)} is set equal to shape {written(self.shape)}")
        if self.shape is not None and not self.letters:
            return np.array(np.broadcast_to(array, self.lengths))
        if value.is_single:
            array = array[..., 0, 0]
        sizes = [self.ranges[letter].size if letter in self.ranges else 1 for letter in (self.rows, self.columns)]
        if array.size != sizes[0] * sizes[1]:
            return np.asarray(array)
        several = self.rows or self.columns
        return np.asarray(array.reshape(sizes) if several else array.reshape(()))

    def _fits(self, value: Value) -> bool:
        assert value.shape is not None
        assert self.shape is not None
        named = all(WRITTEN_OUT in both or both[0] == both[1] for both in zip(value.shape, self.shape, strict=True))
        return named and value.array.shape[-2:] == tuple(self.lengths)
