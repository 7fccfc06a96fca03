"""Medians of a matrix's columns, exact, without sorting or holding them.

A few rows show about where each median lies. A pass over all rows counts what is
below that range and, in it, what falls into each of its parts; the part with the
median in it is the next pass's range, until it is a single number. Ranges are cut
by the bits of the numbers: as an unsigned integer these are in the order of the
numbers, once the sign is turned.
"""

from __future__ import annotations

import numpy as np

from bpcli.data.encoding.selection import Selection
from bpcli.data.files.pages import blocks
from bpcli.nn import Array, IndexArray

COUNTERS = 1 << 22
"""Counters, and numbers of the first few rows, in use at a time: 32 MiB at most."""

COUNTERS_PER_ROW = 64
"""Counters of a column for each of its rows: with more, few rows take longer to add up than to read again."""

SAMPLE = 1 << 12
"""Rows that show about where the medians lie."""

DEVIATIONS = 4
"""How far to either side of the sample's median, in standard deviations of its rank."""


def medians(of: Selection, missing: IndexArray) -> Array:
    """The median of the numbers that are present, (n,) float64; 0 where there are none."""
    n = len(of.columns)
    dtype = _precision(of.matrix.values.dtype)
    bits = max(1, min(COUNTERS // n, COUNTERS_PER_ROW * len(of.rows)).bit_length() - 1)
    present = len(of.rows) - missing
    rank = np.maximum(present - 1, 0) // 2
    low, high = _about(of, dtype)
    low[present == 0] = high[present == 0] = _keys(np.zeros(1), dtype)[0]
    while True:
        shift = np.array([max(0, int(span).bit_length() - bits) for span in high - low], np.uint64)
        below, counts = _count(of, dtype, low, high, shift, bits)
        upto = counts.cumsum(axis=1)
        left = rank - below
        lost = (present > 0) & ((left < 0) | (left >= upto[:, -1]))
        part = (upto > left[:, None]).argmax(axis=1)[:, None]
        ties = np.take_along_axis(counts, part, 1)[:, 0]
        left -= np.take_along_axis(upto, part, 1)[:, 0] - ties
        low += part[:, 0].astype(np.uint64) << shift
        high = low + np.minimum(high - low, (np.uint64(1) << shift) - np.uint64(1))
        low[lost], high[lost] = _keys(np.array([-np.inf, np.inf]), dtype)  # the few rows misled
        if not (lost | (low < high)).any():
            break
    upper = low.copy()
    beyond = (present > 0) & (present % 2 == 0) & (left + 1 >= ties)
    if beyond.any():
        upper[beyond] = _next(of, dtype, low)[beyond]
    with np.errstate(over="ignore"):
        lower, higher = (_numbers(keys, dtype).astype(np.float64) for keys in (low, upper))
        middle = np.where(present % 2 == 1, lower, (lower + higher) / 2)  # a single number has no sum to overflow
    return np.where(present > 0, middle, 0.0)


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


def _count(
    of: Selection, dtype: np.dtype, low: Array, high: Array, shift: Array, bits: int
) -> tuple[IndexArray, IndexArray]:
    """How many numbers lie below ``low``, (n,), and in each 2^shift keys from there to ``high``, (n, 2^bits)."""
    n = len(of.columns)
    below, counts = np.zeros(n, np.intp), np.zeros((n, 1 << bits), np.intp)
    first, last = _numbers(low, dtype), _numbers(high, dtype)
    for start, stop in blocks(len(of.rows), n):
        values = np.asarray(of.block(start, stop), dtype)
        of.done(start, stop)
        below += np.add.reduce(values < first, axis=0, dtype=np.int32)
        inside = np.flatnonzero((values >= first) & (values <= last))
        column = inside % n
        part = (_keys(values.reshape(-1)[inside], dtype) - low[column]) >> shift[column]
        np.add.at(counts, (column, part.astype(np.intp)), 1)
    return below, counts


def _next(of: Selection, dtype: np.dtype, found: Array) -> Array:
    """The key of the lowest number above ``found`` in each column, (n,)."""
    number = _numbers(found, dtype)
    lowest = np.full(len(found), np.inf, dtype)
    for start, stop in blocks(len(of.rows), len(found)):
        values = np.asarray(of.block(start, stop), dtype)
        of.done(start, stop)
        lowest = np.fmin(lowest, np.where(values > number, values, dtype.type(np.inf)).min(axis=0))
    return _keys(lowest, dtype)


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
