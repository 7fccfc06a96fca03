"""Errors of a regression by their sign, their share of the target, and their spread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.tallies.judging import Judging
from bpcli.nn.workspace import OutputScratch

EPSILON = float(np.finfo(np.float64).eps)
"""The least |y| that an error is divided by: scikit-learn's."""


class ErrorParts:
    """What :class:`~bpcli.nn.tallies.residuals.Residuals` leaves out, per output and in float64.

    ``sums`` has the examples, then per output: Σ of y − a where it is positive; Σ of a − y
    where that is; Σ |a − y| / |y| in the target's own units; mean and squared deviations of
    y − a, then those of y, merged batch by batch (Chan, Golub & LeVeque 1983).
    """

    kind: ClassVar[str] = "error_parts"
    recorded: ClassVar[bool] = False

    def __init__(self, judging: Judging) -> None:
        self.judging, self.n = judging, judging.n
        self.sums: Array = np.zeros(1 + 7 * self.n)

    @property
    def rows(self) -> Array:
        """(7, n): the numbers of each output."""
        return self.sums[1:].reshape(7, self.n)

    def update(self, A: Array, Y: Array, scratch: OutputScratch, weights: Array | None = None) -> None:
        """Add a batch: A and Y (n, m); ``weights``, (m,), where the examples have any."""
        w = np.ones(A.shape[1]) if weights is None else weights.astype(np.float64)
        if not w.any():
            return
        batch = ErrorParts(self.judging)
        Y = Y.astype(np.float64)
        E = Y - A
        units = np.broadcast_to(self.judging.units, self.n)[:, None]
        own = Y * units + np.broadcast_to(self.judging.origins, self.n)[:, None]
        batch.sums[0] = w.sum()
        batch.rows[0] = np.maximum(E, 0) @ w
        batch.rows[1] = np.maximum(-E, 0) @ w
        batch.rows[2] = (np.abs(E) * units / np.maximum(np.abs(own), EPSILON)) @ w
        batch.rows[3:5], batch.rows[5:7] = _moments(E, w), _moments(Y, w)
        self.merge(batch)

    def merge(self, other: ErrorParts) -> None:
        """Add every batch of ``other``."""
        m, seen = other.sums[0], self.sums[0]
        if not m:
            return
        self.rows[:3] += other.rows[:3]
        for moments in (slice(3, 5), slice(5, 7)):
            _merge_moments(self.rows[moments], other.rows[moments], seen, m)
        self.sums[0] += m

    def tensors(self) -> dict[str, Array]:
        """The arrays to save, by name."""
        return {"sums": self.sums}

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Continue from what :meth:`tensors` returned."""
        self.sums[...] = tensors["sums"]


def _merge_moments(own: Array, other: Array, seen: float, m: float) -> None:
    """Merge means and squared deviations, (2, n), of examples that weigh m into those of examples that weigh seen."""
    shift = other[0] - own[0]
    own[0] += shift * (m / (seen + m))
    own[1] += other[1] + shift**2 * (seen * m / (seen + m))


def _moments(values: Array, w: Array) -> tuple[Array, Array]:
    """Mean and squared deviations of each row, from differences to its first entry, so equal ones give exactly 0."""
    shifted = values - values[:, :1]
    mean = shifted @ w / w.sum()
    return values[:, 0] + mean, (shifted - mean[:, None]) ** 2 @ w
