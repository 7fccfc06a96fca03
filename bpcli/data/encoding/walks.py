"""One walk over the rows of many columns, for all that is to be found in them: ranges, sums, whatever else looks.

A walk takes the rows in the pieces of a pairwise sum: it splits its rows in halves,
and these again, as NumPy's own does (Higham 1993, *The accuracy of floating point
summation*); only the smallest pieces are read as they are needed. So a sum has the
bits of the sum over a column in memory, and no size of piece changes them. Pieces
are looked at side by side, and what is found in them is put together in order.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from bpcli.data.encoding.selection import NumberBlocks
from bpcli.data.files import pages
from bpcli.data.files.extents import Extent, extent_of, nothing
from bpcli.nn import Array
from bpcli.side_by_side import side_by_side

SMALLEST, UNROLLED = 128, 8
"""NumPy halves more numbers than the first, at a multiple of the second."""


class Finder(Protocol):
    """What looks at every piece of a walk."""

    def look(self, values: Array) -> Any:
        """What it finds in some rows, (m, n) of whatever type they have; on any thread."""
        ...

    def add(self, found: Any) -> None:
        """Add what it found in the next piece."""
        ...


def walk(numbers: NumberBlocks, finders: Sequence[Finder], threads: int = 1) -> None:
    """Show every row to the finders, once."""

    def look(piece: tuple[int, int]) -> tuple[tuple[int, int], list[Any]]:
        values = numbers.block(*piece)
        return piece, [finder.look(values) for finder in finders]

    size, n = numbers.shape
    for piece, found in side_by_side(look, pieces(size, n), threads):
        for finder, part in zip(finders, found, strict=True):
            finder.add(part)
        numbers.done(*piece)


def pieces(size: int, n: int) -> Iterator[tuple[int, int]]:
    """The smallest pieces of a pairwise sum over rows of n numbers, in order."""
    waiting, most = [(0, size)], _most(n)
    while waiting:
        start, stop = waiting.pop()
        if stop - start > most:
            middle = _middle(start, stop)
            waiting += [(middle, stop), (start, middle)]
        else:
            yield start, stop


def _most(n: int) -> int:
    """Rows of n numbers that are read at a time at most."""
    return max(SMALLEST, pages.CELLS // max(n, 1))


def _middle(start: int, stop: int) -> int:
    half = (stop - start) // 2
    return start + half - half % UNROLLED


class Extents:
    """Finds the extent of n columns."""

    def __init__(self, n: int) -> None:
        self.extent = nothing(n)

    def look(self, values: Array) -> Extent:
        """The extent of some rows."""
        return extent_of(values)

    def add(self, found: Extent) -> None:
        """Join it."""
        self.extent = self.extent.joined(found)


class Sums:
    """Finds Σ (x − shift)^power by column, (n,) float64, ``power`` 1 or 2; ``fill`` replaces missing numbers."""

    def __init__(
        self, shape: tuple[int, int], power: int, shift: Array | None = None, fill: Array | None = None
    ) -> None:
        self.power, self.shift, self.fill = power, shift, fill
        self._total: Array | None = None
        self._sum = _pairwise(0, shape[0], _most(shape[1]))
        next(self._sum)

    @property
    def total(self) -> Array:
        """The sums, once every row was seen."""
        assert self._total is not None, "the walk is not over"
        return self._total

    def look(self, values: Array) -> Array:
        """The sums of some rows."""
        numbers = np.array(values.T, np.float64, order="C")
        if self.fill is not None:
            np.copyto(numbers, self.fill[:, None], where=np.isnan(numbers))
        if self.shift is not None:
            np.subtract(numbers, self.shift[:, None], numbers)
        if self.power == 2:
            np.multiply(numbers, numbers, numbers)
        total: Array = np.add.reduce(numbers, axis=1)
        return total

    def add(self, found: Array) -> None:
        """Add them up in their place."""
        try:
            self._sum.send(found)
        except StopIteration as ended:
            self._total = ended.value


def _pairwise(start: int, stop: int, most: int) -> Generator[None, Array, Array]:
    """A pairwise sum that is sent the sums of its smallest pieces, in order, and returns that of all rows."""
    if stop - start <= most:
        return (yield)
    middle = _middle(start, stop)
    first = yield from _pairwise(start, middle, most)
    second = yield from _pairwise(middle, stop, most)
    return first + second
