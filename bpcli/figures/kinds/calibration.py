"""Calibration: whether a probability of 80 % is right in 80 of 100 cases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.figures.figure import Axis, Figure, Histogram, Line, Mark, Panel, Reference
from bpcli.figures.kinds.confusion import no_classes
from bpcli.figures.kinds.scores import MOST_CURVES, UNIT
from bpcli.figures.plotted_run import PlottedRun
from bpcli.nn import Array
from bpcli.nn.metrics.probabilities import ExpectedCalibrationError, calibration, confidences
from bpcli.nn.metrics.scores import scores_of
from bpcli.nn.tallies import described
from bpcli.reporting.evaluation import Evaluation


@dataclass(frozen=True)
class Calibration:
    """How often what has a probability is so, over that probability, in bins: the reliability diagram.

    For two classes the probability is that of the second one, for labels that of yes; for more classes it is that of
    the class decided for, and what counts is whether it is right. On the diagonal probabilities mean what they say;
    below it they are too high. The second panel has the number of examples in each bin.
    """

    several: ClassVar[bool] = False
    of_part: ClassVar[bool] = True

    def objection(self, run: PlottedRun) -> str:
        """There must be classes, and probabilities of them."""
        judging = run.judging
        if not judging.of_numbers and not judging.probabilities:
            return f"the run is of {described(judging)}"
        return no_classes(judging)

    def figure(self, runs: Sequence[PlottedRun]) -> Figure:
        """The diagram, and a histogram of the probabilities."""
        (run,) = runs
        evaluation = run.evaluation
        series = [*_series(evaluation)]
        marks: list[Mark] = [Reference(np.array([0.0, 1.0]), np.array([0.0, 1.0]), "calibrated")]
        for k, (name, means, shares, _) in enumerate(series[:MOST_CURVES]):
            marks.append(Line(means, shares, name, k))
        bins = ExpectedCalibrationError().bins
        counts = np.sum([weights for *_, weights in series], axis=0)
        word = "probability" if len(evaluation.names) <= 2 or evaluation.of_labels else "confidence"
        diagram = Panel(
            tuple(marks), "", Axis(f"mean {word}", limits=UNIT), Axis("share that is so", limits=UNIT), square=True
        )
        edges = np.linspace(0, 1, bins + 1)
        histogram = Panel((Histogram(edges, counts),), "", Axis(word, limits=UNIT), Axis("examples"))
        error = ExpectedCalibrationError().value(evaluation.outputs)
        notes = [f"Expected calibration error of the decisions {error:.4f}, by {bins} bins."]
        if len(series) > MOST_CURVES:
            notes.append(f"The first {MOST_CURVES} of {len(series)} labels are drawn; the histogram has all.")
        return Figure(f"{run.title}: calibration", (diagram, histogram), tuple(notes))


def _series(evaluation: Evaluation) -> Iterator[tuple[str, Array, Array, Array]]:
    """Of each curve the name, the mean probability and the share of each bin with examples, and the bins' weights."""
    outputs, judging = evaluation.outputs, evaluation.judging
    names = evaluation.names[-1:] if judging.binary else evaluation.names
    pairs = [*scores_of(judging, outputs.outputs, outputs.targets)]
    if not judging.binary and not evaluation.of_labels:
        names, pairs = ["decisions"], [*confidences(outputs)]
    for name, (probabilities, truths) in zip(names, pairs, strict=True):
        bins = ExpectedCalibrationError().bins
        weights, sums, hits = calibration(probabilities.astype(np.float64), truths, outputs.weights, bins)
        there = weights > 0
        yield str(name), sums[there] / weights[there], hits[there] / weights[there], weights
