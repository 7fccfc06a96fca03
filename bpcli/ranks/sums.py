"""The gradients of shards, added up by all ranks: each rank a part of the entries, in the tree's order.

They do so bucket by bucket of θ. A rank hands out each as soon as its passes are done with it, by a thread beside the
one that computes; the thread also moves messages, since MPI goes on with them only when it is called.

What a rank can add up by itself it does first. Of the nodes of the tree that are left, each other rank gets the entries
that it adds up: one of the same host by a copy in memory that both have in common, one of another as messages. What a
rank has made of its entries, the sum or the updated θ, is written to such memory too, and sent once to each other host.

Memory that one core has read and another writes to is slow to write: before each line is written, the other core has to
give it up. A copy of some pages at once spares that on the processors of today. So arithmetic writes to a rank's own
memory, and what others read is copied: 40 µs instead of 150 to 300 for 335 thousand numbers, measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from bpcli.nn import Array
from bpcli.ranks.beside import beside
from bpcli.ranks.collecting import Collections
from bpcli.ranks.messages import Message, Messages
from bpcli.ranks.values import gather_values
from bpcli.team import SERIAL, Team
from bpcli.training.shards.adding import Sum, depth_first, nodes_within
from bpcli.training.shards.aligned import aligned
from bpcli.training.shards.cutting import LINE, aligned_slices, block_of
from bpcli.training.shards.ranks import Entries

if TYPE_CHECKING:
    from mpi4py import MPI

    from bpcli.ranks.host import Host


class MpiVectors:
    """Vectors of one size on all ranks; each calls the same methods in the same order."""

    def __init__(
        self, communicator: MPI.Comm, host: Host, shards: int, like: Array, buckets: Sequence[slice] = ()
    ) -> None:
        self._host, self._like = host, like
        self._index, self._count = communicator.Get_rank(), communicator.Get_size()
        self._cuts = [aligned_slices(bucket, self._count) for bucket in buckets or [slice(0, like.size)]]
        self.own = [cuts[self._index] for cuts in self._cuts]
        self._hosts: dict[int, list[int]] = dict(enumerate(gather_values(communicator, host.ranks)))
        self._elsewhere = [rank for rank in range(self._count) if rank not in host.ranks]
        mine = len(block_of(self._index, self._count, shards))
        self.gradients = [aligned(like.size, like.dtype) for _ in range(mine)]
        self._collections = Collections(self._index, self._cuts, self.gradients, self._make_shown(shards), like.dtype)
        self._room: Array | None = None
        self._messages = Messages(communicator, len(self._cuts))
        self._handed_out = 0

    def sums(self, shards: int) -> list[Sum]:
        """What is left when every rank has added up what it can by itself."""
        leaves = dict[int, int]()
        for rank in range(self._count):
            leaves |= nodes_within(shards, block_of(rank, self._count, shards))
        return depth_first(shards, leaves)

    def overlap(self, compute: Callable[[], None], shards: int, done: Callable[[int], bool]) -> None:
        """Hand out each bucket as soon as it is done, in a thread beside ``compute``; one alone has nothing beside."""
        if len(self._cuts) == 1:
            compute()
            return

        def go_on() -> bool:
            if self._handed_out < len(self._cuts) and done(self._handed_out):
                self._hand_out(shards, SERIAL)
            else:
                self._messages.move()
            return self._handed_out < len(self._cuts) or not self._messages.all_there()

        beside(compute, go_on)

    def collect(self, shards: int, team: Team, bucket: int) -> Mapping[int, Entries]:
        """Add up what this rank can, hand out the entries of what is left, and wait for the others' of a bucket."""
        while self._handed_out < len(self._cuts):
            self._hand_out(shards, team)
        self._messages.wait_for(bucket)
        if bucket == 0:
            self._host.wait()  # by then the others of this host have handed out all buckets
        return self._collections.of(shards, bucket).entries

    def room(self, out: Array) -> Array:
        """A vector that the host has in common."""
        if self._room is None:
            self._room = self._host.zeros(self._like.size, self._like.dtype)
        return self._room

    def show(self, vector: Array, bucket: int) -> None:
        """Send this rank's own entries to one rank of each other host, and have those come that are for this one."""
        cuts = self._cuts[bucket]
        receivers = {self._receiver(self._index, rank) for rank in self._elsewhere}
        senders = [rank for rank in self._elsewhere if self._receiver(rank, self._index) == self._index]
        sent = [Message(vector[cuts[self._index]], rank) for rank in receivers]
        self._messages.start(bucket, sent, [Message(vector[cuts[rank]], rank) for rank in senders])

    def assemble(self) -> None:
        """Wait until all that is shown has come, to all ranks of this host."""
        self._messages.wait_for_all()
        self._handed_out = 0
        self._host.wait()

    def _receiver(self, sender: int, rank: int) -> int:
        """Who gets a sender's entries on the host of ``rank``."""
        here = self._hosts[rank]
        return here[sender % len(here)]

    def _hand_out(self, shards: int, team: Team) -> None:
        """Hand out the next bucket."""
        bucket = self._handed_out
        found = self._collections.of(shards, bucket)
        team.run(len(found.parts), lambda number, _: found.prepare(found.parts[number]))
        self._messages.start(bucket, found.sent, found.received)
        self._handed_out += 1

    def _make_shown(self, shards: int) -> dict[int, list[Array]]:
        """For each rank of this host, vectors by which it shows others its nodes: at most one for each of its shards.

        What is never written takes no memory.
        """
        size = self._like.size
        room = -(-size // LINE) * LINE
        blocks = {rank: len(block_of(rank, self._count, shards)) for rank in self._host.ranks}
        vectors = iter(self._host.zeros(room * sum(blocks.values()), self._like.dtype).reshape(-1, room)[:, :size])
        return {rank: [next(vectors) for _ in range(number)] for rank, number in blocks.items()}
