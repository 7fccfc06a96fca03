"""The exchanges of a training's ranks, over MPI: gradients added up in their order, and what is to be counted.

Every rank ends with the same bits: who adds is shared out, in which order is not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bpcli.nn import Array
from bpcli.training.shards.adding import Addition
from bpcli.training.shards.cutting import block_of, slices

if TYPE_CHECKING:
    from mpi4py import MPI

WORDS = 64
"""The most bytes of a text on which ranks agree."""

ALIGNED = 16
"""Bytes at whose multiples arrays begin that are sent together."""


def gather_values(communicator: MPI.Comm, mine: Any) -> list[Any]:
    """Every rank's value, as JSON has it, in the order of ranks; none goes on before all are there."""
    from mpi4py import MPI

    own = np.frombuffer(json.dumps(mine).encode(), np.uint8)
    sizes = np.zeros(communicator.Get_size(), np.intc)
    communicator.Allgather(np.array([own.size], np.intc), sizes)
    starts = np.cumsum(sizes) - sizes
    every = np.empty(int(sizes.sum()), np.uint8)
    communicator.Allgatherv(own, [every, sizes, starts, MPI.BYTE])
    return [json.loads(every[start : start + size].tobytes()) for start, size in zip(starts, sizes, strict=True)]


class MpiRanks:
    """The ranks of a training; each calls the same methods in the same order."""

    def __init__(self, communicator: MPI.Comm) -> None:
        self._communicator = communicator
        self.index, self.count = communicator.Get_rank(), communicator.Get_size()
        self._sums: dict[tuple[Any, ...], _Sum] = {}
        self._parcels: dict[tuple[Any, ...], _Parcels] = {}

    def total(self, nodes: Mapping[int, Array], rest: Sequence[Addition], out: Array) -> None:
        """Make ``out`` the sum of all shards, (P,), on every rank.

        A rank adds up its share of the entries: it gets them of all nodes, and hands out their sum.
        """
        key = tuple(rest), out.size, out.dtype
        if key not in self._sums:
            self._sums[key] = _Sum(self._communicator, sorted(nodes), rest, out)
        self._sums[key].make(nodes, out)

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


class _Sum:
    """The sum of certain nodes in a certain order, for vectors of one size."""

    def __init__(self, communicator: MPI.Comm, mine: list[int], rest: Sequence[Addition], out: Array) -> None:
        from mpi4py import MPI

        self.communicator, self.rest, self.mine = communicator, rest, mine
        self.kind = MPI.Datatype.fromcode(out.dtype.char)
        index, count = communicator.Get_rank(), communicator.Get_size()
        self.index = index
        owned: list[list[int]] = gather_values(communicator, mine)
        self.cuts = slices(out.size, count)
        length = self.cuts[index].stop - self.cuts[index].start
        self.received = {
            (rank, node): np.empty(length, out.dtype) for rank in range(count) if rank != index for node in owned[rank]
        }
        self.others = [rank for rank in range(count) if rank != index]
        self.counts = [cut.stop - cut.start for cut in self.cuts]
        self.starts = [cut.start for cut in self.cuts]

    def make(self, nodes: Mapping[int, Array], out: Array) -> None:
        """Add up; the nodes' entries that this rank adds up are overwritten."""
        from mpi4py import MPI

        assert sorted(nodes) == self.mine, "the nodes of a tree follow from its shards"
        own = self.cuts[self.index]
        waiting = [self.communicator.Irecv(part, rank, node) for (rank, node), part in self.received.items()]
        for node, vector in nodes.items():
            waiting += [self.communicator.Isend(vector[self.cuts[rank]], rank, node) for rank in self.others]
        MPI.Request.Waitall(waiting)
        parts = {node: vector[own] for node, vector in nodes.items()}
        parts |= {node: part for (_, node), part in self.received.items()}
        for into, of in self.rest[:-1]:
            np.add(parts[into], parts[of], parts[into])
        if self.rest:
            np.add(parts[0], parts[self.rest[-1].of], out[own])
        else:
            np.copyto(out[own], parts[0])
        self.communicator.Allgatherv(MPI.IN_PLACE, [out, self.counts, self.starts, self.kind])


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


def _padded(array: Array) -> int:
    return -(-array.nbytes // ALIGNED) * ALIGNED
