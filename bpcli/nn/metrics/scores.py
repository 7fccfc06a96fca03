"""Metrics of scores: whether outputs put the examples of a class before the others, at any threshold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.tallies import Judging, Outputs


@dataclass(frozen=True)
class RocAuc:
    """The chance that an example of a class has a higher output for it than one of another class, ties by half.

    The area under the curve of true positives over false positives. Of three classes or more it is the mean of
    each against the rest, of labels the mean; NaN where one of them has no examples, or all.
    """

    higher: ClassVar[bool] = True
    usual: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = Outputs

    def suits(self, judging: Judging) -> bool:
        """For classes and labels."""
        return not judging.of_numbers

    def value(self, tally: Outputs) -> float:
        """The mean area."""
        return _mean(tally, roc_area)


@dataclass(frozen=True)
class AveragePrecision:
    """The precision at every threshold, weighted by the recall that the threshold adds: Σ (R_k − R_k−1) P_k.

    Of three classes or more it is the mean of each against the rest, of labels the mean; 0 for one without examples.
    """

    higher: ClassVar[bool] = True
    usual: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = Outputs

    def suits(self, judging: Judging) -> bool:
        """For classes and labels."""
        return not judging.of_numbers

    def value(self, tally: Outputs) -> float:
        """The mean precision."""
        return _mean(tally, average_precision)


def _mean(tally: Outputs, area: Callable[[Curve], float]) -> float:
    areas = [area(curve(*each, tally.weights)) for each in scores_of(tally.judging, tally.outputs, tally.targets)]
    return float(np.mean(areas)) if tally.outputs.size else float("nan")


@dataclass(frozen=True, eq=False)
class Curve:
    """What lies at or above each threshold, from the highest score down: the weight of what is true, and of the rest.

    Equal scores share a threshold. All are (thresholds,) in float64.
    """

    thresholds: Array
    hits: Array
    misses: Array


def scores_of(judging: Judging, A: Array, Y: Array) -> Iterator[tuple[Array, Array]]:
    """For each class or label its scores and truths, (N,); for two classes those of the second alone."""
    if judging.labels:
        yield from zip(A, judging.middle < Y, strict=True)
        return
    true = judging.true_classes(Y)
    if judging.binary:
        yield score_of_second(judging, A), true == 1
        return
    for k, scores in enumerate(A):
        yield scores, true == k


def score_of_second(judging: Judging, A: Array) -> Array:
    """The score of the second of two classes, (N,): its own output, or how far it is above the first one's."""
    if judging.n == 1:
        return np.asarray(A[0])
    return np.asarray(A[1] if judging.probabilities else A[1] - A[0])


def curve(scores: Array, truths: Array, w: Array) -> Curve:
    """The curve of scores and truths, (N,); examples that weigh nothing are left out."""
    kept = w > 0
    scores, truths, w = scores[kept], truths[kept], w[kept]
    order = np.argsort(-scores.astype(np.float64), kind="stable")
    scores, truths, w = scores[order], truths[order], w[order]
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1) if len(scores) else np.arange(0)
    return Curve(scores[last].astype(np.float64), np.cumsum(w * truths)[last], np.cumsum(w * ~truths)[last])


def roc_area(of: Curve) -> float:
    """The area under the share of hits over the share of misses, by trapezoids; NaN without either."""
    hits, misses = np.append(0.0, of.hits), np.append(0.0, of.misses)
    if not hits[-1] or not misses[-1]:
        return float("nan")
    heights = (hits[1:] + hits[:-1]) / 2
    return float(np.diff(misses) @ heights / (hits[-1] * misses[-1]))


def average_precision(of: Curve) -> float:
    """Σ of precision times the recall added; 0 without anything that is true."""
    if not len(of.hits) or not of.hits[-1]:
        return 0.0
    added = np.diff(of.hits, prepend=0.0)
    return float(added @ (of.hits / (of.hits + of.misses)) / of.hits[-1])
