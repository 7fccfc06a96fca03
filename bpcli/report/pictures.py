"""The pictures of a report: which kinds go into which section, drawn."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.figures import KINDS
from bpcli.figures.drawable import notes_of
from bpcli.figures.drawing import svg
from bpcli.figures.figure import Figure
from bpcli.figures.plotted_run import PlottedRun
from bpcli.report.contents import Picture, Pictures

TRAINING = ("curves",)
RESULTS = ("confusion", "residuals", "regions")
SCORES = ("roc", "precision_recall", "calibration")
COLUMNS = ("importance",)
"""The kinds of pictures in a section, in their order; what does not suit a run is left out."""


def pictures(run: PlottedRun, kinds: Sequence[str]) -> list[Figure]:
    """The figures of those of the kinds that suit the run."""
    made = [KINDS[name]() for name in kinds]
    return [kind.figure([run]) for kind in made if not kind.objection(run)]


def drawn(figures: Sequence[Figure]) -> list[Pictures]:
    """The figures as one block, side by side where there is room; nothing of none."""
    return [Pictures([Picture(svg(figure), " ".join(notes_of(figure))) for figure in figures])] if figures else []
