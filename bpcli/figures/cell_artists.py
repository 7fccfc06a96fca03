"""What Matplotlib draws for a matrix: cells, their names and numbers, and what the colours stand for."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.figures.figure import Cells
from bpcli.figures.inline_svg import INK
from bpcli.figures.palette import MUTED, PALETTE
from bpcli.figures.ticks import numeral
from bpcli.figures.words import names_of

MOST_NAMES = 36
"""Rows or columns of cells up to which each has its name."""

MOST_ROWS, MOST_CHARACTERS = 20, 45
"""Rows, and characters of a row, up to which cells have their numbers."""

MOST_DRAWN = 40
"""Rows or columns of cells up to which each cell is drawn by itself, not as a pixel."""

SHADES = PALETTE[0].colour
"""The colour of cells, opaque where they are darkest."""

SIGNED_SHADES = "cividis"
"""Matplotlib's name of the colours of signed cells: from dark to light also to the colour-blind and in grey."""

SCALE_STEPS = 64
"""How many colours signed cells have."""

LIGHT_TEXT_FROM = 0.55
"""From which darkness of a cell its number is white; of signed cells, whose scale ends light, below it."""


def draw_cells(axes: Any, mark: Cells, order: float) -> None:
    """Draw the cells, their names and numbers, and the scale of signed ones."""
    colours = _signed_colours(mark) if mark.signed else _shaded_colours(mark)
    rows, columns = mark.values.shape
    if max(rows, columns) <= MOST_DRAWN:
        corners = np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5
        edge = "none" if mark.signed else MUTED
        axes.pcolormesh(*corners, colours, edgecolors=edge, linewidth=0.15, zorder=order)
    else:
        axes.imshow(colours, aspect="auto", interpolation="nearest", zorder=order)
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_aspect("equal" if max(rows, columns) <= 4 * min(rows, columns) else "auto")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    _name_cells(axes, mark)
    if mark.signed:
        _colour_scale(axes, mark)
    if mark.numbered and rows <= MOST_ROWS:
        _number_cells(axes, mark)


def _shaded_colours(mark: Cells) -> Any:
    """RGBA of each cell: one colour, more opaque where the cell is darker, so that it suits any page."""
    from matplotlib.colors import to_rgb

    colours = np.empty((*mark.values.shape, 4))
    colours[..., :3] = to_rgb(SHADES)
    colours[..., 3] = np.nan_to_num(mark.darkness)
    return colours


def _signed_colours(mark: Cells) -> Any:
    from matplotlib import colormaps

    colours = colormaps[SIGNED_SHADES].resampled(SCALE_STEPS)(np.nan_to_num(mark.darkness, nan=0.5))
    colours[~np.isfinite(mark.values), 3] = 0
    return colours


def _colour_scale(axes: Any, mark: Cells) -> None:
    """A bar beside the cells that says what their colours stand for."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    colours = colormaps[SIGNED_SHADES].resampled(SCALE_STEPS)
    scale = ScalarMappable(Normalize(-mark.largest, mark.largest), colours)
    bar = axes.figure.colorbar(scale, ax=axes, shrink=0.8, drawedges=False)
    bar.outline.set_visible(False)


def _name_cells(axes: Any, mark: Cells) -> None:
    """Name the rows and columns: all where there is room, else every n-th."""
    for names, set_ticks, rotation in ((mark.rows, axes.set_yticks, 0), (mark.columns, axes.set_xticks, 90)):
        every = -(-len(names) // MOST_NAMES) or 1
        shown = names_of(names[::every], 16)
        turned = rotation if any(len(name) > 3 for name in shown) or len(shown) > 15 else 0
        set_ticks(range(0, len(names), every), shown, rotation=turned)


def _number_cells(axes: Any, mark: Cells) -> None:
    """Write the number of each cell that is not 0, if all of them have room."""
    texts = {place: numeral(float(value)) for place, value in np.ndenumerate(mark.values) if value}
    longest = max(map(len, texts.values()), default=0)
    if longest * mark.values.shape[1] > MOST_CHARACTERS:
        return
    size = 8 if len(mark.values) <= 12 else 6
    for (row, column), text in texts.items():
        if np.isfinite(mark.values[row, column]):
            colour = _text_colour(mark, float(mark.darkness[row, column]))
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=size, zorder=5)


def _text_colour(mark: Cells, darkness: float) -> str:
    """The colour of a number: white on a dark cell, else the page's, or black where the cell hides the page."""
    if mark.signed:
        return "white" if darkness < LIGHT_TEXT_FROM else "black"
    return "white" if darkness >= LIGHT_TEXT_FROM else INK
