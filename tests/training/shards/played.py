"""Processes played by threads of one: their ranks, whose exchanges are copies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.team import Team
from bpcli.training.shards.adding import Sum, depth_first
from bpcli.training.shards.cutting import block_of, slices
from bpcli.training.shards.ranks import Entries, Vectors


class Together:
    """Processes played by threads: what each of them posts, all of them read."""

    def __init__(self, count: int) -> None:
        self.barrier = threading.Barrier(count)
        self.posted: list[Any] = [None] * count

    def exchanged(self, index: int, own: Any) -> list[Any]:
        self.posted[index] = own
        self.barrier.wait(20)
        every = [*self.posted]
        self.barrier.wait(20)
        return every


class PlayedVectors:
    """Vectors of ranks on one host."""

    def __init__(self, ranks: PlayedRanks, shards: int, like: Array) -> None:
        block = block_of(ranks.index, ranks.count, shards)
        self.ranks, self.gradients = ranks, [np.zeros_like(like) for _ in block]
        self.own = [slices(like.size, ranks.count)[ranks.index]]
        self.every = ranks.together.exchanged(ranks.index, self.gradients)

    def sums(self, shards: int) -> list[Sum]:
        return depth_first(shards)

    def overlap(self, compute: Callable[[], None], shards: int, done: Callable[[int], bool]) -> None:
        compute()

    def collect(self, shards: int, team: Team, bucket: int) -> Mapping[int, Entries]:
        self.ranks.wait()
        blocks = [block_of(rank, self.ranks.count, shards) for rank in range(self.ranks.count)]
        found = {
            number: vector
            for block, of in zip(blocks, self.every, strict=True)
            for number, vector in zip(block, of, strict=False)
        }
        return {number: Entries(vector) for number, vector in found.items()}

    def room(self, out: Array) -> Array:
        return self.ranks.together.exchanged(self.ranks.index, np.zeros_like(out))[0]  # type: ignore[no-any-return]

    def show(self, vector: Array, bucket: int) -> None:
        """The others read it where it is."""

    def assemble(self) -> None:
        self.ranks.wait()


class PlayedRanks:
    """One of several ranks on one host, which are ``together``."""

    hosts, overlaps = 1, False

    def __init__(self, index: int, count: int, together: Together) -> None:
        self.index, self.count, self.together = index, count, together

    def vectors(self, shards: int, like: Array, buckets: Sequence[slice] = ()) -> Vectors:
        return PlayedVectors(self, shards, like)

    def common(self, array: Array) -> Array:
        return self.together.exchanged(self.index, array)[0]  # type: ignore[no-any-return]

    def wait(self) -> None:
        self.together.exchanged(self.index, None)

    def share(self, arrays: Sequence[Sequence[Array]]) -> None:
        mine = block_of(self.index, self.count, len(arrays))
        own = {number: [array.copy() for array in arrays[number]] for number in mine}
        for theirs in self.together.exchanged(self.index, own):
            for number, given in theirs.items():
                for array, values in zip(arrays[number], given, strict=True):
                    array[...] = values

    def lead(self, numbers: Sequence[float]) -> list[float]:
        return [*self.together.exchanged(self.index, [*numbers])[0]]

    def agree(self, text: str) -> str:
        assert not text, "nothing ends these trainings early"
        return text
