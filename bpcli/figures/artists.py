"""What Matplotlib draws for each mark of a figure, and the entries of the legend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from bpcli.figures.figure import Band, Bars, Cells, Histogram, Line, Mark, Points, Reference, Regions
from bpcli.figures.inline_svg import INK
from bpcli.figures.palette import MUTED, PALETTE, look
from bpcli.figures.ticks import numeral
from bpcli.figures.words import names_of, shortened

Entries = Iterator[tuple[Any, str]]
"""Handles with their names in the legend."""

MARKED = 12
"""About how many markers a line has."""

FEW = 60
"""Up to so many points are large and opaque."""

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

HATCHES = ("", "///", "...", "\\\\\\", "xx", "---", "ooo", "+++")


def draw(axes: Any, mark: Mark, number: int) -> Entries:
    """Draw a mark, the ``number``-th of its panel, above those before it; yields its entries in the legend."""
    yield from ARTISTS[type(mark)](axes, mark, 2 + number / 100)


def _entry(handle: Any, name: str) -> Entries:
    if name:
        text = shortened(name)
        yield handle, f"\N{ZERO WIDTH SPACE}{text}" if text.startswith("_") else text  # else Matplotlib hides it


def _line(axes: Any, mark: Line, order: float) -> Entries:
    style = look(mark.look)
    dashes: Any = (0, style.dashes) if style.dashes else "solid"
    few = len(mark.x) <= 1
    (handle,) = axes.plot(
        mark.x,
        mark.y,
        color=style.colour,
        linestyle=dashes,
        marker=style.marker,
        markersize=6 if few else 4,
        markevery=max(1, -(-len(mark.x) // MARKED)),
        zorder=order,
    )
    yield from _entry(handle, mark.name)


def _band(axes: Any, mark: Band, order: float) -> Entries:
    handle = axes.fill_between(
        mark.x, mark.low, mark.high, color=look(mark.look).colour, alpha=0.25, linewidth=0, zorder=order
    )
    yield from _entry(handle, mark.name)


def _points(axes: Any, mark: Points, order: float) -> Entries:
    style = look(mark.look)
    few = len(mark.x) <= FEW
    size, edge, alpha = (70, INK, 1.0) if mark.strong else (44 if few else 14, "none", 1.0 if few else 0.6)
    face = "none" if mark.strong else style.colour
    handle = axes.scatter(
        mark.x,
        mark.y,
        s=size,
        marker="o" if mark.strong else style.marker,
        facecolors=face,
        edgecolors=edge,
        alpha=alpha,
        linewidths=1.4 if mark.strong else 0,
        zorder=order,
    )
    yield from _entry(handle, mark.name)


def _reference(axes: Any, mark: Reference, order: float) -> Entries:
    (handle,) = axes.plot(mark.x, mark.y, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=order)
    yield from _entry(handle, mark.name)


def _histogram(axes: Any, mark: Histogram, order: float) -> Entries:
    style = look(mark.look)
    handle = axes.stairs(mark.heights, mark.edges, fill=True, color=style.colour, alpha=0.7, zorder=order)
    yield from _entry(handle, mark.name)


def _bars(axes: Any, mark: Bars, order: float) -> Entries:
    places = np.arange(len(mark.names))
    whiskers = None if not len(mark.low) else np.stack([mark.lengths - mark.low, mark.high - mark.lengths])
    axes.barh(
        places,
        mark.lengths,
        height=0.7,
        color=PALETTE[0].colour,
        xerr=whiskers,
        error_kw={"ecolor": MUTED, "capsize": 2.5, "elinewidth": 1.2},
        zorder=order,
    )
    axes.axvline(0, color=MUTED, linewidth=0.9, zorder=order)
    axes.set_yticks(places, names_of(mark.names))
    axes.set_ylim(len(mark.names) - 0.4, -0.6)
    yield from ()


def _cells(axes: Any, mark: Cells, order: float) -> Entries:
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
    yield from ()


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


def _regions(axes: Any, mark: Regions, order: float) -> Entries:
    from matplotlib.patches import Patch

    for k, name in enumerate(mark.names):
        inside = (mark.classes == k).astype(float)
        colour, hatch = look(k).colour, HATCHES[k % len(HATCHES)]
        if inside.any():
            axes.contourf(mark.x, mark.y, inside, (0.5, 1.5), colors=colour, alpha=0.3, hatches=[hatch], zorder=order)
        if inside.any() and not inside.all():
            axes.contour(mark.x, mark.y, inside, (0.5,), colors=MUTED, linewidths=0.8, zorder=order)
        yield from _entry(Patch(facecolor=colour, alpha=0.3, hatch=hatch, edgecolor=MUTED), name)


ARTISTS: Mapping[type[Any], Callable[[Any, Any, float], Entries]] = {
    Line: _line,
    Band: _band,
    Points: _points,
    Reference: _reference,
    Histogram: _histogram,
    Bars: _bars,
    Cells: _cells,
    Regions: _regions,
}
