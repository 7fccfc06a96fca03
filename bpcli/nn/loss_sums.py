"""The accounting of a loss: undivided terms added up over batches, and the one place that divides them.

Training, validation and evaluation add batches of any sizes; sums of parts that
were computed apart can be merged.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.losses import Loss, outputs_divisor, share
from bpcli.nn.workspace import Workspace

LEAST = np.finfo(np.float64).tiny
"""What batches weigh at least, so that a loss of nothing is 0; beside any other weight it is nothing."""


def weight_of(ws: Workspace) -> Any:
    """The weight of the examples in a workspace: m, or Σ of their weights."""
    return ws.m if ws.weights is None else np.add.reduce(ws.weights)


class LossSums:
    """What a loss over n outputs adds up to: ``sums``, (3,) float64.

    Σ of the terms, each times its example's weight; Σ of the weights, which is the
    number of examples where there are none; and Σ of what penalties add, each times
    the share of its batch, so that batches count by their weight.
    """

    def __init__(self, loss: Loss, n: int) -> None:
        self.loss, self.n = loss, n
        self.sums: Array = np.zeros(3)

    def fresh(self) -> LossSums:
        """Empty sums of the same loss."""
        return LossSums(self.loss, self.n)

    def add(self, total: Any, weight: Any) -> None:
        """Count batches: the sum of their terms, and their weight; examples that weigh 0 have been seen too."""
        self.sums[0] += total
        self.sums[1] += np.maximum(weight, LEAST)

    def add_penalty(self, penalty: Any, weight: Any) -> None:
        """Count what is added to the loss of a batch of this weight."""
        self.sums[2] += penalty * share(self.loss, weight)

    def clear(self) -> None:
        """Forget every batch."""
        self.sums.fill(0)

    def merge(self, other: LossSums) -> None:
        """Count what ``other`` counted."""
        self.sums += other.sums

    def value(self) -> float:
        """The loss: divided as its reductions say; NaN before the first example."""
        total, weight, penalty = self.sums.tolist()
        return float(self._divided(total, weight, penalty)) if weight else float("nan")

    def values(self, sums: Array) -> Array:
        """The losses of several sums, (epochs, 3), none of them empty, to the bit as of each alone: (epochs,)."""
        with np.errstate(all="ignore"):
            return np.asarray(self._divided(*sums.T))

    def _divided(self, total: Any, weight: Any, penalty: Any) -> Any:
        divisor = share(self.loss, weight)
        return total / (divisor * outputs_divisor(self.loss, self.n)) + penalty / divisor
