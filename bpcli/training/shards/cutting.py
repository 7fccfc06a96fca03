"""Who has what: a batch's columns cut into shards, shards into the blocks of ranks, θ into pieces."""

from __future__ import annotations

from itertools import pairwise

PIECE = 1 << 15
"""Parameters of a piece: so few that they and what an update rule remembers of them fit into a core's own cache."""

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


def slices(length: int, count: int) -> list[slice]:
    """A length cut into ``count`` slices as even as can be."""
    bounds = [length * k // count for k in range(count + 1)]
    return [slice(start, stop) for start, stop in pairwise(bounds)]


def block_of(rank: int, ranks: int, shards: int) -> range:
    """The shards of a rank: blocks in the order of ranks, as even as can be, empty where there are more ranks."""
    return range(shards * rank // ranks, shards * (rank + 1) // ranks)


def aligned_slices(length: int, count: int, unit: int = LINE) -> list[slice]:
    """The same with bounds at multiples of a ``unit``, but the last, and as even as they allow."""
    units = slices(-(-length // unit), count)
    return [slice(min(one.start * unit, length), min(one.stop * unit, length)) for one in units]


def pieces(entries: slice) -> list[slice]:
    """Entries of a vector cut into pieces, as even as they can be that begin at lines of the cache."""
    size = entries.stop - entries.start
    cut = aligned_slices(size, max(1, -(-size // PIECE)), min(LINE, PIECE))
    return [slice(entries.start + piece.start, entries.start + piece.stop) for piece in cut]
