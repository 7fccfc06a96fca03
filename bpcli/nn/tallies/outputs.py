"""Outputs kept as they are, for metrics that need all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.tallies.judging import Judging
from bpcli.nn.workspace import OutputScratch


class Outputs:
    """Every output and target, for metrics that no sum gives, such as the area under a curve."""

    kind: ClassVar[str] = "outputs"
    recorded: ClassVar[bool] = False

    def __init__(self, judging: Judging) -> None:
        self.judging, self.n = judging, judging.n
        self._batches: list[tuple[Array, Array, Array | None]] = []

    @property
    def outputs(self) -> Array:
        """A of all examples, (n, N)."""
        return np.concatenate([A for A, _, _ in self._batches] or [np.empty((self.n, 0))], axis=-1)

    @property
    def targets(self) -> Array:
        """Y of all examples, (N,) class indices or (n, N); (n, 0) before the first batch."""
        return np.concatenate([Y for _, Y, _ in self._batches] or [np.empty((self.n, 0))], axis=-1)

    @property
    def weights(self) -> Array:
        """The weights of all examples, (N,) float64, 1 where they have none."""
        given = [np.ones(A.shape[1]) if w is None else w for A, _, w in self._batches]
        return np.concatenate([np.empty(0), *given])

    def update(self, A: Array, Y: Array, scratch: OutputScratch, weights: Array | None = None) -> None:
        """Add a copy of a batch: A (n, m), Y (m,) class indices or (n, m), and its weights, (m,)."""
        self._batches.append((A.copy(), Y.copy(), None if weights is None else weights.astype(np.float64)))

    def merge(self, other: Outputs) -> None:
        """Add every batch of ``other``, after its own."""
        self._batches += other._batches

    def tensors(self) -> dict[str, Array]:
        """The arrays to save, by name."""
        return {"outputs": self.outputs, "targets": self.targets, "weights": self.weights}

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Continue from what :meth:`tensors` returned."""
        outputs, targets, weights = tensors["outputs"], tensors["targets"], tensors["weights"]
        self._batches = [(outputs, targets, weights)] if outputs.size else []
