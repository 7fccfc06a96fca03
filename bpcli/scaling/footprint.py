"""The memory of a training beside its data, known from the sizes of layers and batches before anything is made."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from bpcli.training.source_passes import EXAMPLES_PER_PASS

PARAMETER_COPIES, MEMORY_COPIES = 4, 2
"""Of the parameters: θ, a gradient, those that are kept, and θ before a stretch of steps, besides further shards'
gradients; of what the rule remembers: itself, and it before that stretch."""

LAYER_ARRAYS = 3
"""Z, A and dZ."""

SHARED_ARRAYS = 6
"""As wide as the widest layer: dA, and what a layer and the output compute with."""


@dataclass(frozen=True)
class Footprint:
    """The numbers that a process holds: of each layer what is as large as its parameters, and what as its activations.

    ``common`` are those of no layer alone: a batch's inputs, and arrays that layers use in turn.
    """

    weights: list[float]
    arrays: list[int]
    common: int

    @property
    def numbers(self) -> float:
        """All of them."""
        return sum(self.weights) + sum(self.arrays) + self.common


def footprint(sizes: tuple[int, ...], columns: int, shards: int, kept: float, examples: int) -> Footprint:
    """What a process holds that computes so many ``shards``, ``columns`` together, of layers of n_0 … n_L units.

    ``kept`` are the numbers that the rule remembers of each parameter; ``examples`` are those of the largest part,
    which is evaluated by passes.
    """
    copies = PARAMETER_COPIES + shards - 1 + MEMORY_COPIES * kept
    columns += min(examples, EXAMPLES_PER_PASS)
    return Footprint(
        weights=[copies * (below + 1) * n for below, n in pairwise(sizes)],
        arrays=[LAYER_ARRAYS * n * columns for n in sizes[1:]],
        common=(sizes[0] + SHARED_ARRAYS * max(sizes[1:])) * columns,
    )
