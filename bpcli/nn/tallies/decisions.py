"""Decisions: how many are correct."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.tallies.judging import Judging
from bpcli.nn.workspace import OutputScratch


class Decisions:
    """Correct decisions, counted per example and per output.

    With ``scoring`` largest, an example's decision is the class with the largest
    output, the first of several equal ones, and is compared with Y's class. With
    ``scoring`` threshold, each output is a decision: whether it is above
    ``threshold``, compared with whether its target is above ``middle``.
    """

    kind: ClassVar[str] = "decisions"
    recorded: ClassVar[bool] = True

    def __init__(self, judging: Judging) -> None:
        self.judging, self.n = judging, judging.n
        self.sums: Array = np.zeros(3)  # examples, examples with every decision correct, correct outputs

    def update(self, A: Array, Y: Array, scratch: OutputScratch, weights: Array | None = None) -> None:
        """Add a batch: A (n, m), Y (m,) class indices or (n, m); ``weights``, (m,), where the examples have any."""
        count = self._by_largest if self.judging.scoring == "largest" else self._by_threshold
        examples, outputs = count(A, Y, scratch, weights)
        self.sums[0] += A.shape[1] if weights is None else np.add.reduce(weights)
        self.sums[1] += examples
        self.sums[2] += outputs

    def _by_largest(self, A: Array, Y: Array, scratch: OutputScratch, weights: Array | None) -> tuple[Any, Any]:
        # The transposed copy lets argmax run along memory; else NumPy copies the array itself.
        decided, correct = scratch.index, scratch.flags[0]
        if Y.ndim == 2:
            np.copyto(scratch.turned, Y.T)
            true_classes = scratch.wanted
            scratch.turned.argmax(axis=1, out=true_classes)
        else:
            true_classes = Y
        np.copyto(scratch.turned, A.T)
        scratch.turned.argmax(axis=1, out=decided)
        np.equal(decided, true_classes, correct)
        examples = _count(correct, weights, scratch)
        return examples, examples

    def _by_threshold(self, A: Array, Y: Array, scratch: OutputScratch, weights: Array | None) -> tuple[Any, Any]:
        correct, targets = scratch.flags, scratch.target_flags
        np.greater(A, self.judging.threshold, correct)
        np.greater(Y, self.judging.middle, targets)
        np.equal(correct, targets, correct)
        outputs = np.count_nonzero(correct) if weights is None else _weigh_outputs(correct, weights, scratch)
        all_correct = scratch.target_flags[0]
        np.logical_and.reduce(correct, axis=0, out=all_correct)
        return _count(all_correct, weights, scratch), outputs

    def merge(self, other: Decisions) -> None:
        """Add every batch of ``other``."""
        self.sums += other.sums

    def tensors(self) -> dict[str, Array]:
        """The arrays to save, by name."""
        return {"sums": self.sums}

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Continue from what :meth:`tensors` returned."""
        self.sums[...] = tensors["sums"]


def _count(correct: Array, weights: Array | None, scratch: OutputScratch) -> Any:
    """How many examples of ``correct``, (m,), are; or what they weigh."""
    if weights is None:
        return np.count_nonzero(correct)
    np.copyto(scratch.picked, correct)
    return scratch.picked.dot(weights)


def _weigh_outputs(correct: Array, weights: Array, scratch: OutputScratch) -> Any:
    """What the outputs of ``correct``, (n, m), weigh: each as much as its example."""
    np.copyto(scratch.second, correct)
    scratch.second.dot(weights[:, None], scratch.column[:, None])
    return np.add.reduce(scratch.column)
