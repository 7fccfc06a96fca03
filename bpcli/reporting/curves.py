"""Curves of a classification, as the columns of tables: ROC, precision over recall, and calibration.

For two classes they are of the second one, else of each class against the rest, or of each label.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.metrics.probabilities import ExpectedCalibrationError, calibration
from bpcli.nn.metrics.scores import Curve, curve, scores_of
from bpcli.reporting.evaluation import Evaluation

Rows = Iterator[list[Any]]

CURVES: dict[str, tuple[str, ...]] = {
    "roc": ("class", "threshold", "false_positive_rate", "true_positive_rate"),
    "precision_recall": ("class", "threshold", "precision", "recall"),
    "calibration": ("class", "above", "up_to", "examples", "mean_probability", "share"),
}
"""The columns of each curve."""


def curve_rows(name: str, evaluation: Evaluation) -> Rows:
    """The rows of one of :data:`CURVES`; none where it does not exist."""
    judging, outputs = evaluation.judging, evaluation.outputs
    if not evaluation.names or (name == "calibration" and not judging.probabilities):
        return
    makers: dict[str, Callable[[Array, Array, Array], Iterator[tuple[float, ...]]]] = {
        "roc": lambda *of: roc(curve(*of)),
        "precision_recall": lambda *of: precision_recall(curve(*of)),
        "calibration": calibrated,
    }
    names = evaluation.names[-1:] if judging.binary else evaluation.names
    scores = scores_of(judging, outputs.outputs, outputs.targets)
    for label, (of_class, truths) in zip(names, scores, strict=True):
        for row in makers[name](of_class, truths, outputs.weights):
            yield [label, *row]


def roc(of: Curve) -> Iterator[tuple[float, ...]]:
    """Threshold, false and true positive rate from (0, 0) on, without points inside of a straight line.

    A rate is NaN where there is nothing of which it is one.
    """
    kept = _ends(len(of.hits)) | _bends(of.misses) | _bends(of.hits)
    thresholds = np.append(np.inf, of.thresholds[kept])
    shares = [
        np.append(0.0, part[kept]) / part[-1] if part[-1] else np.full(len(thresholds), np.nan)
        for part in (of.misses, of.hits)
    ]
    yield from zip(thresholds.tolist(), *(share.tolist() for share in shares), strict=True)


def precision_recall(of: Curve) -> Iterator[tuple[float, ...]]:
    """Threshold, precision and recall, without points at which the hits are those of both neighbours."""
    steps = np.diff(of.hits) != 0
    kept = _ends(len(of.hits))
    kept[1:-1] |= steps[:-1] | steps[1:]
    hits, misses = of.hits[kept], of.misses[kept]
    recalls = hits / of.hits[-1] if of.hits[-1] else np.ones(len(hits))
    yield from zip(of.thresholds[kept].tolist(), (hits / (hits + misses)).tolist(), recalls.tolist(), strict=True)


def calibrated(probabilities: Array, truths: Array, w: Array) -> Iterator[tuple[float, ...]]:
    """For each bin with examples: its bounds, their weight, their mean probability, and the share that is true."""
    bins = ExpectedCalibrationError().bins
    columns = calibration(probabilities.astype(np.float64), truths, w, bins)
    for b, (weight, sum_, hits) in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        if weight:
            yield b / bins, (b + 1) / bins, int(weight) if weight.is_integer() else weight, sum_ / weight, hits / weight


def _ends(length: int) -> Array:
    """Which of so many points are the first or the last."""
    places = np.arange(length)
    return np.asarray((places == 0) | (places == length - 1))


def _bends(values: Array) -> Array:
    """At which points the slope from point to point changes."""
    bends = np.zeros(len(values), np.bool_)
    bends[1:-1] = np.diff(values, 2) != 0
    return bends
