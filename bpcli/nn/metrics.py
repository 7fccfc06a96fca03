"""Metrics: how good the outputs are, in the terms people use.

A metric reads its value off a tally (:mod:`bpcli.nn.tallies`). Several metrics
share one, so a batch is looked at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from bpcli.nn import Array
from bpcli.nn.tallies import Decisions, Judgement, Residuals, Tallies, tallies


class Metric(Protocol):
    """A choice of metric; ``higher`` says that more is better, ``counts`` which tally it reads."""

    @property
    def counts(self) -> type[Any]:
        """The kind of tally."""
        ...

    @property
    def higher(self) -> bool:
        """Whether more is better."""
        ...

    def value(self, tally: Any, units: Array) -> float:
        """Read the metric off a tally; ``units``, (n,), is one training unit in the target's own."""
        ...


@dataclass(frozen=True)
class Accuracy:
    """The share of examples decided right; with several labels each, all of them right."""

    higher: ClassVar[bool] = True
    counts: ClassVar[type[Any]] = Decisions

    def value(self, tally: Decisions, units: Array) -> float:
        """Right ÷ examples."""
        return float(tally.sums[1] / tally.sums[0])


@dataclass(frozen=True)
class LabelAccuracy:
    """The share of right decisions over all labels of all examples."""

    higher: ClassVar[bool] = True
    counts: ClassVar[type[Any]] = Decisions

    def value(self, tally: Decisions, units: Array) -> float:
        """Right ÷ (labels · examples)."""
        return float(tally.sums[2] / (tally.sums[0] * tally.n))


@dataclass(frozen=True)
class R2:
    """1 − Σ(a − y)² / Σ(y − ȳ)², averaged over targets: 1 is perfect, 0 no better than the mean.

    A target that does not vary counts 1 where every residual is 0, else 0.
    """

    higher: ClassVar[bool] = True
    counts: ClassVar[type[Any]] = Residuals

    def value(self, tally: Residuals, units: Array) -> float:
        """The coefficient of determination."""
        _, squared, _, spread = tally.sums[1:].reshape(4, tally.n)
        varied = np.where(spread > 0, spread, 1.0)
        constant = np.where(squared > 0, 0.0, 1.0)
        return float(np.mean(np.where(spread > 0, 1.0 - squared / varied, constant)))


@dataclass(frozen=True)
class Rmse:
    """√(mean (a − y)²) in the target's own units, averaged over targets."""

    higher: ClassVar[bool] = False
    counts: ClassVar[type[Any]] = Residuals

    def value(self, tally: Residuals, units: Array) -> float:
        """The root mean squared error."""
        squared = tally.sums[1:].reshape(4, tally.n)[1]
        return float(np.mean(np.sqrt(squared / tally.sums[0]) * units))


@dataclass(frozen=True)
class Mae:
    """mean |a − y| in the target's own units, averaged over targets."""

    higher: ClassVar[bool] = False
    counts: ClassVar[type[Any]] = Residuals

    def value(self, tally: Residuals, units: Array) -> float:
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


def read_metrics(metrics: Mapping[str, Metric], counted: Tallies, units: Array) -> dict[str, float]:
    """Every metric's value; ``units``, (n,), is one training unit in the target's own."""
    return {name: metric.value(counted.of(metric.counts), units) for name, metric in metrics.items()}


def tallies_for(metrics: Mapping[str, Metric], n: int, judgement: Judgement, threshold: float = 0.5) -> Tallies:
    """The empty tallies that these metrics read, for n outputs judged this way."""
    return tallies((metric.counts for metric in metrics.values()), n, judgement, threshold)
