"""A training as the model sees it: widths, batches, and how long it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from bpcli.scaling.footprint import footprint


@dataclass(frozen=True)
class Job:
    """A training of layers of n_0 … n_L units, ``sizes``, by batches that are cut into ``shards``.

    ``kept`` are the numbers that the rule remembers for each parameter, ``validation`` the examples on which each
    epoch ends, ``itemsize`` the bytes of a number. ``compiled`` says that a layer
    takes no calls of its own. ``drawn`` are the random numbers for each example, by kind of noise, and ``limited``
    the weights that each update keeps from growing beyond a length. ``elementwise`` says that the rule may change some
    entries of θ without the others.
    """

    sizes: tuple[int, ...]
    batch_size: int
    shards: int
    examples: int
    epochs: int
    kept: float = 0
    validation: int = 0
    itemsize: int = 4
    compiled: bool = False
    drawn: Mapping[str, int] = field(default_factory=dict)
    limited: int = 0
    elementwise: bool = True

    @property
    def layers(self) -> list[slice]:
        """Where the weights and biases of layers 1 … L lie in θ."""
        ends = accumulate(((below + 1) * units for below, units in pairwise(self.sizes)), initial=0)
        return [slice(*bounds) for bounds in pairwise(ends)]

    @property
    def parameters(self) -> int:
        """P, the number of weights and biases."""
        return int(self.layers[-1].stop)

    @property
    def updates(self) -> int:
        """Updates in an epoch."""
        return -(-self.examples // self.batch_size)

    @property
    def in_one_kernel(self) -> bool:
        """Whether a whole step, the update too, is compiled as one; of a batch in shards only the gradients are."""
        return self.compiled and self.shards == 1

    @property
    def columns(self) -> int:
        """The examples of the largest shard."""
        return -(-self.batch_size // self.shards)

    def shards_of_a_rank(self, ranks: int) -> int:
        """The shards of the rank that has most."""
        return -(-self.shards // ranks)

    def bytes_of_a_rank(self, ranks: int) -> float:
        """The memory of the rank that has most shards, beside the data."""
        own = self.shards_of_a_rank(ranks)
        examples = max(self.examples, self.validation)
        return self.itemsize * footprint(self.sizes, own * self.columns, own, self.kept, examples).numbers
