"""The gradients of a batch's shards added up, bucket by bucket: in pieces for an update, or as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from bpcli.nn import Array
from bpcli.team import Team
from bpcli.training.shards.cutting import pieces
from bpcli.training.shards.ranks import Entries, Vectors, add_up_piece


class Summing:
    """Sums of so many shards' gradients, which take ``levels`` buffers."""

    def __init__(self, vectors: Vectors, shards: int, team: Team) -> None:
        self.vectors, self.shards, self.team = vectors, shards, team
        self.levels = max(1, (shards - 1).bit_length())
        self._sums = vectors.sums(shards)
        self._nodes: Mapping[int, Entries] = {}
        self._buffers: list[list[Array]] = []

    def collect(self, bucket: int) -> None:
        """Wait until every process's gradients of a bucket are there."""
        self._nodes = self.vectors.collect(self.shards, self.team, bucket)

    def piece(self, buffers: Sequence[Array], piece: slice) -> None:
        """Write the sum of the shards' entries ``piece`` into the first buffer; the shards' own stay as they are.

        So the sums stay in a core's cache. The entries are of the bucket collected last, and this process's own.
        """
        add_up_piece(self._sums, self._nodes, buffers, piece)

    def whole(self, out: Array) -> None:
        """Write the sum of all shards into ``out``; the first bucket has been collected."""
        vectors = self.vectors
        room, buckets = vectors.room(out), [pieces(own) for own in vectors.own]
        self._buffers = self._buffers or self._make_buffers([piece for of in buckets for piece in of], out)
        for bucket, of in enumerate(buckets):
            if bucket:
                self.collect(bucket)
            self.team.run(len(of), partial(self._add, of, room))
            vectors.show(room, bucket)
        vectors.assemble()
        if room is not out:
            np.copyto(out, room)

    def _add(self, of: list[slice], room: Array, number: int, member: int) -> None:
        piece = of[number]
        buffers = [buffer[: piece.stop - piece.start] for buffer in self._buffers[member]]
        self.piece(buffers, piece)
        np.copyto(room[piece], buffers[0])

    def _make_buffers(self, parts: list[slice], like: Array) -> list[list[Array]]:
        """For each thread those of sums, as long as the longest piece."""
        longest = max(piece.stop - piece.start for piece in parts)
        return [[np.empty(longest, like.dtype) for _ in range(self.levels)] for _ in range(self.team.size)]
