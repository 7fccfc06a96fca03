"""Metrics of classes: how well each is found, and how well the true one ranks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge

from bpcli.nn import Array
from bpcli.nn.tallies import ClassCounts, Judging, Ranks

Average = Literal["macro", "micro", "weighted", "binary"]
"""How classes are averaged: equally, all their examples together, by their examples; or the second of two alone."""


@dataclass(frozen=True)
class BalancedAccuracy:
    """The mean of the recalls of the classes that occur: the accuracy if each had equally many examples."""

    higher: ClassVar[bool] = True
    usual: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = ClassCounts

    def suits(self, judging: Judging) -> bool:
        """For classes."""
        return judging.classes > 0

    def value(self, tally: ClassCounts) -> float:
        """The mean recall."""
        hits, _, members = tally.rows
        return float(np.mean(hits[members > 0] / members[members > 0])) if members.any() else float("nan")


@dataclass(frozen=True)
class TopK:
    """The share of examples whose class is among the k with the largest outputs.

    Of classes with equal outputs the later one comes first, as in scikit-learn; accuracy takes the first.
    """

    k: Annotated[int, Ge(2)] = 2

    higher: ClassVar[bool] = True
    usual: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = Ranks

    def suits(self, judging: Judging) -> bool:
        """For more than k classes."""
        return judging.scoring == "largest" and judging.n > self.k

    def value(self, tally: Ranks) -> float:
        """Examples with a rank below k ÷ examples."""
        return float(tally.sums[: self.k].sum() / tally.sums.sum())


@dataclass(frozen=True)
class Precision:
    """The share of the decisions for a class that are right: 0 where there are none.

    ``average``: macro, the mean of the classes; micro, all examples together; weighted, the mean by the examples of
    each class; binary, the second of two classes alone.
    """

    average: Average = "macro"

    higher: ClassVar[bool] = True
    usual: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = ClassCounts

    def suits(self, judging: Judging) -> bool:
        """For classes and labels; ``binary`` for two classes."""
        return _averages(self.average, judging)

    def value(self, tally: ClassCounts) -> float:
        """Hits ÷ predictions."""
        hits, predictions, members = _averaged_over(self.average, tally)
        return _mean(self.average, _shares(hits, predictions), members)


@dataclass(frozen=True)
class Recall:
    """The share of the examples of a class that are decided so: 0 where there are none.

    ``average``: macro, the mean of the classes; micro, all examples together; weighted, the mean by the examples of
    each class; binary, the second of two classes alone.
    """

    average: Average = "macro"

    higher: ClassVar[bool] = True
    usual: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = ClassCounts

    def suits(self, judging: Judging) -> bool:
        """For classes and labels; ``binary`` for two classes."""
        return _averages(self.average, judging)

    def value(self, tally: ClassCounts) -> float:
        """Hits ÷ members."""
        hits, _, members = _averaged_over(self.average, tally)
        return _mean(self.average, _shares(hits, members), members)


@dataclass(frozen=True)
class F1:
    """The harmonic mean of precision and recall, 2 · hits / (predictions + members): 0 where there are neither.

    ``average``: macro, the mean of the classes; micro, all examples together; weighted, the mean by the examples of
    each class; binary, the second of two classes alone.
    """

    average: Average = "macro"

    higher: ClassVar[bool] = True
    usual: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = ClassCounts

    def suits(self, judging: Judging) -> bool:
        """For classes and labels; ``binary`` for two classes."""
        return _averages(self.average, judging)

    def value(self, tally: ClassCounts) -> float:
        """2 · hits ÷ (predictions + members)."""
        hits, predictions, members = _averaged_over(self.average, tally)
        return _mean(self.average, _shares(2 * hits, predictions + members), members)


@dataclass(frozen=True)
class MatthewsCorrelation:
    """The correlation of decisions and classes (Matthews 1975; Gorodkin 2004, eq. 8): 0 where either has one value."""

    higher: ClassVar[bool] = True
    usual: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = ClassCounts

    def suits(self, judging: Judging) -> bool:
        """For classes."""
        return judging.classes > 0

    def value(self, tally: ClassCounts) -> float:
        """The covariance of decisions and truth by the root of their variances, all times N²."""
        (hits, predictions, members), N = tally.rows, tally.examples
        covariance = hits.sum() * N - members @ predictions
        variances = (N**2 - predictions @ predictions) * (N**2 - members @ members)
        constant = min(np.count_nonzero(predictions), np.count_nonzero(members)) <= 1
        return 0.0 if constant else float(covariance / np.sqrt(variances))


def _averages(average: Average, judging: Judging) -> bool:
    """Whether there is anything of which this average is taken."""
    return judging.binary if average == "binary" else not judging.of_numbers


def _averaged_over(average: Average, tally: ClassCounts) -> Array:
    """Hits, predictions and members, (3, c), of what is averaged: the classes that occur, or every label."""
    rows = tally.rows
    if average == "binary":
        return rows[:, 1:]
    if average == "micro":
        return np.asarray(rows.sum(axis=1, keepdims=True))
    return rows if tally.judging.labels else rows[:, rows[1] + rows[2] > 0]


def _shares(part: Array, whole: Array) -> Array:
    """part ÷ whole; 0 of nothing."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), 0.0)


def _mean(average: Average, values: Array, members: Array) -> float:
    """The mean of the classes' values, by their members where that is asked; 0 of nothing."""
    if average == "weighted":
        return float(values @ members / members.sum()) if members.any() else 0.0
    return float(values.mean()) if len(values) else 0.0
