"""What processes exchange that read the same files together, over MPI: arrays of any sizes and types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bpcli.ranks.values import gather_values

if TYPE_CHECKING:
    from mpi4py import MPI

    from bpcli.nn import Array

AT_ONCE = 1 << 28
"""The most bytes that all together send at once: MPI counts them in 32 bits."""


class MpiReaders:
    """The processes of a communicator; each calls the same methods in the same order."""

    def __init__(self, communicator: MPI.Comm) -> None:
        self._communicator = communicator
        self.index, self.count = communicator.Get_rank(), communicator.Get_size()

    def gather(self, arrays: Sequence[Array]) -> list[list[Array]]:
        """The arrays of every process, in their order."""
        own = b"".join(array.tobytes() for array in arrays)
        kinds = gather_values(self._communicator, [[array.dtype.str, array.shape] for array in arrays])
        every = self._bytes(np.frombuffer(own, np.uint8), [sum(map(_size, theirs)) for theirs in kinds])
        return [list(_arrays(theirs, sent)) for theirs, sent in zip(kinds, every, strict=True)]

    def _bytes(self, own: Array, sizes: list[int]) -> list[Array]:
        """The bytes of every process, of so many."""
        from mpi4py import MPI

        every, most = [np.empty(size, np.uint8) for size in sizes], AT_ONCE // self.count
        for start in range(0, max(sizes), most):
            counts = [min(most, max(0, size - start)) for size in sizes]
            starts = [sum(counts[:rank]) for rank in range(self.count)]
            piece = np.empty(sum(counts), np.uint8)
            self._communicator.Allgatherv(own[start : start + most], [piece, counts, starts, MPI.BYTE])
            for whole, count, place in zip(every, counts, starts, strict=True):
                whole[start : start + count] = piece[place : place + count]
        return every


def _size(kind: Sequence[Any]) -> int:
    """The bytes of an array of this type and shape."""
    dtype, shape = kind
    return int(np.dtype(dtype).itemsize * np.prod(shape, dtype=np.int64))


def _arrays(kinds: Sequence[Sequence[Any]], sent: Array) -> Iterator[Array]:
    """The arrays of these types and shapes, one after the other."""
    start = 0
    for dtype, shape in kinds:
        stop = start + _size((dtype, shape))
        yield np.frombuffer(sent[start:stop].tobytes(), dtype).reshape(shape)
        start = stop
