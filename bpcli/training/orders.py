"""The order in which each epoch walks through the examples."""

from __future__ import annotations

import numpy as np

from bpcli.nn import IndexArray
from bpcli.streams import stream_of_epoch
from bpcli.training.recipe import Plan


class Orders:
    """The orders of a plan's epochs on so many examples, to the bit those of :meth:`Plan.order`; the last is kept."""

    def __init__(self, plan: Plan, examples: int) -> None:
        self.plan, self.examples = plan, examples
        self._epoch = 0
        self._order: IndexArray = np.arange(examples)

    def of(self, epoch: int) -> IndexArray:
        """The order of an epoch, from 1: a permutation of its own where the plan shuffles, else the file's."""
        if self.plan.shuffle and epoch != self._epoch:
            drawn = stream_of_epoch(self.plan.seed, "shuffle", epoch)
            self._epoch, self._order = epoch, drawn.permutation(self.examples)
        return self._order
