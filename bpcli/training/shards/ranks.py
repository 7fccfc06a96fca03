"""What a training knows of other processes that train the same network; alone there are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from bpcli.nn import Array
from bpcli.team import Team
from bpcli.training.shards.adding import Sum, depth_first


class Entries(NamedTuple):
    """Entries of a vector of θ's length: ``array`` begins with entry ``first``."""

    array: Array
    first: int = 0

    def of(self, piece: slice) -> Array:
        """The entries ``piece`` of the vector."""
        return self.array[piece.start - self.first : piece.stop - self.first]


def add_up_piece(sums: Sequence[Sum], nodes: Mapping[int, Entries], buffers: Sequence[Array], piece: slice) -> None:
    """Write the sum of the nodes' entries ``piece`` into the first buffer; the nodes stay as they are."""
    if not sums:
        np.copyto(buffers[0], nodes[0].of(piece))
    for left, right, into in sums:
        one, other = (nodes[side].of(piece) if side >= 0 else buffers[-1 - side] for side in (left, right))
        np.add(one, other, buffers[into])


class Vectors(Protocol):
    """The gradients of shards, vectors of θ's length, which ranks add up together: each rank its ``own`` entries.

    They do so bucket by bucket of θ, of each an even part.
    """

    @property
    def gradients(self) -> list[Array]:
        """A vector for each shard of this rank, in order."""
        ...

    @property
    def own(self) -> list[slice]:
        """The entries whose sums this rank makes, of each bucket."""
        ...

    def sums(self, shards: int) -> list[Sum]:
        """The additions that are left after :meth:`collect` of a batch's shards, which may be fewer than usual."""
        ...

    def overlap(self, compute: Callable[[], None], shards: int, done: Callable[[int], bool]) -> None:
        """Let ``compute`` fill the gradients; ``done(k)`` says meanwhile whether it has filled all of bucket k."""
        ...

    def collect(self, shards: int, team: Team, bucket: int) -> Mapping[int, Entries]:
        """Wait until every rank's gradients of a bucket are there; return the nodes from which its sums begin.

        Buckets are collected in order. They are there until :meth:`assemble`, at least this rank's own entries.
        """
        ...

    def room(self, out: Array) -> Array:
        """A vector that all ranks of this host write their own entries to; ``out`` where there is one rank."""
        ...

    def show(self, vector: Array, bucket: int) -> None:
        """Begin to make a bucket whole of a vector of the kind of :meth:`Ranks.common`: each rank has its own entries.

        By then it has collected the bucket.
        """
        ...

    def assemble(self) -> None:
        """Wait until all buckets that were shown are whole, on every host."""
        ...


class Ranks(Protocol):
    """The processes of a training, numbered from 0: this one is ``index`` of ``count``. All call the same, together."""

    @property
    def index(self) -> int:
        """The number of this process."""
        ...

    @property
    def count(self) -> int:
        """The number of processes."""
        ...

    @property
    def hosts(self) -> int:
        """The number of machines, as far as ranks on them have memory in common."""
        ...

    @property
    def overlaps(self) -> bool:
        """Whether gradients are exchanged while backward goes on."""
        ...

    def vectors(self, shards: int, like: Array, buckets: Sequence[slice] = ()) -> Vectors:
        """Room for the gradients of batches of at most so many shards, like this vector, which may be one of them.

        Without ``buckets``, all entries are one.
        """
        ...

    def common(self, array: Array) -> Array:
        """What is in ``array``, the same on all ranks, in memory that the ranks of a host have in common."""
        ...

    def wait(self) -> None:
        """Wait until all ranks are here that have memory in common with this one."""
        ...

    def share(self, arrays: Sequence[Sequence[Array]]) -> None:
        """Fill every shard's arrays with what the rank that has the shard filled them with.

        One sequence for each shard of the batch, in order, the same shapes on every rank.
        """
        ...

    def lead(self, numbers: Sequence[float]) -> list[float]:
        """The numbers that rank 0 gives."""
        ...

    def agree(self, text: str) -> str:
        """The text of the first rank that has one, at most 64 bytes; empty where none has."""
        ...


class OwnVectors:
    """The gradients of all shards, which are here."""

    def __init__(self, shards: int, like: Array) -> None:
        self.gradients = [like, *(np.zeros_like(like) for _ in range(shards - 1))][:shards]
        self.own = [slice(0, like.size)]
        self._entries = {number: Entries(vector) for number, vector in enumerate(self.gradients)}

    def sums(self, shards: int) -> list[Sum]:
        """The whole tree."""
        return depth_first(shards)

    def overlap(self, compute: Callable[[], None], shards: int, done: Callable[[int], bool]) -> None:
        """Nothing is to be done meanwhile."""
        compute()

    def collect(self, shards: int, team: Team, bucket: int) -> Mapping[int, Entries]:
        """They are there."""
        return self._entries

    def room(self, out: Array) -> Array:
        """Where the sum is wanted."""
        return out

    def show(self, vector: Array, bucket: int) -> None:
        """It is whole."""

    def assemble(self) -> None:
        """Nothing is under way."""


class Alone:
    """No other process."""

    index, count, hosts, overlaps = 0, 1, 1, False

    def vectors(self, shards: int, like: Array, buckets: Sequence[slice] = ()) -> Vectors:
        """All are here."""
        return OwnVectors(shards, like)

    def common(self, array: Array) -> Array:
        """There is nobody else."""
        return array

    def wait(self) -> None:
        """Nobody else is to come."""

    def share(self, arrays: Sequence[Sequence[Array]]) -> None:
        """They are."""

    def lead(self, numbers: Sequence[float]) -> list[float]:
        """Its own."""
        return [*numbers]

    def agree(self, text: str) -> str:
        """Its own."""
        return text


ALONE = Alone()
"""The only process of a training."""
