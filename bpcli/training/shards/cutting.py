"""Who has what: a batch's columns cut into shards, shards into the blocks of ranks, θ into pieces."""

from __future__ import annotations

from itertools import pairwise

PIECE = 1 << 15
"""Parameters of a piece: so few that they and what an update rule remembers of them fit into a core's own cache."""


LEAST_COLUMNS, LEAST_WORK = 64, 20_000_000
"""Columns of a shard, and its columns times the parameters, below which a cut costs more than a core more gains.

Products of fewer columns are slower for each of them, and what a step does besides its products would show.
"""

USUAL_COLUMNS, MOST_USUAL = 128, 16
"""Columns of a shard from which a batch is cut further, and the most shards that a batch is cut into unasked."""


def usual_shards(m: int, parameters: int) -> int:
    """The shards of a batch of m examples, a power of two, by the work alone: no bit may depend on the machine."""

    def worth(shards: int) -> bool:
        columns = m // shards
        wide = columns >= (LEAST_COLUMNS if shards == 2 else USUAL_COLUMNS)
        return wide and columns * parameters >= LEAST_WORK

    shards = 1
    while shards < MOST_USUAL and worth(2 * shards):
        shards *= 2
    return shards


def slices(length: int, count: int) -> list[slice]:
    """A length cut into ``count`` slices as even as can be."""
    bounds = [length * k // count for k in range(count + 1)]
    return [slice(start, stop) for start, stop in pairwise(bounds)]


def block_of(rank: int, ranks: int, shards: int) -> range:
    """The shards of a rank: blocks in the order of ranks, as even as can be, empty where there are more ranks."""
    return range(shards * rank // ranks, shards * (rank + 1) // ranks)


def pieces(size: int) -> list[slice]:
    """A vector of this size cut into pieces as even as can be."""
    return slices(size, max(1, -(-size // PIECE)))
