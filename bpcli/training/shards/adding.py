"""The fixed tree in which the gradients of shards are added up, by one process or several.

Neighbours are added in pairs, 0 + 1, 2 + 3, …; an odd one is carried. Then pairs of these, and so on. A node of
the tree is named by its first shard, whose vector it takes.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    """Buffer ``into`` becomes ``left`` plus ``right``, each a node of the tree, or a buffer's number as −1 − number."""

    left: int
    right: int
    into: int


def depth_first(shards: int, leaves: Mapping[int, int] | None = None) -> list[Sum]:
    """The same tree with buffers alone written to, as few as it has levels; the sum is in 0.

    It begins with ``leaves``, nodes that are there already, each by its first shard with the shard after its last;
    by default these are the shards.
    """
    found: list[Sum] = []

    def node(first: int, width: int, buffer: int) -> int:
        if width == 1 or (leaves is not None and leaves.get(first) == min(first + width, shards)):
            return first
        half = width // 2
        left = node(first, half, buffer)
        if first + half >= shards:
            return left
        found.append(Sum(left, node(first + half, half, buffer + 1), buffer))
        return -1 - buffer

    node(0, 1 << (shards - 1).bit_length(), 0)
    return found


class Within(NamedTuple):
    """The tree within some neighbouring shards: the additions of nodes whose shards are all among them, in order.

    ``nodes`` are what these leave: each by its first shard, with the shard after its last.
    """

    own: list[Addition]
    nodes: dict[int, int]


def within(shards: int, block: range) -> Within:
    """The tree over so many shards within a block of them."""
    nodes = nodes_within(shards, block)
    return Within([one for one in additions(shards) if one.of in block and one.of not in nodes], nodes)


def nodes_within(shards: int, block: range) -> dict[int, int]:
    """The largest nodes whose shards are all in a block: each by its first shard, with the shard after its last."""
    found, first = dict[int, int](), block.start
    while first < block.stop:
        width = 1
        while width < shards and first % (2 * width) == 0 and min(first + 2 * width, shards) <= block.stop:
            width *= 2
        found[first] = min(first + width, shards)
        first = found[first]
    return found
