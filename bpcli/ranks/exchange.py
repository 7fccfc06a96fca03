"""The exchanges of a training's ranks, over MPI: gradients to be added up, what is to be counted, and agreements.

Every rank ends with the same bits: who adds is shared out, in which order is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bpcli.nn import Array
from bpcli.ranks.host import Host
from bpcli.ranks.sums import MpiVectors
from bpcli.ranks.values import gather_values
from bpcli.training.shards.cutting import block_of
from bpcli.training.shards.ranks import Vectors

if TYPE_CHECKING:
    from mpi4py import MPI

WORDS = 64
"""The most bytes of a text on which ranks agree."""

OVERLAPPING = 2
"""The hosts from which on the exchange overlaps backward. Ranks of one read gradients in memory, and no core waits."""

ALIGNED = 16
"""Bytes at whose multiples arrays begin that are sent together."""


class MpiRanks:
    """The ranks of a training; each calls the same methods in the same order."""

    def __init__(self, communicator: MPI.Comm) -> None:
        self._communicator, self._host = communicator, Host(communicator)
        self.index, self.count = communicator.Get_rank(), communicator.Get_size()
        self.hosts = len({ranks[0] for ranks in gather_values(communicator, self._host.ranks)})
        self.overlaps = self.hosts >= OVERLAPPING and _several_threads()
        self._parcels: dict[tuple[Any, ...], _Parcels] = {}

    def vectors(self, shards: int, like: Array, buckets: Sequence[slice] = ()) -> Vectors:
        """Room for the gradients of this rank's shards, in memory that its host has in common."""
        return MpiVectors(self._communicator, self._host, shards, like, buckets)

    def common(self, array: Array) -> Array:
        """What is in ``array``, in memory that the host has in common."""
        found = self._host.zeros(array.size, array.dtype)
        if self._host.ranks[0] == self.index:
            np.copyto(found, array)
        self._host.wait()
        return found

    def wait(self) -> None:
        """Wait until all ranks of this host are here."""
        self._host.wait()

    def share(self, arrays: Sequence[Sequence[Array]]) -> None:
        """Fill every shard's arrays with what the rank that has the shard filled them with."""
        key = tuple((array.shape, array.dtype) for of_shard in arrays for array in of_shard)
        if key not in self._parcels:
            self._parcels[key] = _Parcels(self._communicator, arrays)
        self._parcels[key].exchange(arrays)

    def lead(self, numbers: Sequence[float]) -> list[float]:
        """The numbers that rank 0 gives."""
        found = np.array(numbers, np.float64)
        self._communicator.Bcast(found)
        return [float(number) for number in found]

    def agree(self, text: str) -> str:
        """The text of the first rank that has one, at most 64 bytes; empty where none has."""
        every = np.zeros((self.count, WORDS), np.uint8)
        mine = np.frombuffer(text.encode()[:WORDS].ljust(WORDS, b"\0"), np.uint8)
        self._communicator.Allgather(mine, every)
        texts = [row.tobytes().rstrip(b"\0").decode() for row in every]
        return next(filter(None, texts), "")


class _Parcels:
    """What shards leave to be counted, as the bytes of each rank's shards one after the other."""

    def __init__(self, communicator: MPI.Comm, arrays: Sequence[Sequence[Array]]) -> None:
        self.communicator = communicator
        index, count = communicator.Get_rank(), communicator.Get_size()
        blocks = [block_of(rank, count, len(arrays)) for rank in range(count)]
        sizes = [sum(_padded(array) for shard in block for array in arrays[shard]) for block in blocks]
        self.sizes, self.starts = sizes, [sum(sizes[:rank]) for rank in range(count)]
        self.buffer = np.empty(sum(sizes), np.uint8)
        self.own: list[_Parcel] = []
        self.elsewhere: list[_Parcel] = []
        for rank, block in enumerate(blocks):
            start = self.starts[rank]
            for shard in block:
                for place, array in enumerate(arrays[shard]):
                    view = self.buffer[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
                    (self.own if rank == index else self.elsewhere).append(_Parcel(shard, place, view))
                    start += _padded(array)

    def exchange(self, arrays: Sequence[Sequence[Array]]) -> None:
        """Send those of this rank's shards, and take those of all others."""
        from mpi4py import MPI

        for parcel in self.own:
            np.copyto(parcel.view, arrays[parcel.shard][parcel.place])
        self.communicator.Allgatherv(MPI.IN_PLACE, [self.buffer, self.sizes, self.starts, MPI.BYTE])
        for parcel in self.elsewhere:
            np.copyto(arrays[parcel.shard][parcel.place], parcel.view)


@dataclass(frozen=True)
class _Parcel:
    """One array of a shard, and its place in the bytes."""

    shard: int
    place: int
    view: Array


def _several_threads() -> bool:
    """Whether MPI lets several threads call it at once."""
    from mpi4py import MPI

    return MPI.Query_thread() == MPI.THREAD_MULTIPLE


def _padded(array: Array) -> int:
    return -(-array.nbytes // ALIGNED) * ALIGNED
