"""Quantiles of a regression: on which side of its target each lies, and how often they cross."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.tallies.judging import Judging
from bpcli.nn.workspace import OutputScratch


class Quantiles:
    """Sums of the pinball loss per output, of quantiles that cross, and of targets between the outermost ones.

    Per target and example: whether any quantile lies below one of a lower level, and whether
    the target lies from the lowest to the highest, these included.
    """

    kind: ClassVar[str] = "quantiles"
    recorded: ClassVar[bool] = False

    def __init__(self, judging: Judging) -> None:
        self.judging, self.levels = judging, judging.levels
        self.sums: Array = np.zeros(3 + judging.n)  # examples, crossing, covered; per output: pinball

    @property
    def targets(self) -> int:
        """How many target columns there are."""
        return self.judging.n // len(self.levels)

    def update(self, A: Array, Y: Array, scratch: OutputScratch, weights: Array | None = None) -> None:
        """Add a batch: A and Y (n, m); ``weights``, (m,), where the examples have any."""
        weighed = np.ones(A.shape[1], A.dtype) if weights is None else weights
        by_level = A.reshape(len(self.levels), self.targets, -1)
        y = Y[: self.targets]
        crossing = (by_level[1:] < by_level[:-1]).any(axis=0)
        covered = (by_level[0] <= y) & (y <= by_level[-1])
        above = np.subtract(A, Y)
        level = np.repeat(np.asarray(self.levels, A.dtype), self.targets)[:, None]
        pinball = np.maximum(above, 0) - level * above
        self.sums[0] += weighed.sum(dtype=np.float64)
        self.sums[1] += (crossing @ weighed.astype(np.float64)).sum()
        self.sums[2] += (covered @ weighed.astype(np.float64)).sum()
        self.sums[3:] += pinball @ weighed

    def merge(self, other: Quantiles) -> None:
        """Add every batch of ``other``."""
        self.sums += other.sums

    def tensors(self) -> dict[str, Array]:
        """The arrays to save, by name."""
        return {"sums": self.sums}

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Continue from what :meth:`tensors` returned."""
        self.sums[...] = tensors["sums"]
