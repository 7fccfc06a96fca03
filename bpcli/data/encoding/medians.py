"""Medians of a matrix's columns, exact, without sorting or holding them.

A few rows show about where each median lies. A walk over all rows counts what is
below that range and, in it, what falls into each of its parts; where the part with
the median in it holds few numbers, the next walk collects them, where many, it
counts within that part. Ranges are cut by the bits of the numbers: as an unsigned
integer these are in the order of the numbers, once the sign is turned.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpcli.data.encoding.selection import Selection
from bpcli.data.encoding.walks import walk
from bpcli.nn import Array, IndexArray

COUNTERS = 1 << 22
"""Counters, numbers collected, and numbers of the first few rows, in use at a time: 32 MiB at most of each."""

COUNTERS_PER_ROW = 64
"""Counters of a column for each of its rows: with more, few rows take longer to add up than to read again."""

SAMPLE = 1 << 12
"""Rows that show about where the medians lie."""

DEVIATIONS = 4
"""How far to either side of the sample's median, in standard deviations of its rank."""

ONE = np.uint64(1)


def medians(of: Selection, missing: IndexArray, threads: int = 1) -> Array:
    """The median of the numbers that are present, (n,) float64; 0 where there are none."""
    search = MedianSearch(of)
    while not search.over:
        walk(of, [search], threads)
        search.conclude(missing)
    return search.medians


class _Found(NamedTuple):
    """What is in some rows: how many numbers are below each column's range and in it, (n,).

    Of numbers in ranges that are counted in parts the counters, of those that are collected columns and keys.
    """

    below: IndexArray
    inside: IndexArray
    counters: IndexArray
    columns: IndexArray
    keys: Array


class MedianSearch:
    """Finds the medians of columns: walks are to show it all rows, and ``conclude`` comes after each, until it is over.

    A column is open until its median is known; its range is from the key ``low`` to ``high``. ``place`` is its row
    among the counters, −1 where it has none.
    """

    def __init__(self, of: Selection) -> None:
        self.size, n = len(of.rows), len(of.columns)
        self.dtype = _precision(of.matrix.values.dtype)
        self.low, self.high = _about(of, self.dtype)
        self.lower, self.upper = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
        self.open, self.collecting, self.seeking = np.ones(n, bool), np.zeros(n, bool), np.zeros(n, bool)
        self.present = np.zeros(n, np.intp)
        self._begin()

    @property
    def over(self) -> bool:
        """Whether every median is known."""
        return not self.open.any()

    def _begin(self) -> None:
        """Make ready for a walk."""
        n = len(self.low)
        counting = np.flatnonzero(self.open & ~self.collecting & ~self.seeking & (self.low < self.high))
        most = min(COUNTERS // max(len(counting), 1), COUNTERS_PER_ROW * self.size)
        self.bits = max(1, most.bit_length() - 1)
        spans = [int(span).bit_length() for span in self.high - self.low]
        self.shift = np.array([max(0, span - self.bits) for span in spans], np.uint64)
        self.place = np.full(n, -1, np.intp)
        self.place[counting] = np.arange(len(counting))
        self.counts = np.zeros((len(counting), 1 << self.bits), np.intp)
        self.below, self.inside = np.zeros(n, np.intp), np.zeros(n, np.intp)
        self.collected: list[tuple[IndexArray, Array]] = []
        self.above = np.full(int(self.seeking.sum()), np.inf, self.dtype)
        self.bounds = [np.where(self.open, _numbers(keys, self.dtype), np.nan) for keys in (self.low, self.high)]
        self.parted = self.open & ~self.seeking & (self.low < self.high)

    def look(self, values: Array) -> tuple[_Found, Array | None]:
        """What is in some rows; of columns whose next number is sought the lowest above the range."""
        values = np.asarray(values, self.dtype)
        first, last = self.bounds
        inside = values >= first
        inside &= values <= last
        totals = _counted(inside)
        inside &= self.parted
        places = np.flatnonzero(inside)
        columns = places % values.shape[1]
        keys = _keys(values.reshape(-1)[places], self.dtype)
        counting = self.place[columns] >= 0
        of = columns[counting]
        parts = (keys[counting] - self.low[of]) >> self.shift[of]
        counters = (self.place[of] << self.bits) + parts.astype(np.intp)
        found = _Found(_counted(values < first), totals, counters, columns[~counting], keys[~counting])
        return found, _lowest_above(values[:, self.seeking], last[self.seeking]) if self.seeking.any() else None

    def add(self, found: tuple[_Found, Array | None]) -> None:
        """Count and collect it."""
        of, above = found
        self.below += of.below
        self.inside += of.inside
        np.add.at(self.counts.reshape(-1), of.counters, 1)
        if len(of.columns):
            self.collected.append((of.columns, of.keys))
        if above is not None:
            self.above = np.fmin(self.above, above)

    def found(self) -> list[Array]:
        """What was counted and collected; of the counters those that are not 0, and their places."""
        counters = self.counts.reshape(-1)
        used = np.flatnonzero(counters)
        return [self.below, self.inside, used, counters[used], *self._all_collected(), self.above]

    def join(self, found: list[list[Array]]) -> None:
        """Add up what was counted in all processes, and take what was collected: it will be sorted."""
        below, inside, used, counts, columns, keys, above = zip(*found, strict=True)
        self.below, self.inside = sum(below), sum(inside)
        counters = self.counts.reshape(-1)
        counters.fill(0)
        for places, numbers in zip(used, counts, strict=True):
            counters[places] += numbers
        self.collected = list(zip(columns, keys, strict=True))
        self.above = np.fmin.reduce(above)

    def _all_collected(self) -> list[Array]:
        """Columns and keys of all that was collected."""
        if not self.collected:
            return [np.zeros(0, np.intp), np.zeros(0, np.uint64)]
        return [np.concatenate(each) for each in zip(*self.collected, strict=True)]

    def conclude(self, missing: IndexArray) -> None:
        """Close the columns whose median is known after a walk; ``missing`` counts their missing numbers, (n,)."""
        self.present = self.size - missing
        self.open &= self.present > 0
        left = np.maximum(self.present - 1, 0) // 2 - self.below
        even = self.present % 2 == 0
        self.upper[self.seeking] = _keys(self.above, self.dtype)
        self.open &= ~self.seeking
        self.seeking[:] = False
        lost = self.open & ((left < 0) | (left >= self.inside))
        self.low[lost], self.high[lost] = _keys(np.array([-np.inf, np.inf]), self.dtype)
        self.collecting &= ~lost
        known = self.open & ~lost
        self._take_single(known & (self.low == self.high), left, even)
        self._take_collected(known & self.collecting, left, even)
        self._narrow(known & (self.place >= 0), left, even)
        self._begin()

    def _close(self, columns: IndexArray, lower: Array, upper: Array, beyond: Array) -> None:
        """The medians lie between two numbers, of which the upper one is not known where it is ``beyond`` the range."""
        self.lower[columns], self.upper[columns] = lower, upper
        self.seeking[columns] = beyond
        self.open[columns], self.collecting[columns] = beyond, False
        self.low[columns] = self.high[columns] = lower

    def _take_single(self, chosen: Array, left: IndexArray, even: Array) -> None:
        """Columns whose range is one number."""
        columns = np.flatnonzero(chosen)
        beyond = even[columns] & (left[columns] + 1 >= self.inside[columns])
        self._close(columns, self.low[columns], self.low[columns], beyond)

    def _take_collected(self, chosen: Array, left: IndexArray, even: Array) -> None:
        """Columns whose range was collected."""
        columns = np.flatnonzero(chosen)
        if not len(columns):
            return
        of, keys = self._all_collected()
        order = np.lexsort((keys, of))
        keys, starts = keys[order], np.searchsorted(of[order], columns)
        lower = starts + left[columns]
        beyond = even[columns] & (left[columns] + 1 >= self.inside[columns])
        self._close(columns, keys[lower], keys[lower + (even[columns] & ~beyond)], beyond)

    def _narrow(self, chosen: Array, left: IndexArray, even: Array) -> None:
        """Columns whose range was counted in parts: the one or two with the median become the range."""
        columns = np.flatnonzero(chosen)
        if not len(columns):
            return
        upto, left = self.counts[self.place[columns]].cumsum(axis=1), left[columns]
        shift, low, high = self.shift[columns], self.low[columns], self.high[columns]
        wanted = left + even[columns]
        beyond = wanted >= upto[:, -1]
        wanted = np.where(beyond, left, wanted)
        part, end = ((upto > each[:, None]).argmax(axis=1) for each in (left, wanted))
        single = shift == 0
        exact = columns[single]
        starts = [low + (each.astype(np.uint64) << shift) for each in (part, end)]
        self._close(exact, starts[0][single], starts[1][single], beyond[single])
        before = np.where(part > 0, np.take_along_axis(upto, np.maximum(part - 1, 0)[:, None], 1)[:, 0], 0)
        held = np.take_along_axis(upto, end[:, None], 1)[:, 0] - before
        order = held.argsort()
        few = np.empty(len(held), bool)
        few[order] = held[order].cumsum() <= COUNTERS
        few &= ~single
        self.collecting[columns] = few
        last = np.where(few, starts[1], starts[0])
        rest = columns[~single]
        stops = last + np.minimum(high - last, (ONE << shift) - ONE)
        self.low[rest], self.high[rest] = starts[0][~single], stops[~single]

    @property
    def medians(self) -> Array:
        """(n,) float64; 0 where no number is present."""
        lower, upper = (_numbers(keys, self.dtype).astype(np.float64) for keys in (self.lower, self.upper))
        middle = np.where(self.present % 2 == 1, lower, between(lower, upper))
        return np.where(self.present > 0, middle, 0.0)


def between(lower: Array, upper: Array) -> Array:
    """The mean of two numbers, also where their sum is out of range: halves of numbers so large are exact."""
    with np.errstate(over="ignore"):
        total = lower + upper
    mean: Array = np.where(np.isinf(total), lower / 2 + upper / 2, total / 2)
    return mean


def _about(of: Selection, dtype: np.dtype) -> tuple[Array, Array]:
    """The keys between which each median probably lies, both (n,)."""
    n = len(of.columns)
    size = max(1, min(SAMPLE, COUNTERS // n, len(of.rows)))
    places = np.linspace(0, len(of.rows) - 1, size).astype(np.intp)
    few = np.sort(of.at(places).astype(dtype), axis=0)  # missing numbers last
    present = size - np.isnan(few).sum(axis=0)
    reach = 1 + (DEVIATIONS * np.sqrt(present) / 2).astype(np.intp)
    bounds = []
    for place, outside in ((present // 2 - reach, -np.inf), (present // 2 + reach, np.inf)):
        found = np.take_along_axis(few, np.clip(place, 0, size - 1)[None], 0)[0]
        bounds.append(_keys(np.where((place < 0) | (place >= present), outside, found), dtype))
    return bounds[0], bounds[1]


MOST_OF_BYTES, WIDE = 255, 64
"""How far a byte counts; columns from which on counting in bytes is faster."""


def _counted(truths: Array) -> IndexArray:
    """How many are true in each column of (m, n), (n,)."""
    if truths.shape[1] < WIDE:
        few: IndexArray = np.add.reduce(truths, axis=0, dtype=np.intp)
        return few
    total, octets = np.zeros(truths.shape[1], np.intp), truths.view(np.uint8)
    for start in range(0, len(octets), MOST_OF_BYTES):
        total += np.add.reduce(octets[start : start + MOST_OF_BYTES], axis=0, dtype=np.uint8)
    return total


def _lowest_above(values: Array, bounds: Array) -> Array:
    """The lowest number of each column, (m, n), above its bound, (n,); infinite where there is none."""
    lowest: Array = np.where(values > bounds, values, values.dtype.type(np.inf)).min(axis=0)
    return lowest


def _precision(dtype: np.dtype) -> np.dtype:
    """The smaller of float32 and float64 that holds every number of a type, 64-bit integers as they are read."""
    return np.dtype(np.float32 if np.can_cast(dtype, np.float32) else np.float64)


def _keys(values: Array, dtype: np.dtype) -> Array:
    """Unsigned integers in the order of the numbers, one for both zeros."""
    bits = (np.ascontiguousarray(values, dtype) + dtype.type(0)).view(f"u{dtype.itemsize}")
    sign = bits.dtype.type(1 << (8 * dtype.itemsize - 1))
    keys: Array = np.where(bits & sign, ~bits, bits | sign).astype(np.uint64)
    return keys


def _numbers(keys: Array, dtype: np.dtype) -> Array:
    """The numbers of keys."""
    bits = keys.astype(f"u{dtype.itemsize}")
    sign = bits.dtype.type(1 << (8 * dtype.itemsize - 1))
    numbers: Array = np.where(bits & sign, bits ^ sign, ~bits).view(dtype)
    return numbers
