"""The weights of the first layer: what each of its units looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import ClassVar

import numpy as np

from bpcli.data.encoding.inputs import Input
from bpcli.figures.figure import Axis, Cells, Figure, Panel
from bpcli.figures.plotted_run import PlottedRun
from bpcli.nn import Array
from bpcli.reporting.pixels import image_shape

MOST_IMAGES, MOST_UNITS = 16, 48
"""How many units are shown, as images and as rows."""


@dataclass(frozen=True)
class Weights:
    """The weights W of the first layer, as they are after scaling the inputs: a row for each unit.

    Where the inputs are pixels, each unit's weights are an image: the columns are then named by row and column, such as
    pixel_0_7, or counted up to a square, as those of images in arrays are. Light is positive, dark negative, all on
    one scale.
    """

    several: ClassVar[bool] = False
    of_part: ClassVar[bool] = False

    def objection(self, run: PlottedRun) -> str:
        """Every network has a first layer."""
        return ""

    def figure(self, runs: Sequence[PlottedRun]) -> Figure:
        """One panel: images side by side, or a matrix."""
        (run,) = runs
        W = np.asarray(run.model.parameters.W[1], np.float64)
        shape = image_shape(run.model.features.inputs)
        most = MOST_UNITS if shape is None else MOST_IMAGES
        notes = [f"The weights reach from {W.min():.3g} to {W.max():.3g}."]
        if len(W) > most:
            notes.append(f"The {most} of {len(W):,} units with the largest weights.")
        units = np.sort(np.argsort(-np.abs(W).sum(axis=1), kind="stable")[:most])
        W = W[units]
        if shape is None:
            names = tuple(map(input_name, run.model.features.inputs))
            rows = tuple(str(unit + 1) for unit in units)
            cells = Cells(W, rows, names, signed=True, numbered=True)
            panel = Panel((cells,), "", Axis("input"), Axis("unit"))
        else:
            across = isqrt(len(W) - 1) + 1
            notes.append(f"Units from left to right, {across} in a row, each {shape[0]} × {shape[1]} pixels.")
            panel = Panel((Cells(mosaic(W, shape, across), signed=True),))
        return Figure(f"{run.folder.name}: weights of the first layer", (panel,), tuple(notes), across=1)


def input_name(made: Input) -> str:
    """An input's column, with what of it the input is."""
    return f"{made.column} {made.part}" if made.part else made.column


def mosaic(W: Array, shape: tuple[int, int], across: int) -> Array:
    """The units' weights, (units, pixels), as images side by side, NaN between them."""
    height, width = shape
    down = -(-len(W) // across)
    whole = np.full((down * (height + 1) - 1, across * (width + 1) - 1), np.nan)
    for k, w in enumerate(W):
        top, left = k // across * (height + 1), k % across * (width + 1)
        whole[top : top + height, left : left + width] = w.reshape(shape)
    return whole
