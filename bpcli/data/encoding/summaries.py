"""What columns hold, learned a few rows at a time: ranges, means and deviations.

A sum splits its rows in halves, and these again, as NumPy's own does (pairwise
summation: Higham 1993, *The accuracy of floating point summation*); only the
smallest pieces are read as they are needed. So the result has the bits of the
sum over a column in memory, and no size of piece changes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bpcli.data.encoding.selection import NumberBlocks
from bpcli.data.files import pages
from bpcli.data.files.pages import blocks
from bpcli.nn import Array, IndexArray

SMALLEST, UNROLLED = 128, 8
"""NumPy halves more numbers than the first, at a multiple of the second."""


@dataclass(frozen=True)
class Extent:
    """By column, (n,): how many numbers are missing; the lowest and highest of the others, NaN where there are none."""

    missing: IndexArray
    low: Array
    high: Array


@dataclass(frozen=True)
class Summary:
    """What a scaling is learned from, by column, (n,) in float64; a missing number counts as its column's ``fill``.

    ``mean`` and ``deviation`` (of the population) take a pass over the rows each, when they are first asked for.
    """

    numbers: NumberBlocks
    fill: Array
    low: Array
    high: Array

    @cached_property
    def mean(self) -> Array:
        """Σ x / N."""
        size = self.numbers.shape[0]
        mean: Array = self._sum(0, size, np.zeros(len(self.fill)), 1) / size
        return mean

    @cached_property
    def deviation(self) -> Array:
        """√(Σ (x − mean)² / N)."""
        size = self.numbers.shape[0]
        deviation: Array = np.sqrt(self._sum(0, size, self.mean, 2) / size)
        return deviation

    def _sum(self, start: int, stop: int, shift: Array, power: int) -> Array:
        """Σ (x − shift)^power over the rows from ``start`` to ``stop``, by column, (n,)."""
        if stop - start > max(SMALLEST, pages.CELLS // max(len(self.fill), 1)):
            half = (stop - start) // 2
            middle = start + half - half % UNROLLED
            return self._sum(start, middle, shift, power) + self._sum(middle, stop, shift, power)
        values = np.array(self.numbers.block(start, stop).T, np.float64, order="C")
        self.numbers.done(start, stop)
        np.copyto(values, self.fill[:, None], where=np.isnan(values))
        np.subtract(values, shift[:, None], values)
        if power == 2:
            np.multiply(values, values, values)
        total: Array = np.add.reduce(values, axis=1)
        return total


def extent(numbers: NumberBlocks) -> Extent:
    """One pass over the rows."""
    size, n = numbers.shape
    missing, low, high = np.zeros(n, np.intp), np.full(n, np.nan), np.full(n, np.nan)
    for start, stop in blocks(size, n):
        values = numbers.block(start, stop)
        if values.dtype.kind == "f":
            missing += np.isnan(values).sum(axis=0)
        low = np.fmin(low, np.fmin.reduce(values, axis=0))
        high = np.fmax(high, np.fmax.reduce(values, axis=0))
        numbers.done(start, stop)
    return Extent(missing, low, high)


def summary(numbers: NumberBlocks, found: Extent, fill: Array) -> Summary:
    """The summary of columns whose extent was found; ``fill``, (n,), replaces missing numbers."""
    low, high = (np.where(np.isnan(bound), fill, bound) for bound in (found.low, found.high))
    return Summary(numbers, fill, low, high)
