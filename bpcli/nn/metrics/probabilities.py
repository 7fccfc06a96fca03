"""Metrics of probabilities: what they are worth, and whether they mean what they say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Le

from bpcli.nn import Array
from bpcli.nn.tallies import Judging, Outputs, ProbabilityScores


@dataclass(frozen=True)
class LogLoss:
    """The mean of −log p of what is true, p kept within [ε, 1 − ε], ε that of the outputs' precision."""

    higher: ClassVar[bool] = False
    usual: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = ProbabilityScores

    def suits(self, judging: Judging) -> bool:
        """For classes and labels with outputs in [0, 1]."""
        return not judging.of_numbers and judging.probabilities

    def value(self, tally: ProbabilityScores) -> float:
        """Σ −log p ÷ examples."""
        return float(tally.sums[1] / tally.sums[0])


@dataclass(frozen=True)
class Brier:
    """The mean squared distance of the probabilities from the truth (Brier 1950), halved where classes are two."""

    higher: ClassVar[bool] = False
    usual: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = ProbabilityScores

    def suits(self, judging: Judging) -> bool:
        """For classes and labels with outputs in [0, 1]."""
        return not judging.of_numbers and judging.probabilities

    def value(self, tally: ProbabilityScores) -> float:
        """Σ of the squared distances ÷ examples."""
        return float(tally.sums[2] / tally.sums[0])


@dataclass(frozen=True)
class ExpectedCalibrationError:
    """How far the confidence of decisions is from the share of them that are right, averaged over bins.

    Σ_b (w_b / w) |accuracy_b − confidence_b| (Guo et al. 2017, eq. 3), w the weight of the examples. The
    confidence is the probability of the most probable class, also where one output stands for two;
    bin b of B holds what lies in (b/B, (b + 1)/B], the first one 0 as well. Of labels the mean is taken.
    """

    bins: Annotated[int, Ge(1), Le(10_000)] = 15

    higher: ClassVar[bool] = False
    usual: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = Outputs

    def suits(self, judging: Judging) -> bool:
        """For classes and labels with outputs in [0, 1]."""
        return not judging.of_numbers and judging.probabilities

    def value(self, tally: Outputs) -> float:
        """The mean over the labels, or that of the classes."""
        if not tally.outputs.size:
            return float("nan")
        return float(np.mean([self._error(*each, tally.weights) for each in confidences(tally)]))

    def _error(self, confidence: Array, right: Array, w: Array) -> float:
        _, confidences, rights = calibration(confidence, right, w, self.bins)
        return float(np.abs(rights - confidences).sum() / w.sum())


def confidences(tally: Outputs) -> Iterator[tuple[Array, Array]]:
    """The probability of what is decided, and whether that is right, (N,) each; for each label, or of the classes."""
    A, Y, judging = tally.outputs.astype(np.float64), tally.targets, tally.judging
    if judging.scoring == "largest":
        yield A.max(axis=0), np.argmax(A, axis=0) == judging.true_classes(Y)
    else:
        yield from zip(np.maximum(A, 1 - A), (A > 1 / 2) == (judging.middle < Y), strict=True)


def calibration(probabilities: Array, truths: Array, w: Array, bins: int) -> tuple[Array, Array, Array]:
    """Σ w, Σ w p and Σ w [true] in each of so many equal bins of p, closed above: (bins,) each."""
    places = np.searchsorted(np.arange(1, bins) / bins, probabilities, side="left")
    weights, sums, hits = (np.bincount(places, each, bins) for each in (w, w * probabilities, w * truths))
    return weights, sums, hits
