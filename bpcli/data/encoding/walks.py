"""One walk over the rows of many columns, for all that is to be found in them: ranges, sums, whatever else looks.

A walk takes the rows in the pieces of a pairwise sum: it splits its rows in halves,
and these again, as NumPy's own does (Higham 1993, *The accuracy of floating point
summation*); only the smallest pieces are read as they are needed. So a sum has the
bits of the sum over a column in memory, and no size of piece changes them. Pieces
are looked at side by side, and what is found in them is put together in order.
Several processes may share out the pieces, and exchange what they found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, reduce
from typing import Any, Protocol

import numpy as np

from bpcli.data.encoding.selection import NumberBlocks
from bpcli.data.files import pages
from bpcli.data.files.extents import Extent, extent_of, nothing
from bpcli.nn import Array
from bpcli.readers import ONE_READER, Readers, share_of
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

    def found(self) -> list[Array]:
        """What it has added in this walk."""
        ...

    def join(self, found: list[list[Array]]) -> None:
        """Take, in place of what it has added, what it has in all processes: of each the pieces follow one another."""
        ...


def walk(numbers: NumberBlocks, finders: Sequence[Finder], threads: int = 1, readers: Readers = ONE_READER) -> None:
    """Show every row to the finders, once; each of the ``readers`` shows some of the pieces, and all know of all."""

    def look(piece: tuple[int, int]) -> tuple[tuple[int, int], list[Any]]:
        values = numbers.block(*piece)
        return piece, [finder.look(values) for finder in finders]

    own = share_of(list(pieces(*numbers.shape)), readers.index, readers.count)
    for piece, found in side_by_side(look, own, threads):
        for finder, part in zip(finders, found, strict=True):
            finder.add(part)
        numbers.done(*piece)
    if readers.count > 1:
        _exchange(finders, readers)


def _exchange(finders: Sequence[Finder], readers: Readers) -> None:
    """Let every finder have what it has found in all processes."""
    mine = [finder.found() for finder in finders]
    every = readers.gather([array for arrays in mine for array in arrays])
    start = 0
    for finder, arrays in zip(finders, mine, strict=True):
        stop = start + len(arrays)
        finder.join([theirs[start:stop] for theirs in every])
        start = stop


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

    def found(self) -> list[Array]:
        """How many are missing, the lowest and the highest."""
        return [self.extent.missing, self.extent.low, self.extent.high]

    def join(self, found: list[list[Array]]) -> None:
        """Join the extents of all processes."""
        self.extent = reduce(Extent.joined, [Extent(*arrays) for arrays in found])


class Sums:
    """Finds Σ (x − shift)^power by column, (n,) float64, ``power`` 1 or 2; ``fill`` replaces missing numbers."""

    def __init__(
        self, shape: tuple[int, int], power: int, shift: Array | None = None, fill: Array | None = None
    ) -> None:
        self.shape, self.power, self.shift, self.fill = shape, power, shift, fill
        self._parts: list[Array] = []

    @cached_property
    def total(self) -> Array:
        """The sums, once every row was seen."""
        parts, self._parts = self._parts, []
        return _pairwise(0, self.shape[0], _most(self.shape[1]), iter(parts))

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
        """Keep them: they are added up in the order of the pairwise sum."""
        self._parts.append(found)

    def found(self) -> list[Array]:
        """The sums of each piece, (pieces, n)."""
        return [np.array(self._parts).reshape(-1, self.shape[1])]

    def join(self, found: list[list[Array]]) -> None:
        """Take the sums of all pieces, in order."""
        self._parts = [sums for (parts,) in found for sums in parts]


def _pairwise(start: int, stop: int, most: int, parts: Iterator[Array]) -> Array:
    """The pairwise sum of some rows, from the sums of its smallest pieces, in order."""
    if stop - start <= most:
        return next(parts)
    middle = _middle(start, stop)
    first = _pairwise(start, middle, most, parts)
    return first + _pairwise(middle, stop, most, parts)
