"""Classes: how many examples each has, is given and gets right, and how far down the true one ranks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from bpcli.nn import Array, IndexArray
from bpcli.nn.tallies.judging import Judging
from bpcli.nn.workspace import OutputScratch


class ClassCounts:
    """Per class or label: decisions that are right, decisions for it, and examples that it has; and all examples.

    A network with one output decides between two classes, each of which is counted.
    """

    kind: ClassVar[str] = "class_counts"
    recorded: ClassVar[bool] = False

    def __init__(self, judging: Judging) -> None:
        self.judging, self.n = judging, judging.n
        self.sums: Array = np.zeros(1 + 3 * (judging.classes or self.n))

    @property
    def examples(self) -> float:
        """The examples."""
        return float(self.sums[0])

    @property
    def rows(self) -> Array:
        """(3, classes): hits, predictions and members of each class."""
        return self.sums[1:].reshape(3, -1)

    def update(self, A: Array, Y: Array, scratch: OutputScratch, weights: Array | None = None) -> None:
        """Add a batch: A (n, m), Y (m,) class indices or (n, m); ``weights``, (m,), where the examples have any."""
        m = A.shape[1]
        w = np.ones(m) if weights is None else weights.astype(np.float64)
        self.sums[0] += w.sum()
        self.rows[...] += self._classes(A, Y, w) if self.judging.classes else self._labels(A, Y, w)

    def _classes(self, A: Array, Y: Array, w: Array) -> Array:
        """Hits, predictions and members, (3, classes), of examples that have one class each."""
        decided, true = self.judging.decided_classes(A), self.judging.true_classes(Y)
        right = decided == true
        pairs = (true[right], w[right]), (decided, w), (true, w)
        return np.stack([np.bincount(classes, own, self.judging.classes) for classes, own in pairs])

    def _labels(self, A: Array, Y: Array, w: Array) -> Array:
        """The same, (3, labels), of examples that have several labels."""
        decided, true = self.judging.threshold < A, self.judging.middle < Y
        return np.stack([(decided & true) @ w, decided @ w, true @ w])

    def merge(self, other: ClassCounts) -> None:
        """Add every batch of ``other``."""
        self.sums += other.sums

    def tensors(self) -> dict[str, Array]:
        """The arrays to save, by name."""
        return {"sums": self.sums}

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Continue from what :meth:`tensors` returned."""
        self.sums[...] = tensors["sums"]


class Ranks:
    """How many examples have r classes with a larger output than their own, r = 0 … n − 1: ``sums``, (n,).

    Of classes with equal outputs the later one counts as larger, as in scikit-learn's ``top_k_accuracy_score``.
    """

    kind: ClassVar[str] = "ranks"
    recorded: ClassVar[bool] = False

    def __init__(self, judging: Judging) -> None:
        self.judging, self.n = judging, judging.n
        self.sums: Array = np.zeros(self.n)

    def update(self, A: Array, Y: Array, scratch: OutputScratch, weights: Array | None = None) -> None:
        """Add a batch: A (n, m), Y (m,) class indices or (n, m); ``weights``, (m,), where the examples have any."""
        w = None if weights is None else weights.astype(np.float64)
        self.sums += np.bincount(ranks(A, self.judging.true_classes(Y)), w, self.n)

    def merge(self, other: Ranks) -> None:
        """Add every batch of ``other``."""
        self.sums += other.sums

    def tensors(self) -> dict[str, Array]:
        """The arrays to save, by name."""
        return {"sums": self.sums}

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Continue from what :meth:`tensors` returned."""
        self.sums[...] = tensors["sums"]


def ranks(A: Array, true: IndexArray) -> IndexArray:
    """How many classes have a larger output than the true one, (m,); of equal ones the later is larger."""
    n, m = A.shape
    own = A[true, np.arange(m)]
    later = np.arange(n)[:, None] > true
    return np.asarray(np.count_nonzero((own < A) | ((own == A) & later), axis=0), np.intp)
