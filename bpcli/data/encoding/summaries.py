"""What a scaling is learned from: ranges, means and deviations of columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from bpcli.data.encoding.selection import NumberBlocks
from bpcli.data.encoding.walks import Extents, Sums, walk
from bpcli.data.files.extents import Extent
from bpcli.nn import Array
from bpcli.readers import ONE_READER, Readers


class Moments(NamedTuple):
    """By column, (n,): the mean, Σ x / N, and the deviation of the population, √(Σ (x − mean)² / N)."""

    mean: Array
    deviation: Array


@dataclass(frozen=True)
class Summary:
    """What a scaling is learned from, by column, (n,) in float64; a missing number counts as its column's ``fill``.

    Where no ``moments`` are known, they take two walks over the rows when they are first asked for.
    """

    numbers: NumberBlocks
    fill: Array
    low: Array
    high: Array
    moments: Moments | None = None
    threads: int = 1

    @property
    def mean(self) -> Array:
        """Σ x / N."""
        return self._moments.mean

    @property
    def deviation(self) -> Array:
        """√(Σ (x − mean)² / N)."""
        return self._moments.deviation

    @cached_property
    def _moments(self) -> Moments:
        return self.moments or moments_of(self.numbers, self.fill, self.threads)


def moments_of(numbers: NumberBlocks, fill: Array, threads: int = 1, readers: Readers = ONE_READER) -> Moments:
    """The moments by two walks over the rows."""
    shape = numbers.shape
    sums = Sums(shape, 1, fill=fill)
    walk(numbers, [sums], threads, readers)
    mean = sums.total / shape[0]
    squares = Sums(shape, 2, mean, fill)
    walk(numbers, [squares], threads, readers)
    return Moments(mean, np.sqrt(squares.total / shape[0]))


def extent(numbers: NumberBlocks, threads: int = 1, readers: Readers = ONE_READER) -> Extent:
    """The extent of all rows, by one walk."""
    found = Extents(numbers.shape[1])
    walk(numbers, [found], threads, readers)
    return found.extent


def summary(
    numbers: NumberBlocks, found: Extent, fill: Array, moments: Moments | None = None, threads: int = 1
) -> Summary:
    """The summary of columns whose extent was found; ``fill``, (n,), replaces missing numbers."""
    low, high = (np.where(np.isnan(bound), fill, bound) for bound in (found.low, found.high))
    return Summary(numbers, fill, low, high, moments, threads)
