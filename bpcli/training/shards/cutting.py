"""Who has what: a batch's columns cut into shards, shards into the blocks of ranks, units into bands, θ into pieces."""

from __future__ import annotations

from itertools import pairwise

PIECE, USUAL_ARRAYS = 1 << 15, 6
"""Parameters of a piece: so few that they and what an update reads and writes with them, six arrays by Adam, fit into a
core's own cache."""

LINE = 64
"""Bytes of a line of the cache; entries at whose multiples parts of a vector begin, so that they begin with a line."""

LEAST_COLUMNS, LEAST_WORK = 256, 100_000_000
"""Columns of a shard, and its columns times the parameters, below which a batch is not cut unasked.

Products of fewer columns take longer for each of them, every shard writes a gradient of its own, and what a step does
besides its products shows: on one thread, so cut, 784-2048-2048-10 with batches of 512 loses 3 to 5 % in two
shards and 9 % in four.
"""

MOST_USUAL = 16
"""The most shards that a batch is cut into unasked."""


def usual_shards(m: int, parameters: int) -> int:
    """The shards of a batch of m examples, a power of two, by the work alone: no bit may depend on the machine."""
    shards = 1
    while shards < MOST_USUAL and _worth_cutting(m // (2 * shards), parameters):
        shards *= 2
    return shards


def _worth_cutting(columns: int, parameters: int) -> bool:
    return columns >= LEAST_COLUMNS and columns * parameters >= LEAST_WORK


ROWS_REPEATED, LEAST_BAND = 512, 8_000_000
"""Units of a layer for each band after its first, and the least multiplications of a band in a product.

Every product of a band rearranges the matrix that all bands share, which takes BLAS as long as multiplying it by 15 to
35 rows: one thread takes 3 % longer for 784-512-512-10 in two bands, 784-2048-2048-10 in four, 2 % in two. Handing a
band over takes 10 to 30 µs, in which a core makes one to three million multiplications.
"""

MOST_SIDE_BY_SIDE = 4
"""The most bands of all shards together: shards are computed side by side already, and each further band costs."""


def bands(units: int, below: int, m: int, shards: int) -> list[slice]:
    """The units of a layer in bands, a power of two, by the work alone; m are a shard's columns, one of ``shards``."""
    most = min(1 + units // ROWS_REPEATED, units * below * m // LEAST_BAND, MOST_SIDE_BY_SIDE // shards)
    return slices(units, 1 << max(0, most.bit_length() - 1))


def slices(length: int, count: int) -> list[slice]:
    """A length cut into ``count`` slices as even as can be."""
    bounds = [length * k // count for k in range(count + 1)]
    return [slice(start, stop) for start, stop in pairwise(bounds)]


def block_of(rank: int, ranks: int, shards: int) -> range:
    """The shards of a rank: blocks in the order of ranks, as even as can be, empty where there are more ranks.

    The first ranks have one more where there is one more. So no rank has more shards of a short batch, which may have
    fewer of them: each has room for those of a whole one.
    """
    each, more = divmod(shards, ranks)
    start = each * rank + min(rank, more)
    return range(start, start + each + (rank < more))


def aligned_slices(entries: slice, count: int, unit: int = LINE) -> list[slice]:
    """Entries cut into ``count`` slices that begin multiples of a ``unit`` after the first, as even as these allow."""
    units = slices(-(-(entries.stop - entries.start) // unit), count)
    bounds = ((entries.start + one.start * unit, entries.start + one.stop * unit) for one in units)
    return [slice(min(start, entries.stop), min(stop, entries.stop)) for start, stop in bounds]


def pieces(entries: slice, arrays: int = USUAL_ARRAYS) -> list[slice]:
    """Entries of a vector, which is used together with others, ``arrays`` in all, in pieces.

    They are as even as they can be that begin at lines of the cache.
    """
    size = entries.stop - entries.start
    return aligned_slices(entries, max(1, -(-size * arrays // (USUAL_ARRAYS * PIECE))), min(LINE, PIECE))
