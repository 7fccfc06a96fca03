"""A figure drawn with characters, readable in black and white, no line wider than the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from bpcli.errors import printable
from bpcli.figures.drawable import notes_of
from bpcli.figures.figure import Bars, Cells, Figure, Panel
from bpcli.figures.terminal.bars import bar_lines
from bpcli.figures.terminal.cells import cell_lines
from bpcli.figures.terminal.chart import chart_lines
from bpcli.figures.words import shortened
from bpcli.lines.breaking import wrapped

NARROWEST, WIDEST = 40, 110
"""Columns: a picture is not drawn narrower, and gains nothing by being wider."""


def drawn_text(figure: Figure, width: int) -> str:
    """The figure as lines of at most ``width`` characters, one panel below the other, then the notes.

    Raises:
        ConfigError: plotext is not installed.
    """
    across = max(NARROWEST, min(width, WIDEST))
    lines = [shortened(figure.title, across)]
    for panel in figure.panels:
        lines += ["", *_panel_lines(panel, across)]
    notes = [line for note in notes_of(figure) for line in wrapped(printable(note), across)]
    lines += ["", *(shortened(line, across) for line in notes)] if notes else []
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _panel_lines(panel: Panel, width: int) -> Iterator[str]:
    if panel.title:
        yield shortened(panel.title, width)
    yield from _marks_lines(panel, width)


def _marks_lines(panel: Panel, width: int) -> Iterator[str]:
    """Cells and bars stand alone; all else shares axes."""
    first = next(iter(panel.marks), None)
    if isinstance(first, Cells):
        yield from cell_lines(first, panel, width)
    elif isinstance(first, Bars):
        yield from bar_lines(first, panel.x, width)
    else:
        yield from chart_lines(panel, width)
