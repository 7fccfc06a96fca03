"""The confusion matrix: which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bpcli.figures.figure import Axis, Cells, Figure, Panel
from bpcli.figures.plotted_run import PlottedRun
from bpcli.nn import Array
from bpcli.nn.tallies import Judging, described
from bpcli.reporting.evaluation import MOST_CLASSES

MOST_LABELS = 12
"""How many labels are shown, each with a matrix of its own."""


@dataclass(frozen=True)
class Confusion:
    """How many examples of each true class, a row, are predicted as each class, a column.

    A cell is the darker, the larger its share of the row is, so rare classes show as well as frequent ones; the
    darkness goes by the share's square root, so that single errors are seen. Of labels there is a matrix of no and
    yes for each.
    """

    several: ClassVar[bool] = False
    of_part: ClassVar[bool] = True

    def objection(self, run: PlottedRun) -> str:
        """There must be classes, and not too many for a matrix."""
        return no_classes(run.judging)

    def figure(self, runs: Sequence[PlottedRun]) -> Figure:
        """A matrix; of labels one for each."""
        (run,) = runs
        evaluation = run.evaluation
        title = f"{run.title}: confusion"
        if not evaluation.of_labels:
            names = [str(name) for name in evaluation.names]
            panel = _panel(evaluation.confusion, names, "")
            return Figure(title, (panel,), (_note(np.array(evaluation.confusion)),), across=1)
        pairs = [*zip(evaluation.names, evaluation.confusion, strict=True)]
        panels = tuple(_panel(matrix, ["no", "yes"], str(name)) for name, matrix in pairs[:MOST_LABELS])
        notes = [f"The first {MOST_LABELS} of {len(pairs)} labels."] if len(pairs) > MOST_LABELS else []
        return Figure(title, panels, tuple(notes), across=3)


def no_classes(judging: Judging) -> str:
    """Why the outputs decide for no classes, or for too many to look at each; an empty text where they do."""
    if judging.of_numbers:
        return f"the run is {described(judging)}"
    if judging.classes > MOST_CLASSES:
        return f"of {judging.classes:,} classes not every output is kept; see bp evaluate"
    return ""


def _panel(matrix: Sequence[Sequence[Any]], names: Sequence[str], title: str) -> Panel:
    values = np.array(matrix, float)
    cells = Cells(values, tuple(names), tuple(names), shades=np.sqrt(row_shares(values)), numbered=True)
    return Panel((cells,), title, Axis("predicted"), Axis("true"))


def row_shares(matrix: Array) -> Array:
    """Each entry's share of its row's sum; 0 in an empty row."""
    sums = matrix.sum(axis=1, keepdims=True)
    shares: Array = np.divide(matrix, sums, out=np.zeros_like(matrix, float), where=sums > 0)
    return shares


def _note(matrix: Array) -> str:
    right = f"{np.trace(matrix):,.6g} of {matrix.sum():,.6g} are right"
    return f"{right}; the larger a cell's share of its row is, the darker it is."
