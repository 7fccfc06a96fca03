"""Metrics: how good the outputs are, in the terms people use.

Batches are counted by a *tally*, a few float64 sums that add up over batches of
any sizes and can be saved; a *metric* reads its value off a tally. Several
metrics share one tally, so a batch is looked at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from bpcli.nn import Array
from bpcli.nn.workspace import OutputScratch

Rule = Literal["largest", "threshold"]


class Decisions:
    """Right decisions, counted per example and per output.

    ``rule`` largest: the class with the largest output, the first of several
    equal ones, against Y's class. ``rule`` threshold: every output above 0.5
    against every target above 0.5.
    """

    def __init__(self, n: int, rule: Rule) -> None:
        self.rule = rule
        self.sums: Array = np.zeros(3)  # examples, examples all right, outputs right
        self.n = n

    def fresh(self) -> Decisions:
        """An empty tally of the same kind."""
        return Decisions(self.n, self.rule)

    def update(self, A: Array, Y: Array, scratch: OutputScratch) -> None:
        """Count a batch: A (n, m), Y (m,) class indices or (n, m)."""
        right, labels = self._largest(A, Y, scratch) if self.rule == "largest" else self._threshold(A, Y, scratch)
        self.sums[0] += A.shape[1]
        self.sums[1] += right
        self.sums[2] += labels

    def _largest(self, A: Array, Y: Array, scratch: OutputScratch) -> tuple[Any, Any]:
        # The transposed copy makes argmax run along memory, without a copy of its own.
        decided, right = scratch.index, scratch.flags[0]
        if Y.ndim == 2:
            np.copyto(scratch.turned, Y.T)
            wanted = scratch.wanted
            np.argmax(scratch.turned, axis=1, out=wanted)
        else:
            wanted = Y
        np.copyto(scratch.turned, A.T)
        np.argmax(scratch.turned, axis=1, out=decided)
        np.equal(decided, wanted, right)
        count = np.count_nonzero(right)
        return count, count

    def _threshold(self, A: Array, Y: Array, scratch: OutputScratch) -> tuple[Any, Any]:
        right = scratch.flags
        np.greater(A, 0.5, right)
        np.greater(Y, 0.5, scratch.wanted_flags)
        np.equal(right, scratch.wanted_flags, right)
        labels = np.count_nonzero(right)
        np.logical_and.reduce(right, axis=0, out=scratch.wanted_flags[0])
        return np.count_nonzero(scratch.wanted_flags[0]), labels


class Residuals:
    """Sums of a − y, per output, and the spread of y, in training units.

    The mean of y and its squared deviations are merged batch by batch as in
    Chan, Golub & LeVeque 1983, each batch's taken from its first example, so a
    large mean costs no digits and a constant target has no spread at all.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self.sums: Array = np.zeros(1 + 4 * n)  # examples, then per output: |e|, e², mean y, Σ(y − mean)²

    def fresh(self) -> Residuals:
        """An empty tally of the same kind."""
        return Residuals(self.n)

    def update(self, A: Array, Y: Array, scratch: OutputScratch) -> None:
        """Count a batch: A and Y (n, m)."""
        m, seen = A.shape[1], self.sums[0]
        absolute, squared, mean, spread = self.sums[1:].reshape(4, self.n)
        matrix, second, column = scratch.layer.matrix, scratch.second, scratch.column
        np.subtract(A, Y, matrix)
        np.abs(matrix, second)
        np.add.reduce(second, axis=1, out=column)
        absolute += column
        np.multiply(matrix, matrix, matrix)
        np.add.reduce(matrix, axis=1, out=column)
        squared += column
        np.copyto(second, Y[:, :1])
        np.subtract(Y, second, second)
        np.add.reduce(second, axis=1, out=column)
        np.divide(column, m, column)
        np.copyto(matrix, column[:, None])
        np.subtract(second, matrix, matrix)
        shift = Y[:, 0] - mean + column
        mean += shift * (m / (seen + m))
        spread += shift**2 * (seen * m / (seen + m))
        np.multiply(matrix, matrix, matrix)
        np.add.reduce(matrix, axis=1, out=column)
        spread += column
        self.sums[0] += m


Tally = Decisions | Residuals


class Metric(Protocol):
    """A choice of metric; ``higher`` says that more is better, ``counts`` which tally it reads."""

    @property
    def counts(self) -> type[Tally]:
        """The kind of tally."""
        ...

    @property
    def higher(self) -> bool:
        """Whether more is better."""
        ...

    def value(self, tally: Tally, units: Array) -> float:
        """Read the metric off a tally; ``units``, (n,), is one training unit in the target's own."""
        ...


@dataclass(frozen=True)
class Accuracy:
    """The share of examples decided right; with several labels each, all of them right."""

    higher: ClassVar[bool] = True
    counts: ClassVar[type[Tally]] = Decisions

    def value(self, tally: Tally, units: Array) -> float:
        """Right ÷ examples."""
        return float(tally.sums[1] / tally.sums[0])


@dataclass(frozen=True)
class LabelAccuracy:
    """The share of right decisions over all labels of all examples."""

    higher: ClassVar[bool] = True
    counts: ClassVar[type[Tally]] = Decisions

    def value(self, tally: Tally, units: Array) -> float:
        """Right ÷ (labels · examples)."""
        return float(tally.sums[2] / (tally.sums[0] * tally.n))


@dataclass(frozen=True)
class R2:
    """1 − Σ(a − y)² / Σ(y − ȳ)², averaged over targets: 1 is perfect, 0 no better than the mean.

    A target that does not vary counts 1 where every residual is 0, else 0.
    """

    higher: ClassVar[bool] = True
    counts: ClassVar[type[Tally]] = Residuals

    def value(self, tally: Tally, units: Array) -> float:
        """The coefficient of determination."""
        _, squared, _, spread = tally.sums[1:].reshape(4, tally.n)
        varied = np.where(spread > 0, spread, 1.0)
        constant = np.where(squared > 0, 0.0, 1.0)
        return float(np.mean(np.where(spread > 0, 1.0 - squared / varied, constant)))


@dataclass(frozen=True)
class Rmse:
    """√(mean (a − y)²) in the target's own units, averaged over targets."""

    higher: ClassVar[bool] = False
    counts: ClassVar[type[Tally]] = Residuals

    def value(self, tally: Tally, units: Array) -> float:
        """The root mean squared error."""
        squared = tally.sums[1:].reshape(4, tally.n)[1]
        return float(np.mean(np.sqrt(squared / tally.sums[0]) * units))


@dataclass(frozen=True)
class Mae:
    """mean |a − y| in the target's own units, averaged over targets."""

    higher: ClassVar[bool] = False
    counts: ClassVar[type[Tally]] = Residuals

    def value(self, tally: Tally, units: Array) -> float:
        """The mean absolute error."""
        absolute = tally.sums[1:].reshape(4, tally.n)[0]
        return float(np.mean(absolute / tally.sums[0] * units))


METRICS: dict[str, type[Metric]] = {
    "accuracy": Accuracy,
    "label_accuracy": LabelAccuracy,
    "r2": R2,
    "rmse": Rmse,
    "mae": Mae,
}
