"""Entries of vectors on their way between ranks, bucket by bucket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from bpcli.nn import Array

if TYPE_CHECKING:
    from mpi4py import MPI

RESULT = -1
"""The node of a message that brings what was made of a sum, not a part of it."""


class Message(NamedTuple):
    """Entries to or from another rank, of a node of the tree of shards."""

    entries: Array
    rank: int
    node: int = RESULT


class Messages:
    """The messages of a step, of so many buckets; one thread at a time calls this.

    Two of one pair of ranks are told apart by their bucket and node. Those of one step come before the next one's.
    """

    def __init__(self, communicator: MPI.Comm, buckets: int) -> None:
        self._communicator, self._buckets = communicator, buckets
        self._arriving: dict[int, list[MPI.Request]] = {}
        self._under_way: list[MPI.Request] = []

    def start(self, bucket: int, sent: Sequence[Message], received: Sequence[Message]) -> None:
        """Begin to send and to receive, of a bucket."""
        arriving = [self._communicator.Irecv(one.entries, one.rank, self._tag(one, bucket)) for one in received]
        sending = [self._communicator.Isend(one.entries, one.rank, self._tag(one, bucket)) for one in sent]
        self._arriving[bucket] = arriving
        self._under_way += [*arriving, *sending]

    def move(self) -> None:
        """Let MPI go on with what is under way, which it does only when it is called."""
        from mpi4py import MPI

        self._under_way = [one for one in self._under_way if one != MPI.REQUEST_NULL and not one.Test()]

    def all_there(self) -> bool:
        """Whether :meth:`move` has found nothing that is under way."""
        return not self._under_way

    def wait_for(self, bucket: int) -> None:
        """Wait for what was last to be received of a bucket."""
        from mpi4py import MPI

        MPI.Request.Waitall(self._arriving[bucket])

    def wait_for_all(self) -> None:
        """Wait for all that is under way."""
        from mpi4py import MPI

        MPI.Request.Waitall(self._under_way)
        self._under_way = []

    def _tag(self, message: Message, bucket: int) -> int:
        return (message.node - RESULT) * self._buckets + bucket
