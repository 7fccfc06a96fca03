"""Choices: for each example the class that is decided and the true one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from bpcli.nn import Array, IndexArray
from bpcli.nn.tallies.judging import Judging
from bpcli.nn.workspace import OutputScratch


class Choices:
    """The decided class, the true class and the weight of every example: few numbers however many classes there are."""

    kind: ClassVar[str] = "choices"
    recorded: ClassVar[bool] = False

    def __init__(self, judging: Judging) -> None:
        self.judging = judging
        self._batches: list[Array] = []

    @property
    def decided(self) -> IndexArray:
        """The decided classes, (N,)."""
        return np.asarray(self._all[0], np.intp)

    @property
    def true(self) -> IndexArray:
        """The true classes, (N,)."""
        return np.asarray(self._all[1], np.intp)

    def pairs(self) -> list[tuple[int, int, float]]:
        """True class, decided class, and the weight of the examples of which they are, in order of the classes."""
        found, places = np.unique(self._all[[1, 0]], axis=1, return_inverse=True)
        weights = np.bincount(np.ravel(places), self._all[2])
        true, decided = found.astype(np.intp).tolist()
        return list(zip(true, decided, weights.tolist(), strict=True))

    @property
    def _all(self) -> Array:
        """(3, N): decided classes, true classes and weights."""
        return np.concatenate([np.empty((3, 0)), *self._batches], axis=1)

    def update(self, A: Array, Y: Array, scratch: OutputScratch, weights: Array | None = None) -> None:
        """Add a batch: A (n, m), Y (m,) class indices or (n, m); ``weights``, (m,), where the examples have any."""
        batch = np.ones((3, A.shape[1]))
        batch[0], batch[1] = self.judging.decided_classes(A), self.judging.true_classes(Y)
        if weights is not None:
            batch[2] = weights
        self._batches.append(batch)

    def merge(self, other: Choices) -> None:
        """Add every batch of ``other``, after its own."""
        self._batches += other._batches

    def tensors(self) -> dict[str, Array]:
        """The arrays to save, by name."""
        return {"choices": self._all}

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Continue from what :meth:`tensors` returned."""
        self._batches = [tensors["choices"]]
