"""Residuals: how far the predictions of numbers are off, and where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.figures.figure import Axis, Figure, Panel, Points, Reference
from bpcli.figures.plotted_run import PlottedRun
from bpcli.nn import Array
from bpcli.nn.tallies import described
from bpcli.reporting.evaluation import Evaluation

MOST_TARGETS, MOST_POINTS = 4, 4000
"""How many targets are shown, and how many examples of each."""


@dataclass(frozen=True)
class Residuals:
    """Each prediction over its true value, and the residual, prediction less truth, over the prediction.

    In the target's own units. On the diagonal of the first panel predictions are right; a pattern in the second one
    is something that the network has not learned, a spread that grows an argument for another loss. Of quantiles the
    one nearest to a half is shown.
    """

    several: ClassVar[bool] = False
    of_part: ClassVar[bool] = True

    def objection(self, run: PlottedRun) -> str:
        """There must be numbers to predict."""
        return "" if run.judging.of_numbers else f"the run is of {described(run.judging)}"

    def figure(self, runs: Sequence[PlottedRun]) -> Figure:
        """Two panels for each target."""
        (run,) = runs
        found = [*_predictions(run.evaluation)]
        panels = [panel for each in found[:MOST_TARGETS] for panel in _panels(*each, alone=len(found) == 1)]
        return Figure(f"{run.title}: residuals", tuple(panels), tuple(_notes(run.evaluation, len(found))))


def _predictions(evaluation: Evaluation) -> Iterator[tuple[str, Array, Array]]:
    """Of each target the name, the true values and the predictions, (N,), in its own units."""
    judging, outputs = evaluation.judging, evaluation.outputs
    names = evaluation.targets.names
    units, origins = (np.broadcast_to(each, judging.n)[:, None] for each in (judging.units, judging.origins))
    predicted, true = (units * each.astype(np.float64) + origins for each in (outputs.outputs, outputs.targets))
    first = _middle_level(judging.levels) * len(names)  # outputs are by level, then by target
    for k, name in enumerate(names, first):
        yield name, true[k], predicted[k]


def _middle_level(levels: Sequence[float]) -> int:
    """The place of the level nearest to a half; 0 without levels."""
    return int(np.argmin(np.abs(np.array(levels) - 0.5))) if levels else 0


def _panels(name: str, true: Array, predicted: Array, *, alone: bool) -> Iterator[Panel]:
    every = -(-len(true) // MOST_POINTS)
    true, predicted = true[::every], predicted[::every]
    ends = np.array([min(true.min(), predicted.min()), max(true.max(), predicted.max())])
    title = "" if alone else name
    yield Panel(
        (Reference(ends, ends, "right"), Points(true, predicted)),
        title,
        Axis(f"true {name}"),
        Axis(f"predicted {name}"),
        square=True,
    )
    across = np.array([predicted.min(), predicted.max()])
    with np.errstate(over="ignore"):
        off = predicted - true
    yield Panel(
        (Reference(across, np.zeros(2), "right"), Points(predicted, off)),
        title,
        Axis(f"predicted {name}"),
        Axis("predicted − true"),
    )


def _notes(evaluation: Evaluation, targets: int) -> Iterator[str]:
    levels = evaluation.judging.levels
    if levels:
        yield f"The predictions are quantile {levels[_middle_level(levels)]:g}."
    if targets > MOST_TARGETS:
        yield f"The first {MOST_TARGETS} of {targets} targets."
    examples = len(evaluation.outputs.weights)
    if examples > MOST_POINTS:
        yield f"Every {-(-examples // MOST_POINTS)}th of {examples:,} examples is drawn."
    picked = {name: evaluation.metrics[name] for name in evaluation.picked}
    yield ", ".join(f"{name} {value:.4g}" for name, value in picked.items()) + "."
