"""The fixed tree in which the gradients of shards are added up, by one process or several.

Neighbours are added in pairs, 0 + 1, 2 + 3, …; an odd one is carried. Then pairs of these, and so on. A node of
the tree is named by its first shard, whose vector it takes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple


class Addition(NamedTuple):
    """The node that begins at shard ``into`` becomes itself plus the node that begins at shard ``of``."""

    into: int
    of: int


def additions(shards: int) -> list[Addition]:
    """All additions of the tree over so many shards, each after those that it needs; the sum is at 0."""
    found, distance = [], 1
    while distance < shards:
        found += [Addition(into, into + distance) for into in range(0, shards - distance, 2 * distance)]
        distance *= 2
    return found


class Sum(NamedTuple):
    """Buffer ``into`` becomes ``left`` plus ``right``, each a shard's number, or a buffer's as −1 − number."""

    left: int
    right: int
    into: int


def depth_first(shards: int) -> list[Sum]:
    """The same tree over several shards with buffers alone written to, as few as it has levels; the sum is in 0."""
    found: list[Sum] = []

    def node(first: int, width: int, buffer: int) -> int:
        if width == 1:
            return first
        half = width // 2
        left = node(first, half, buffer)
        if first + half >= shards:
            return left
        found.append(Sum(left, node(first + half, half, buffer + 1), buffer))
        return -1 - buffer

    node(0, 1 << (shards - 1).bit_length(), 0)
    return found


@dataclass(frozen=True)
class Sharing:
    """The tree as one holder of shards sees it.

    ``own`` are the additions of nodes whose shards are all its own, ``nodes`` what these leave, by first shard;
    ``rest`` are the additions of the whole tree that no holder can do by itself.
    """

    own: list[Addition]
    nodes: list[int]
    rest: list[Addition]


def sharing(shards: int, blocks: Collection[range], mine: range) -> Sharing:
    """The tree over shards that are held in ``blocks``, of which one is ``mine``."""
    ends = {k: k + 1 for k in range(shards)}
    own, rest = [], []
    nodes = set(mine)
    for one in additions(shards):
        ends[one.into] = ends[one.of]
        holder = next(block for block in blocks if one.into in block)
        if ends[one.into] > holder.stop:
            rest.append(one)
        elif holder == mine:
            own.append(one)
            nodes.discard(one.of)
    return Sharing(own, sorted(nodes), rest)
