"""The pictures of a report: which kinds go into which section, drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpcli.figures import KINDS
from bpcli.figures.drawing import svg
from bpcli.figures.figure import Axis, Bars, Cells, Figure, Panel
from bpcli.figures.plotted_run import PlottedRun
from bpcli.report.contents import Picture, Pictures
from bpcli.reporting.importance import REPEATS, Importance

TRAINING = ("curves",)
RESULTS = ("confusion",)
"""The kinds of pictures in a section, in their order; what does not suit a run is left out."""

MOST_BARS = 15
"""How many columns have a bar."""


def pictures(run: PlottedRun, kinds: Sequence[str]) -> list[Figure]:
    """The figures of those of the kinds that suit the run."""
    made = [KINDS[name]() for name in kinds]
    return [kind.figure([run]) for kind in made if not kind.objection(run)]


def drawn(figures: Sequence[Figure]) -> list[Pictures]:
    """The figures as one block, side by side where there is room; nothing of none."""
    return [Pictures([Picture(svg(figure), " ".join(figure.notes)) for figure in figures])] if figures else []


def importance_map(found: Sequence[Importance], pixels: Sequence[str], shape: tuple[int, int], metric: str) -> Figure:
    """A cell for each of an image's pixels, which are columns of the file."""
    worse = {one.column: one.worse for one in found}
    values = np.maximum([worse[name] for name in pixels], 0).reshape(shape)
    note = f"The darker a pixel, the worse {metric} gets without it; by {values.max():.3g} where it is darkest."
    return Figure(TITLE, (Panel((Cells(values),), square=True),), (note,), across=1)


def importance_bars(found: Sequence[Importance], metric: str) -> Figure:
    """A bar for each of the columns that matter most, with the least and the most of its repeats."""
    shown = found[:MOST_BARS]
    lengths, low, high = (np.array([getattr(one, name) for one in shown]) for name in ("worse", "least", "most"))
    bars = Bars(tuple(one.column for one in shown), lengths, low, high)
    notes = [f"Each column's cells were dealt anew among the rows {REPEATS} times: mean, least and most."]
    if len(found) > len(shown):
        notes.append(f"The first {len(shown)} of {len(found)} columns.")
    panel = Panel((bars,), x=Axis(f"{metric}: how much worse"))
    return Figure(TITLE, (panel,), tuple(notes), across=1)


TITLE = "What the model goes by"
