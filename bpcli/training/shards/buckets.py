"""The buckets of θ whose gradients ranks of several hosts add up one after the other, while backward still goes on.

Li et al. 2020, PyTorch Distributed, 3.2.2 and 3.2.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bpcli.nn import Array

LEAST_BYTES = 1 << 20
"""The least bytes of a bucket, but of the last: a message of so many takes long beside the latency that each costs."""


@dataclass(frozen=True)
class Bucket:
    """The entries of some neighbouring layers, of which ``lowest`` is the one whose gradient is computed last."""

    lowest: int
    entries: slice


def buckets_of(layers: Sequence[slice], itemsize: int, *, overlaps: bool) -> list[Bucket]:
    """θ in buckets, in the order in which backward ends with them: the last layers' first, layer 1's last.

    ``layers`` are where layers 1 … L lie in θ. Each bucket has :data:`LEAST_BYTES` bytes or more, but the last. Where
    nothing ``overlaps`` backward, all is one.
    """
    if not overlaps:
        return [Bucket(1, slice(0, layers[-1].stop))]
    found: list[Bucket] = []
    stop = layers[-1].stop
    for l in range(len(layers), 0, -1):
        start = layers[l - 1].start
        if l == 1 or (stop - start) * itemsize >= LEAST_BYTES:
            found.append(Bucket(l, slice(start, stop)))
            stop = start
    return found


class Reports:
    """What passes report of their gradients: ``of_shard`` has an entry for each layer, 1 where its gradient is there.

    A pass reports layers from the last one to the first, once what it has written is there for all threads.
    """

    def __init__(self, shards: int, layers: int) -> None:
        self.of_shard = np.zeros((shards, layers + 1), np.int64)

    def clear(self) -> None:
        """Begin again."""
        self.of_shard[...] = 0

    def done(self, bucket: Bucket, shards: int) -> bool:
        """Whether the first so many shards are done with a bucket."""
        return bool(self.of_shard[:shards, bucket.lowest].all())


Report = Array
"""The reports of one shard: of layer l in entry l."""
