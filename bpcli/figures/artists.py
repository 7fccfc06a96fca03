"""What Matplotlib draws for each mark of a figure, and the entries of the legend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from bpcli.figures.cell_artists import draw_cells
from bpcli.figures.figure import Band, Bars, Cells, Histogram, Line, Mark, Points, Reference, Regions
from bpcli.figures.inline_svg import INK
from bpcli.figures.palette import MUTED, PALETTE, style_of
from bpcli.figures.words import names_of, shortened

Entries = Iterator[tuple[Any, str]]
"""Handles with their names in the legend."""

MARKED = 12
"""About how many markers a line has."""

FEW = 60
"""Up to so many points are large and opaque."""

HATCHES = ("", "///", "...", "\\\\\\", "xx", "---", "ooo", "+++")


def draw(axes: Any, mark: Mark, number: int) -> Entries:
    """Draw a mark, the ``number``-th of its panel, above those before it; yields its entries in the legend."""
    yield from ARTISTS[type(mark)](axes, mark, 2 + number / 100)


def _entry(handle: Any, name: str) -> Entries:
    if name:
        text = shortened(name)
        yield handle, f"\N{ZERO WIDTH SPACE}{text}" if text.startswith("_") else text  # else Matplotlib hides it


def _line(axes: Any, mark: Line, order: float) -> Entries:
    style = style_of(mark.series)
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
        mark.x, mark.low, mark.high, color=style_of(mark.series).colour, alpha=0.25, linewidth=0, zorder=order
    )
    yield from _entry(handle, mark.name)


def _points(axes: Any, mark: Points, order: float) -> Entries:
    style = style_of(mark.series)
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
    style = style_of(mark.series)
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


def _regions(axes: Any, mark: Regions, order: float) -> Entries:
    from matplotlib.patches import Patch

    for k, name in enumerate(mark.names):
        inside = (mark.classes == k).astype(float)
        colour, hatch = style_of(k).colour, HATCHES[k % len(HATCHES)]
        if inside.any():
            axes.contourf(mark.x, mark.y, inside, (0.5, 1.5), colors=colour, alpha=0.3, hatches=[hatch], zorder=order)
        if inside.any() and not inside.all():
            axes.contour(mark.x, mark.y, inside, (0.5,), colors=MUTED, linewidths=0.8, zorder=order)
        yield from _entry(Patch(facecolor=colour, alpha=0.3, hatch=hatch, edgecolor=MUTED), name)


def _cells(axes: Any, mark: Cells, order: float) -> Entries:
    draw_cells(axes, mark, order)
    yield from ()


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
