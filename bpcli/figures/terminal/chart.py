"""Lines, points and histograms on common axes, each series by a character of its own, below its legend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from bpcli.figures.drawable import drawable
from bpcli.figures.figure import Band, Histogram, Line, Mark, Panel, Points, Reference, Regions
from bpcli.figures.palette import style_of
from bpcli.figures.terminal.frame import HEIGHT, Frame, framed
from bpcli.figures.words import shortened
from bpcli.lines.breaking import kept_together, wrapped
from bpcli.lines.cells import cells
from bpcli.nn import Array

REFERENCE, BAND, STRONG, FILLED = "·", "░", "◆", "█"
"""The characters of what is no series of its own."""

REGIONS = ".:-~'^,_"
"""The characters that fill the regions of classes; points of the same class have that of their series."""


def chart_lines(panel: Panel, width: int, height: int = HEIGHT) -> Iterator[str]:
    """The legend, and the chart, ``height`` lines of it, above what its x axis counts."""
    panel = drawable(panel)
    extents = [pair for mark in panel.marks for pair in _extent(mark)]
    frame = framed(panel.x, panel.y, extents, width, height)
    for mark in panel.marks:
        DRAWERS[type(mark)](frame, mark)
    yield from _legend(panel, width)
    yield from frame.text().splitlines()
    label = shortened(panel.x.label, width)
    yield " " * ((width - cells(label)) // 2) + label


def _extent(mark: Mark) -> Iterator[tuple[Array, Array]]:
    """The x and y that the axes must hold."""
    if isinstance(mark, Line | Points | Reference):
        yield mark.x, mark.y
    elif isinstance(mark, Band):
        yield mark.x, mark.low
        yield mark.x, mark.high
    elif isinstance(mark, Histogram):
        yield mark.edges, np.append(mark.heights, 0.0)
    elif isinstance(mark, Regions):
        yield mark.x[[0, -1]], mark.y[[0, -1]]


def _draw_line(frame: Frame, mark: Line) -> None:
    frame.line(mark.x, mark.y, style_of(mark.series).character)


def _draw_reference(frame: Frame, mark: Reference) -> None:
    frame.line(mark.x, mark.y, REFERENCE)


def _draw_points(frame: Frame, mark: Points) -> None:
    frame.scatter(mark.x, mark.y, STRONG if mark.strong else style_of(mark.series).character)


def _draw_band(frame: Frame, mark: Band) -> None:
    """Fill the band at every column of characters."""
    there = np.isfinite(mark.low) & np.isfinite(mark.high)
    if not there.any():
        return
    x, low, high = mark.x[there], mark.low[there], mark.high[there]
    across = np.linspace(x[0], x[-1], 2 * frame.columns)
    steps = np.linspace(0, 1, 2 * frame.rows)[:, None]
    bottom, top = np.interp(across, x, low), np.interp(across, x, high)
    frame.scatter(np.tile(across, len(steps)), (bottom + steps * (top - bottom)).ravel(), BAND)


def _draw_histogram(frame: Frame, mark: Histogram) -> None:
    across = np.linspace(mark.edges[0], mark.edges[-1], 2 * frame.columns)
    bins = np.clip(np.searchsorted(mark.edges, across, side="right") - 1, 0, len(mark.heights) - 1)
    steps = np.linspace(0, 1, 2 * frame.rows)[:, None]
    heights = mark.heights[bins]
    filled = np.where(heights > 0, steps * heights, np.nan)
    frame.scatter(np.tile(across, len(steps)), filled.ravel(), FILLED)


def _draw_regions(frame: Frame, mark: Regions) -> None:
    x, y = np.meshgrid(mark.x, mark.y)
    for k in range(len(mark.names)):
        inside = mark.classes == k
        frame.scatter(x[inside], y[inside], REGIONS[k % len(REGIONS)])


DRAWERS: Mapping[type[Any], Callable[[Frame, Any], None]] = {
    Line: _draw_line,
    Band: _draw_band,
    Points: _draw_points,
    Reference: _draw_reference,
    Histogram: _draw_histogram,
    Regions: _draw_regions,
}


def _legend(panel: Panel, width: int) -> Iterator[str]:
    """What the axis counts, and the characters of the series, in as many lines as they need."""
    label = f"{panel.y.label}:" if panel.y.label else ""
    words = [shortened(label, width), *(f"{character} {shortened(name)}" for character, name in _entries(panel))]
    yield from wrapped("  ".join(kept_together(word) for word in words if word), width)


def _entries(panel: Panel) -> Iterator[tuple[str, str]]:
    for mark in panel.marks:
        if isinstance(mark, Regions):
            yield from ((REGIONS[k % len(REGIONS)] * 2, name) for k, name in enumerate(mark.names))
        elif name := getattr(mark, "name", ""):
            yield _character(mark), name


def _character(mark: Mark) -> str:
    if isinstance(mark, Reference):
        return REFERENCE
    if isinstance(mark, Band):
        return BAND
    if isinstance(mark, Histogram):
        return FILLED
    if isinstance(mark, Points) and mark.strong:
        return STRONG
    assert isinstance(mark, Points | Line)
    return style_of(mark.series).character
