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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bpcli.nn import Array
from bpcli.ranks.beside import beside
from bpcli.ranks.messages import Message, Messages
from bpcli.ranks.values import gather_values
from bpcli.team import SERIAL, Team
from bpcli.training.shards.adding import Addition, Sum, depth_first, nodes_within, within
from bpcli.training.shards.aligned import aligned
from bpcli.training.shards.cutting import LINE, aligned_slices, block_of, pieces
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
        self._cuts = [_parts_of(bucket, self._count) for bucket in buckets or [slice(0, like.size)]]
        self.own = [cuts[self._index] for cuts in self._cuts]
        self._hosts: dict[int, list[int]] = dict(enumerate(gather_values(communicator, host.ranks)))
        self._elsewhere = [rank for rank in range(self._count) if rank not in host.ranks]
        mine = len(block_of(self._index, self._count, shards))
        self.gradients = [aligned(like.size, like.dtype) for _ in range(mine)]
        self._shown = self._make_shown(shards)
        self._room: Array | None = None
        self._collections: dict[tuple[int, int], _Collection] = {}
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
        return self._collection_of(shards, bucket).entries

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
        found = self._collection_of(shards, bucket)
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

    def _collection_of(self, shards: int, bucket: int) -> _Collection:
        key = shards, bucket
        if key not in self._collections:
            self._collections[key] = self._collection(shards, bucket)
        return self._collections[key]

    def _collection(self, shards: int, bucket: int) -> _Collection:
        mine = block_of(self._index, self._count, shards)
        own, nodes = within(shards, mine)
        gradients, shown = (dict(zip(mine, of, strict=False)) for of in (self.gradients, self._shown[self._index]))
        found = _Collection(gradients, {node: shown[node] for node in nodes}, own)
        found.entries.update({node: Entries(gradients[node]) for node in nodes})
        for rank, cut in enumerate(self._cuts[bucket]):
            here = rank in self._host.ranks and rank != self._index
            found.parts.extend(_Part(piece, here) for piece in pieces(cut))
            if here:
                self._see(found, rank, shards)
            elif rank != self._index:
                found.sent.extend(Message(gradients[node][cut], rank, node) for node in nodes)
                self._receive(found, rank, shards, self.own[bucket])
        return found

    def _see(self, found: _Collection, rank: int, shards: int) -> None:
        """Have a rank of this host's nodes among the entries."""
        block = block_of(rank, self._count, shards)
        shown = dict(zip(block, self._shown[rank], strict=False))
        found.entries.update({node: Entries(shown[node]) for node in nodes_within(shards, block)})

    def _receive(self, found: _Collection, rank: int, shards: int, own: slice) -> None:
        """Have another host's rank's nodes among the entries."""
        for node in nodes_within(shards, block_of(rank, self._count, shards)):
            part = np.empty(own.stop - own.start, self._like.dtype)
            found.received.append(Message(part, rank, node))
            found.entries[node] = Entries(part, own.start)


def _parts_of(bucket: slice, count: int) -> list[slice]:
    """The entries of a bucket that each of so many ranks adds up."""
    parts = aligned_slices(bucket.stop - bucket.start, count)
    return [slice(bucket.start + part.start, bucket.start + part.stop) for part in parts]


class _Part(NamedTuple):
    """A piece of the entries, and whether another rank of this host adds them up."""

    piece: slice
    here: bool


@dataclass
class _Collection:
    """How a bucket of batches of some number of shards is collected.

    ``gradients`` are of this rank's shards, ``own`` the additions that it can make by itself; the nodes that these
    leave are ``shown`` to the ranks of this host. ``entries`` are those of every rank's nodes.
    """

    gradients: dict[int, Array]
    shown: dict[int, Array]
    own: list[Addition]
    parts: list[_Part] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    received: list[Message] = field(default_factory=list)
    entries: dict[int, Entries] = field(default_factory=dict)

    def prepare(self, part: _Part) -> None:
        """Add up a part, and show it."""
        piece = part.piece
        for into, of in self.own:
            target = self.gradients[into][piece]
            np.add(target, self.gradients[of][piece], target)
        if part.here:
            for node, vector in self.shown.items():
                np.copyto(vector[piece], self.gradients[node][piece])
