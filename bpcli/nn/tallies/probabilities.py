"""Probabilities: what they are worth where the truth is known, by their logarithm and by their square."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.tallies.judging import Judging
from bpcli.nn.workspace import OutputScratch


class ProbabilityScores:
    """``sums``, (3,): the examples, Σ of −log p of what is true, and Σ of the squared distances from it.

    A probability is kept ε from 0 and 1, ε being that of the outputs' precision, before its logarithm
    is taken in float64: what scikit-learn's ``log_loss`` does. Of several labels the mean counts.
    The squared distance is Σ (p_k − [k is true])² over the classes, halved where there are two
    (Brier 1950; halved, it is (p − y)² of the second one).
    """

    kind: ClassVar[str] = "probability_scores"
    recorded: ClassVar[bool] = False

    def __init__(self, judging: Judging) -> None:
        self.judging, self.n = judging, judging.n
        self.sums: Array = np.zeros(3)

    def update(self, A: Array, Y: Array, scratch: OutputScratch, weights: Array | None = None) -> None:
        """Add a batch: A (n, m), Y (m,) class indices or (n, m); ``weights``, (m,), where the examples have any."""
        P, epsilon = A.astype(np.float64), float(np.finfo(A.dtype).eps)
        terms = self._of_classes(P, Y, epsilon) if self.judging.scoring == "largest" else _of_labels(P, Y, epsilon)
        w = np.ones(A.shape[1]) if weights is None else weights.astype(np.float64)
        self.sums += [w.sum(), *(one @ w for one in terms)]

    def _of_classes(self, P: Array, Y: Array, epsilon: float) -> tuple[Array, Array]:
        """−log p and the squared distance of each example, (m,), that has one class."""
        true, examples = self.judging.true_classes(Y), np.arange(P.shape[1])
        surprise = -np.log(np.clip(P[true, examples], epsilon, 1 - epsilon))
        P[true, examples] -= 1
        return surprise, (P * P).sum(axis=0) / (2 if self.n == 2 else 1)

    def merge(self, other: ProbabilityScores) -> None:
        """Add every batch of ``other``."""
        self.sums += other.sums

    def tensors(self) -> dict[str, Array]:
        """The arrays to save, by name."""
        return {"sums": self.sums}

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Continue from what :meth:`tensors` returned."""
        self.sums[...] = tensors["sums"]


def _of_labels(P: Array, Y: Array, epsilon: float) -> tuple[Array, Array]:
    """−[y log p + (1 − y) log(1 − p)] and (p − y)² of each example, (m,), averaged over its labels."""
    yes, no = (np.log(np.clip(p, epsilon, 1 - epsilon)) for p in (P, 1 - P))
    surprise = -np.where(Y > 0, Y * yes, 0.0) - np.where(Y < 1, (1 - Y) * no, 0.0)
    return surprise.mean(axis=0), ((P - Y) ** 2).mean(axis=0)
