"""Columns of numbers, read some rows at a time: in memory, or chosen from a matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bpcli.data.files.dataset import Matrix
from bpcli.nn import Array, IndexArray


class NumberBlocks(Protocol):
    """N rows of n columns of numbers, NaN where one is missing."""

    @property
    def shape(self) -> tuple[int, int]:
        """(N, n)."""
        ...

    def block(self, start: int, stop: int) -> Array:
        """(stop − start, n) of the rows from ``start`` to ``stop``, of whatever type they lie there."""
        ...

    def done(self, start: int, stop: int) -> None:
        """The rows from ``start`` to ``stop`` have been read for now."""
        ...


@dataclass(frozen=True)
class ArrayBlocks:
    """The numbers of an array, (N, n)."""

    values: Array

    @property
    def shape(self) -> tuple[int, int]:
        """(N, n)."""
        size, n = self.values.shape
        return size, n

    def block(self, start: int, stop: int) -> Array:
        """(stop − start, n) of the rows from ``start`` to ``stop``."""
        return self.values[start:stop]

    def done(self, start: int, stop: int) -> None:
        """Nothing: the array stays in memory."""


@dataclass(frozen=True)
class Selection:
    """Some rows, ascending, and some columns of a matrix."""

    matrix: Matrix
    columns: IndexArray
    rows: IndexArray

    @property
    def shape(self) -> tuple[int, int]:
        """(N, n)."""
        return len(self.rows), len(self.columns)

    def block(self, start: int, stop: int) -> Array:
        """(stop − start, n) of the rows from ``start`` to ``stop``, as the file has them."""
        rows = self.matrix.rows(self.rows[start:stop])
        if (np.diff(self.columns) == 1).all():  # in a row, so there is nothing to copy
            return rows[:, self.columns[0] : self.columns[-1] + 1]
        return rows[:, self.columns]

    def at(self, places: IndexArray) -> Array:
        """(len(places), n) of the rows at these places, as the file has them."""
        chosen: Array = self.matrix.values[self.rows[places]][:, self.columns]
        return chosen

    def done(self, start: int, stop: int) -> None:
        """The memory of the rows from ``start`` to ``stop`` is released where a file has them too."""
        self.matrix.done(int(self.rows[start]), int(self.rows[stop - 1]) + 1)
