"""A matrix as text: its numbers where there is room, else a shade for each cell, or for several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bpcli.figures.figure import Cells, Panel
from bpcli.figures.ticks import numeral, written
from bpcli.figures.words import names_of, shortened
from bpcli.lines.breaking import kept_together, wrapped
from bpcli.lines.cells import cells as cells_of
from bpcli.lines.cells import padded
from bpcli.nn import Array

SHADES = " ░▒▓█"
"""From the lightest to the darkest."""

NAME_WIDTH = 12
"""The widest name of a row or a column."""

MOST_ROWS = 48
"""Lines of a matrix of shades."""


def cell_lines(mark: Cells, panel: Panel, width: int) -> Iterator[str]:
    """The matrix as numbers or as shades, with the names of rows and columns where they fit."""
    table = _table(mark) if mark.numbered and mark.rows and mark.columns else []
    if table and max(map(cells_of, table)) <= width:
        yield from _axes(panel, width)
        yield from table
    else:
        yield from _axes(panel, width)
        yield from _shaded(mark, width)


def _axes(panel: Panel, width: int) -> Iterator[str]:
    """What the rows and the columns are."""
    parts = [("rows", panel.y.label), ("columns", panel.x.label)]
    said = "; ".join(f"{which}: {label}" for which, label in parts if label)
    if said:
        yield shortened(said, width)


def _table(mark: Cells) -> list[str]:
    """The lines with every number, 0 as a dot; each column as wide as it must be."""
    names, heads = names_of(mark.rows, NAME_WIDTH), names_of(mark.columns, NAME_WIDTH)
    texts = [["·" if value == 0 else numeral(float(value)) for value in row] for row in mark.values]
    widths = [max(map(cells_of, column)) for column in zip(heads, *texts, strict=True)]
    first = max(map(cells_of, names))
    rows = [[name, *row] for name, row in zip(["", *names], [heads, *texts], strict=True)]
    return [_row(row, [first, *widths]) for row in rows]


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(
        padded(cell, width, right=k > 0) for k, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )


def _shaded(mark: Cells, width: int) -> Iterator[str]:
    """Each cell two characters wide, or one; if there are still too many, several cells together."""
    names = names_of(mark.rows, NAME_WIDTH)
    first = max(map(cells_of, names), default=-1) + 1
    room = width - first
    pooled, factor = _pooled(mark, room)
    wide = 2 if pooled.shape[1] * 2 <= room else 1
    level = _nearest if mark.signed else _at_least
    shown = names if factor == 1 else ()
    for k, row in enumerate(pooled):
        name = padded(shown[k], first - 1) + " " if shown else ""
        yield name + "".join(SHADES[level(value)] * wide for value in row)
    if mark.columns and factor == 1:
        yield from wrapped(f"columns from left to right: {', '.join(names_of(mark.columns))}", width)
    yield from wrapped(_scale(mark, factor), width)


def _pooled(mark: Cells, room: int) -> tuple[Array, int]:
    """The darkness of each k × k cells that is farthest from nothing, k such that they fit; and k."""
    nothing = 0.5 if mark.signed else 0.0
    beyond = mark.darkness - nothing
    rows, columns = beyond.shape
    factor = max(1, -(-columns // room), -(-rows // MOST_ROWS))
    padded_shape = [-(-size // factor) * factor for size in beyond.shape]
    whole = np.full(padded_shape, -nothing if factor == 1 else 0.0)
    whole[:rows, :columns] = np.nan_to_num(beyond, nan=-nothing if factor == 1 else 0.0)
    blocks = whole.reshape(padded_shape[0] // factor, factor, padded_shape[1] // factor, factor).swapaxes(1, 2)
    flat = blocks.reshape(*blocks.shape[:2], -1)
    farthest = np.take_along_axis(flat, np.abs(flat).argmax(axis=2)[..., None], axis=2)[..., 0]
    return farthest + nothing, factor


def _at_least(value: float) -> int:
    """The shade of a darkness: only what is nothing at all is blank."""
    return int(np.clip(np.ceil(value * (len(SHADES) - 1) - 1e-9), 0, len(SHADES) - 1))


def _nearest(value: float) -> int:
    """The shade of a darkness, the middle one where it is near a half."""
    return int(np.clip(round(value * (len(SHADES) - 1)), 0, len(SHADES) - 1))


def _scale(mark: Cells, factor: int) -> str:
    """What the shades stand for."""
    low, high = (-mark.largest, mark.largest) if mark.signed else (0.0, mark.largest)
    ends = "" if mark.shades is not None else f" from {written(low)} to {written(high)}"
    pooled = f"; each stands for the strongest of {factor} × {factor} cells" if factor > 1 else ""
    return f"light to dark{ends}: {kept_together('|'.join(SHADES))}{pooled}"
