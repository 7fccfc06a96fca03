"""Decision regions: which class is decided for where, in the plane of two features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.data.encoding.inputs import Input
from bpcli.data.sources import Rows
from bpcli.figures.drawable import LARGEST
from bpcli.figures.figure import Axis, Figure, Mark, Panel, Points, Regions
from bpcli.figures.kinds.confusion import no_classes
from bpcli.figures.plotted_run import PlottedRun
from bpcli.nn import Array
from bpcli.nn.tallies import described
from bpcli.runs.model_file import Model
from bpcli.training import inference

GRID = 160
"""Points of the plane in each direction."""

MARGIN = 0.08
"""How much of the examples' range is shown beyond them."""

MOST_POINTS = 2000
"""How many examples are drawn."""


@dataclass(frozen=True)
class DecisionRegions:
    """The plane of two features: which class the model decides for at each point, and the examples by their true class.

    For runs that have two columns of numbers as features, no more and no fewer.
    """

    several: ClassVar[bool] = False
    of_part: ClassVar[bool] = True

    def objection(self, run: PlottedRun) -> str:
        """There must be classes, and two inputs that are numbers."""
        inputs = run.model.features.inputs
        if len(inputs) != 2 or any(made.width is None for made in inputs):
            columns = len({made.column for made in inputs})
            return f"it takes two columns of numbers, the run has {columns:,} columns, {len(inputs):,} inputs"
        judging = run.judging
        return f"the run is of {described(judging)}" if judging.labels else no_classes(judging)

    def figure(self, runs: Sequence[PlottedRun]) -> Figure:
        """One panel."""
        (run,) = runs
        names = tuple(map(str, run.evaluation.names))
        values = _in_units(run)
        x, y = (_grid(each) for each in values)
        classes = _decided(run.model, run, x, y)
        true = run.judging.true_classes(run.evaluation.outputs.targets)
        marks: list[Mark] = [Regions(x, y, classes, tuple(f"decided {name}" for name in names))]
        marks += _points(values, true, names)
        first, second = run.model.features.inputs
        axes = Axis(first.column, limits=(x[0], x[-1])), Axis(second.column, limits=(y[0], y[-1]))
        every = -(-len(true) // MOST_POINTS)
        notes = [f"Every {every}th of {len(true):,} examples is drawn."] if every > 1 else []
        return Figure(f"{run.title}: decision regions", (Panel(tuple(marks), "", *axes),), tuple(notes), across=1)


def _points(values: Array, true: Array, names: Sequence[str]) -> Iterator[Mark]:
    """The examples of each class, every few where there are many."""
    every = -(-len(true) // MOST_POINTS)
    for k, name in enumerate(names):
        own = np.flatnonzero(true == k)[::every]
        if len(own):
            yield Points(values[0, own], values[1, own], name, k)


def _in_units(run: PlottedRun) -> Array:
    """The two features of every example in their own units, (2, N)."""
    X = np.empty((2, run.part.size), run.model.dtype, order="F")
    run.part.features.gather(np.arange(run.part.size), X)
    scaling = [(made.shift or 0.0, made.width or 0.0) for made in run.model.features.inputs]
    return np.stack([x.astype(np.float64) * width + shift for x, (shift, width) in zip(X, scaling, strict=True)])


def _grid(values: Array) -> Array:
    low, high = np.clip([values.min(), values.max()], -LARGEST, LARGEST).tolist()
    margin = (high - low) * MARGIN or 1.0
    return np.linspace(low - margin, high + margin, GRID)


def _decided(model: Model, run: PlottedRun, x: Array, y: Array) -> Array:
    """The class that the model decides for at each point, (GRID, GRID), y downwards."""
    first, second = model.features.inputs
    across, down = np.meshgrid(_encoded(x, first), _encoded(y, second))
    rows = np.ascontiguousarray(np.stack([across.ravel(), down.ravel()], axis=1).astype(model.dtype))
    A = inference.outputs(model.network, model.parameters, Rows(rows))
    return run.judging.decided_classes(A).reshape(across.shape)


def _encoded(values: Array, made: Input) -> Array:
    """Values of a column as the network takes them; 0 where the column is constant."""
    if not made.width:
        return np.zeros_like(values)
    return np.asarray((values - (made.shift or 0.0)) / made.width)
