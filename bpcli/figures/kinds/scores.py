"""Curves of scores at every threshold: ROC, and precision over recall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.figures.figure import Axis, Figure, Line, Mark, Panel, Reference
from bpcli.figures.kinds.confusion import no_classes
from bpcli.figures.plotted_run import PlottedRun
from bpcli.nn import Array
from bpcli.nn.metrics.scores import Curve, average_precision, curve, roc_area, scores_of
from bpcli.reporting.curves import precision_recall, roc
from bpcli.reporting.evaluation import Evaluation

MOST_CURVES = 8
"""How many classes or labels have a curve, because more cannot be told apart: those with the least areas."""

UNIT = (-0.02, 1.02)
"""The ends of an axis of shares."""


@dataclass(frozen=True)
class Roc:
    """The share of a class that is found over the share of the others that is taken for it, at every threshold.

    For two classes the curve is of the second one, else there is one for each class against the rest, or for each
    label, with the area under it. The diagonal, of area ½, is what chance gives.
    """

    several: ClassVar[bool] = False
    of_part: ClassVar[bool] = True

    def objection(self, run: PlottedRun) -> str:
        """There must be classes."""
        return no_classes(run.judging)

    def figure(self, runs: Sequence[PlottedRun]) -> Figure:
        """The curves, the largest area first in the legend."""
        (run,) = runs
        chosen, notes = _chosen(run.evaluation, roc_area, "area")
        marks: list[Mark] = [Reference(np.array([0.0, 1.0]), np.array([0.0, 1.0]), "chance")]
        for k, (name, area, of) in enumerate(chosen):
            _, false, true = np.array([*roc(of)]).T
            marks.append(Line(false, true, f"{name} {area:.3f}", k))
        x, y = Axis("false positive rate", limits=UNIT), Axis("true positive rate", limits=UNIT)
        return Figure(f"{run.title}: ROC", (Panel(tuple(marks), "", x, y, square=True),), notes, across=1)


@dataclass(frozen=True)
class PrecisionRecall:
    """How many of the examples taken for a class are of it, over the share of the class that is found.

    For two classes the curve is of the second one, else there is one for each class against the rest, or for each
    label, with its average precision. By chance the precision is the share of the class among the examples.
    """

    several: ClassVar[bool] = False
    of_part: ClassVar[bool] = True

    def objection(self, run: PlottedRun) -> str:
        """There must be classes."""
        return no_classes(run.judging)

    def figure(self, runs: Sequence[PlottedRun]) -> Figure:
        """The curves, the largest average precision first in the legend."""
        (run,) = runs
        chosen, notes = _chosen(run.evaluation, average_precision, "average precision")
        marks: list[Mark] = []
        for k, (name, area, of) in enumerate(chosen):
            _, precision, recall = np.array([*precision_recall(of)]).T
            marks.append(Line(recall, precision, f"{name} {area:.3f}", k))
        if len(chosen) == 1:
            of = chosen[0][2]
            share = of.hits[-1] / (of.hits[-1] + of.misses[-1])
            marks.insert(0, Reference(np.array([0.0, 1.0]), np.array([share, share]), "chance"))
        x, y = Axis("recall", limits=UNIT), Axis("precision", limits=UNIT)
        panel = Panel(tuple(marks), "", x, y, square=True)
        return Figure(f"{run.title}: precision and recall", (panel,), notes, across=1)


def _chosen(
    evaluation: Evaluation, area: Callable[[Curve], float], word: str
) -> tuple[list[tuple[str, float, Curve]], tuple[str, ...]]:
    """Name, area and curve of each class, or of those with the least areas, the largest first; and what is left out."""
    found = [(name, area(of), of) for name, of in class_curves(evaluation)]
    there = sorted((each for each in found if not np.isnan(each[1])), key=lambda each: -each[1])
    notes = [f"The number behind a name is its {word}."]
    if len(there) < len(found):
        notes.append(f"{len(found) - len(there)} without an example, or without any other, have no curve.")
    if len(there) > MOST_CURVES:
        notes.append(f"The {MOST_CURVES} of {len(there)} with the least {word}.")
    return there[-MOST_CURVES:], tuple(notes)


def class_curves(evaluation: Evaluation) -> list[tuple[str, Curve]]:
    """Each class or label with its curve; of two classes the second alone; none without examples."""
    judging, outputs = evaluation.judging, evaluation.outputs
    names = evaluation.names[-1:] if judging.binary else evaluation.names
    scores: list[tuple[Array, Array]] = [*scores_of(judging, outputs.outputs, outputs.targets)]
    curves = [curve(*each, outputs.weights) for each in scores]
    return [(str(name), of) for name, of in zip(names, curves, strict=True) if len(of.hits) and of.hits[-1]]
