"""Metrics: how good the outputs are, as people report it.

A metric is computed from a tally (:mod:`bpcli.nn.tallies`). Metrics with the same kind
of tally share one, so each batch is tallied once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from bpcli.nn import Array
from bpcli.nn.tallies import Decisions, Residuals, Scoring, Tallies, empty_tallies


class Metric(Protocol):
    """A choice of metric."""

    @property
    def tally_kind(self) -> type[Any]:
        """The kind of tally that it is computed from."""
        ...

    @property
    def higher(self) -> bool:
        """Whether a higher value is better."""
        ...

    def suits(self, scoring: Scoring, n: int) -> bool:
        """Whether it is computed for n outputs that are compared with their targets in this way."""
        ...

    def value(self, tally: Any, units: Array) -> float:
        """The metric of a tally; ``units``, (n,), is the size of one training unit in each target's own units."""
        ...


@dataclass(frozen=True)
class Accuracy:
    """The share of examples decided correctly; of several labels each must be correct."""

    higher: ClassVar[bool] = True
    tally_kind: ClassVar[type[Any]] = Decisions

    def suits(self, scoring: Scoring, n: int) -> bool:
        """For classes and labels."""
        return scoring != "residuals"

    def value(self, tally: Decisions, units: Array) -> float:
        """Correct examples ÷ examples."""
        return float(tally.sums[1] / tally.sums[0])


@dataclass(frozen=True)
class LabelAccuracy:
    """The share of correct decisions over all labels of all examples."""

    higher: ClassVar[bool] = True
    tally_kind: ClassVar[type[Any]] = Decisions

    def suits(self, scoring: Scoring, n: int) -> bool:
        """For several labels; of one it is the accuracy."""
        return scoring == "threshold" and n > 1

    def value(self, tally: Decisions, units: Array) -> float:
        """Correct decisions ÷ (labels · examples)."""
        return float(tally.sums[2] / (tally.sums[0] * tally.n))


@dataclass(frozen=True)
class R2:
    """1 − Σ(a − y)² / Σ(y − ȳ)², averaged over targets: 1 is perfect, 0 no better than the mean.

    A target that does not vary contributes 1 if every residual is 0, else 0.
    """

    higher: ClassVar[bool] = True
    tally_kind: ClassVar[type[Any]] = Residuals

    def suits(self, scoring: Scoring, n: int) -> bool:
        """For a regression."""
        return scoring == "residuals"

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
    tally_kind: ClassVar[type[Any]] = Residuals

    def suits(self, scoring: Scoring, n: int) -> bool:
        """For a regression."""
        return scoring == "residuals"

    def value(self, tally: Residuals, units: Array) -> float:
        """The root mean squared error."""
        squared = tally.sums[1:].reshape(4, tally.n)[1]
        return float(np.mean(np.sqrt(squared / tally.sums[0]) * units))


@dataclass(frozen=True)
class Mae:
    """mean |a − y| in the target's own units, averaged over targets."""

    higher: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = Residuals

    def suits(self, scoring: Scoring, n: int) -> bool:
        """For a regression."""
        return scoring == "residuals"

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
"""The metrics; an experiment has those that suit its targets, in this order."""


def metrics_for(scoring: Scoring, n: int) -> dict[str, Metric]:
    """The metrics that suit n outputs compared with their targets in this way, by name."""
    every = {name: kind() for name, kind in METRICS.items()}
    return {name: metric for name, metric in every.items() if metric.suits(scoring, n)}


def metric_values(metrics: Mapping[str, Metric], tallies: Tallies, units: Array) -> dict[str, float]:
    """Every metric's value; ``units``, (n,), is the size of one training unit in each target's own units."""
    return {name: metric.value(tallies.of(metric.tally_kind), units) for name, metric in metrics.items()}


def tallies_for(metrics: Mapping[str, Metric], n: int, scoring: Scoring, threshold: float = 0.5) -> Tallies:
    """The empty tallies that these metrics are computed from, for n outputs scored this way."""
    return empty_tallies((metric.tally_kind for metric in metrics.values()), n, scoring, threshold)
