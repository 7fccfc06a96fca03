"""Residuals of a regression: sums of them, and the spread of the targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.tallies.judging import Judging
from bpcli.nn.workspace import OutputScratch

TINY = float(np.finfo(np.float32).tiny)
"""What weights are divided by where all are 0: then what is divided is 0."""


class Residuals:
    """Sums of |a − y| and (a − y)², and the mean and squared deviations of y, per output, in training units.

    Mean and squared deviations are merged batch by batch (Chan, Golub & LeVeque
    1983), each batch's computed from differences to its first example, so a large
    mean costs no digits and a constant target has deviations of exactly 0.
    """

    kind: ClassVar[str] = "residuals"
    recorded: ClassVar[bool] = True

    def __init__(self, judging: Judging) -> None:
        self.judging, self.n = judging, judging.n
        self.sums: Array = np.zeros(1 + 4 * self.n)  # examples, then the rows

    @property
    def rows(self) -> Array:
        """(4, n): Σ |e|, Σ e², mean y and Σ (y − mean)² of each output."""
        return self.sums[1:].reshape(4, self.n)

    def row(self, k: int) -> Array:
        """Row k, (n,); of sums with a row for each epoch, (epochs, n)."""
        return self.sums[..., 1 + k * self.n : 1 + (k + 1) * self.n]

    def update(self, A: Array, Y: Array, scratch: OutputScratch, weights: Array | None = None) -> None:
        """Add a batch: A and Y (n, m); ``weights``, (m,), where the examples have any."""
        m = A.shape[1] if weights is None else np.add.reduce(weights)
        seen = self.sums[0]
        absolute, squared, mean, spread = self.rows
        matrix, second, column = scratch.layer.matrix, scratch.second, scratch.column
        np.subtract(A, Y, matrix)
        np.abs(matrix, second)
        _sum_examples(second, weights, column)
        absolute += column
        np.multiply(matrix, matrix, matrix)
        _sum_examples(matrix, weights, column)
        squared += column
        np.copyto(second, Y[:, :1])
        np.subtract(Y, second, second)
        _sum_examples(second, weights, column)
        np.divide(column, m if weights is None else np.maximum(m, TINY), column)
        np.copyto(matrix, column[:, None])
        np.subtract(second, matrix, matrix)
        shift = Y[:, 0] - mean + column
        joint = seen + m if weights is None else np.maximum(seen + m, TINY)
        mean += shift * (m / joint)
        spread += shift**2 * (seen * m / joint)
        np.multiply(matrix, matrix, matrix)
        _sum_examples(matrix, weights, column)
        spread += column
        self.sums[0] += m

    def merge(self, other: Residuals) -> None:
        """Add every batch of ``other``, by the same formula as a batch."""
        m, seen = other.sums[0], self.sums[0]
        if not m:
            return
        absolute, squared, mean, spread = self.rows
        other_absolute, other_squared, other_mean, other_spread = other.rows
        absolute += other_absolute
        squared += other_squared
        shift = other_mean - mean
        mean += shift * (m / (seen + m))
        spread += other_spread + shift**2 * (seen * m / (seen + m))
        self.sums[0] += m

    def tensors(self) -> dict[str, Array]:
        """The arrays to save, by name."""
        return {"sums": self.sums}

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Continue from what :meth:`tensors` returned."""
        self.sums[...] = tensors["sums"]


def _sum_examples(matrix: Array, weights: Array | None, out: Array) -> None:
    """Σ over the examples, (n, m) to (n,), each times its weight."""
    if weights is None:
        np.add.reduce(matrix, axis=1, out=out)
    else:
        matrix.dot(weights[:, None], out[:, None])
