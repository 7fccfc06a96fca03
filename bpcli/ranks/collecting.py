"""What a rank does so that all can add up a bucket of gradients: its own additions, what it shows and sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from bpcli.nn import Array
from bpcli.ranks.messages import Message
from bpcli.training.shards.adding import Addition, nodes_within, within
from bpcli.training.shards.cutting import block_of, pieces
from bpcli.training.shards.ranks import Entries


class Part(NamedTuple):
    """A piece of the entries, and whether another rank of this host adds them up."""

    piece: slice
    here: bool


@dataclass
class Collection:
    """How a bucket of batches of some number of shards is collected.

    ``gradients`` are of this rank's shards, ``own`` the additions that it can make by itself; the nodes that these
    leave are ``shown`` to the ranks of this host. ``entries`` are those of every rank's nodes.
    """

    gradients: dict[int, Array]
    shown: dict[int, Array]
    own: list[Addition]
    parts: list[Part] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    received: list[Message] = field(default_factory=list)
    entries: dict[int, Entries] = field(default_factory=dict)

    def prepare(self, part: Part) -> None:
        """Add up a part, and show it."""
        piece = part.piece
        for into, of in self.own:
            target = self.gradients[into][piece]
            np.add(target, self.gradients[of][piece], target)
        if part.here:
            for node, vector in self.shown.items():
                np.copyto(vector[piece], self.gradients[node][piece])


class Collections:
    """Those of a rank, each made once.

    ``cuts`` are the entries that each rank adds up, of every bucket; ``gradients`` the vectors of this rank's shards;
    ``shown`` those in which each rank of this host shows its nodes.
    """

    def __init__(
        self,
        rank: int,
        cuts: Sequence[Sequence[slice]],
        gradients: Sequence[Array],
        shown: Mapping[int, Sequence[Array]],
        dtype: np.dtype[Any],
    ) -> None:
        self._rank, self._count, self._dtype = rank, len(cuts[0]), dtype
        self._cuts, self._gradients, self._shown = cuts, gradients, shown
        self._known: dict[tuple[int, int], Collection] = {}

    def of(self, shards: int, bucket: int) -> Collection:
        """That of a bucket, for batches of so many shards."""
        key = shards, bucket
        if key not in self._known:
            self._known[key] = self._made(shards, bucket)
        return self._known[key]

    def _made(self, shards: int, bucket: int) -> Collection:
        mine = block_of(self._rank, self._count, shards)
        own, nodes = within(shards, mine)
        gradients, shown = (dict(zip(mine, of, strict=False)) for of in (self._gradients, self._shown[self._rank]))
        found = Collection(gradients, {node: shown[node] for node in nodes}, own)
        found.entries.update({node: Entries(gradients[node]) for node in nodes})
        for rank, cut in enumerate(self._cuts[bucket]):
            here = rank in self._shown and rank != self._rank
            found.parts.extend(Part(piece, here) for piece in pieces(cut))
            if here:
                self._see(found, rank, shards)
            elif rank != self._rank:
                found.sent.extend(Message(gradients[node][cut], rank, node) for node in nodes)
                self._receive(found, rank, shards, self._cuts[bucket][self._rank])
        return found

    def _see(self, found: Collection, rank: int, shards: int) -> None:
        """Have a rank of this host's nodes among the entries."""
        block = block_of(rank, self._count, shards)
        shown = dict(zip(block, self._shown[rank], strict=False))
        found.entries.update({node: Entries(shown[node]) for node in nodes_within(shards, block)})

    def _receive(self, found: Collection, rank: int, shards: int, own: slice) -> None:
        """Have another host's rank's nodes among the entries."""
        for node in nodes_within(shards, block_of(rank, self._count, shards)):
            part = np.empty(own.stop - own.start, self._dtype)
            found.received.append(Message(part, rank, node))
            found.entries[node] = Entries(part, own.start)
