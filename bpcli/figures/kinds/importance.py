"""Permutation importance: how much worse the model is where a column says nothing of its example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.figures.figure import Axis, Bars, Cells, Figure, Panel
from bpcli.figures.plotted_run import PlottedRun
from bpcli.reporting.importance import (
    MOST_COLUMNS,
    MOST_EXAMPLES,
    REPEATS,
    Importance,
    inputs_by_column,
)
from bpcli.reporting.pixels import image_shape

MOST_BARS = 20
"""How many columns are shown."""


@dataclass(frozen=True)
class ColumnImportance:
    """How much the run's first metric is worse where the cells of a column of the file change places.

    A column counts as a whole, with all inputs that it became, such as those of a category (Breiman 2001). The bar is
    the mean of the shuffles, its ends the lowest and the highest; pixels are shown where they lie. Of columns that
    say the same, each may look unimportant, for the other is still there.
    """

    several: ClassVar[bool] = False
    of_part: ClassVar[bool] = True

    def objection(self, run: PlottedRun) -> str:
        """The columns must not be too many."""
        columns = len(inputs_by_column(run.model))
        if columns <= MOST_COLUMNS:
            return ""
        pixels = ", which are pixels" if image_shape(run.model.features.inputs) else ""
        return f"it has {columns:,} columns{pixels}, more than {MOST_COLUMNS}"

    def figure(self, runs: Sequence[PlottedRun]) -> Figure:
        """A bar for each column, the most important first."""
        (run,) = runs
        name, metric = next(iter(run.reopened.metrics().items()))
        found = run.importances
        change = f"{'lower' if metric.higher else 'higher'} {name} is"
        examples = min(run.part.size, MOST_EXAMPLES)
        notes = [f"Each column shuffled {REPEATS} times among {examples:,} examples."]
        shape = image_shape(run.model.features.inputs)
        if shape is None:
            panel = _bars(found, f"how much {change}")
            notes.append("A bar is the mean, with the lowest and the highest beside it.")
            notes += [f"The {MOST_BARS} most important of {len(found)} columns."] if len(found) > MOST_BARS else []
        else:
            panel, note = _image(found, list(inputs_by_column(run.model)), shape, change)
            notes.append(note)
        return Figure(f"{run.title}: importance of columns", (panel,), tuple(notes), across=1)


def _bars(found: Sequence[Importance], change: str) -> Panel:
    shown = found[:MOST_BARS]
    values = (np.array([getattr(one, which) for one in shown]) for which in ("worse", "least", "most"))
    return Panel((Bars(tuple(one.column for one in shown), *values),), "", Axis(change))


def _image(
    found: Sequence[Importance], pixels: Sequence[str], shape: tuple[int, int], change: str
) -> tuple[Panel, str]:
    """The pixels where they lie, and what the darkest is worth."""
    worse = {one.column: one.worse for one in found}
    values = np.maximum([worse[name] for name in pixels], 0.0).reshape(shape)
    note = f"The darker a pixel, the {change} without it, by {values.max():.3g} at most."
    return Panel((Cells(values),)), note
