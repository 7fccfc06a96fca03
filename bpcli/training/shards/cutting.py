"""Who has what: a batch's columns cut into shards, shards into the blocks of ranks, θ into pieces."""

from __future__ import annotations

from itertools import pairwise

PIECE = 1 << 15
"""Parameters of a piece: so few that they and what an update rule remembers of them fit into a core's own cache."""


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
