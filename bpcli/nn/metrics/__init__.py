"""Metrics: how good the outputs are, as people report it.

A metric is computed from a tally (:mod:`bpcli.nn.tallies`). Metrics with the same kind
of tally share one, so each batch is tallied once. The modules hold them by what they
are computed from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np

from bpcli.choices import name_of, settings_of
from bpcli.nn.metrics.classes import F1, BalancedAccuracy, MatthewsCorrelation, Precision, Recall, TopK
from bpcli.nn.metrics.decisions import Accuracy, LabelAccuracy
from bpcli.nn.metrics.probabilities import Brier, ExpectedCalibrationError, LogLoss
from bpcli.nn.metrics.quantiles import Coverage, Crossing, MeanPinball
from bpcli.nn.metrics.residuals import (
    R2,
    ExplainedVariance,
    Mae,
    Mape,
    MedianAbsoluteError,
    Mse,
    Pinball,
    Rmse,
)
from bpcli.nn.metrics.scores import AveragePrecision, RocAuc
from bpcli.nn.tallies import Judging, Tallies, by_epoch, empty_tallies, takes_epochs


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

    @property
    def usual(self) -> bool:
        """Whether it is computed where a config picks no metrics."""
        ...

    def suits(self, judging: Judging) -> bool:
        """Whether it is computed for outputs that are compared with their targets in this way."""
        ...

    def value(self, tally: Any) -> Any:
        """The metric of a tally, a number in the targets' own units; NaN where it is not defined."""
        ...


METRICS: dict[str, type[Metric]] = {
    "accuracy": Accuracy,
    "label_accuracy": LabelAccuracy,
    "r2": R2,
    "rmse": Rmse,
    "mae": Mae,
    "mean_pinball": MeanPinball,
    "crossing": Crossing,
    "coverage": Coverage,
    "balanced_accuracy": BalancedAccuracy,
    "top_k": TopK,
    "precision": Precision,
    "recall": Recall,
    "f1": F1,
    "matthews_correlation": MatthewsCorrelation,
    "roc_auc": RocAuc,
    "average_precision": AveragePrecision,
    "log_loss": LogLoss,
    "brier": Brier,
    "expected_calibration_error": ExpectedCalibrationError,
    "mse": Mse,
    "median_absolute_error": MedianAbsoluteError,
    "explained_variance": ExplainedVariance,
    "mape": Mape,
    "pinball": Pinball,
}
"""The metrics; where a config picks none, an experiment has the usual ones that suit its targets, in this order."""


def column_of(metric: Metric) -> str:
    """The name of a metric's column: its own, then its settings, as in ``f1_macro``.

    A setting that is the last word of the name is replaced by its value: ``top_3``.
    """
    name, values = name_of(METRICS, metric), []
    for setting in settings_of(metric):
        name = name.removesuffix(f"_{setting.name}")
        values.append(str(getattr(metric, setting.name)))
    return "_".join([name, *values])


def kind_of_column(column: str) -> type[Metric] | None:
    """The kind of metric that a column of this name holds; None if it holds none."""
    stems = {_stem(name): kind for name, kind in METRICS.items()}
    fitting = [stem for stem, kind in stems.items() if _is_column(column, stem, kind)]
    return stems[max(fitting, key=len)] if fitting else None


def _is_column(column: str, stem: str, kind: type[Metric]) -> bool:
    """Whether a column's name is this stem, followed by settings where the kind has some."""
    return column.startswith(f"{stem}_") if settings_of(kind) else column == stem


def _stem(name: str) -> str:
    """What the columns of the metrics of this name begin with."""
    for setting in settings_of(METRICS[name]):
        name = name.removesuffix(f"_{setting.name}")
    return name


def suiting(judging: Judging) -> dict[str, Metric]:
    """Every metric that suits outputs compared with their targets in this way, with its defaults, by name."""
    every = {name: kind() for name, kind in METRICS.items()}
    return {name: metric for name, metric in every.items() if metric.suits(judging)}


def usual_metrics(judging: Judging) -> list[Metric]:
    """The metrics where a config picks none."""
    return [metric for metric in suiting(judging).values() if metric.usual]


def by_column(metrics: Iterable[Metric]) -> dict[str, Metric]:
    """The metrics by the names of their columns."""
    return {column_of(metric): metric for metric in metrics}


def metric_values(metrics: Mapping[str, Metric], tallies: Tallies) -> dict[str, float]:
    """Every metric's value; NaN where the examples weigh nothing together."""
    with np.errstate(all="ignore"):
        return {name: float(metric.value(tallies.of(metric.tally_kind))) for name, metric in metrics.items()}


def metric_columns(metrics: Mapping[str, Metric], tallies: Tallies) -> dict[str, list[float]]:
    """Every metric's values of several epochs, from tallies whose ``sums`` have a row for each."""
    with np.errstate(all="ignore"):
        return {name: _column(metric, tallies.of(metric.tally_kind)) for name, metric in metrics.items()}


def _column(metric: Metric, tally: Any) -> list[float]:
    if takes_epochs(metric.value):
        found: list[float] = metric.value(tally).tolist()
        return found
    return [float(metric.value(one)) for one in by_epoch(tally)]


def tallies_for(metrics: Mapping[str, Metric], judging: Judging) -> Tallies:
    """The empty tallies that these metrics are computed from."""
    return empty_tallies((metric.tally_kind for metric in metrics.values()), judging)
