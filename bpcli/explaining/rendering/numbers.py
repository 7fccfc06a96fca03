"""Numbers for reading, and how much of a matrix is shown."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10

import numpy as np

from bpcli.explaining.explained import DIGITS
from bpcli.nn import Array

FEWER, MORE = 2, 2
"""Of a matrix's decimals every number keeps all but two; a small one adds up to two to all of them."""

LARGEST = 1e5
"""A matrix with a larger number, or one too small for its decimals, is written in powers of ten."""

MAX_ROWS, MAX_COLUMNS = 10, 6
"""How many rows and columns of a matrix are shown."""

LINE, BETWEEN = 66, 3
"""The width of a line of figures, and what each takes beside its digits: six usual ones fit, fewer wide ones."""


@dataclass(frozen=True)
class ShownMatrix:
    """The cells of a matrix that are shown, as text, and a remark on those left out."""

    cells: list[list[str]]
    more_rows: bool
    more_columns: bool
    remark: str


def shape(value: Array) -> str:
    """``3 × 2``; a number has none."""
    return " × ".join(map(str, value.shape))


def notation(values: Array, digits: int = DIGITS) -> str:
    """The format of all numbers of a matrix: without decimals, with some, or in powers of ten."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    if (values == np.round(values)).all() and (sizes < LARGEST).all():
        return ".0f"
    kept, most = max(1, digits - FEWER), digits + MORE
    smallest, largest = sizes.min(initial=1), sizes.max(initial=1)
    if smallest < 10.0 ** (kept - 1 - most) or largest >= LARGEST:
        return f".{digits - 1}e"
    return f".{max(digits, kept - 1 - floor(log10(smallest)))}f"


def figure(value: float, form: str) -> str:
    """A number in its matrix's format; only 0 itself is written 0."""
    return "0" if value == 0 else format(value, form)


def short(value: float, digits: int = DIGITS) -> str:
    """A number by itself, some digits without trailing zeros."""
    return f"{value:.{digits}g}"


def shown(value: Array, digits: int = DIGITS, line: int = LINE) -> ShownMatrix:
    """The leading part of a matrix, in one notation and in lines of at most ``line``."""
    rows, columns = value.shape
    part = value[:MAX_ROWS, :MAX_COLUMNS]
    form = notation(part, digits)
    cells = [[figure(entry, form) for entry in row] for row in part.tolist()]
    widest = max(len(cell.lstrip("-")) for row in cells for cell in row)
    limit = min(MAX_COLUMNS, line // (widest + BETWEEN))
    hidden = []
    if rows > MAX_ROWS:
        hidden.append(f"{MAX_ROWS} of {rows} rows")
    if columns > limit:
        hidden.append(f"{limit} of {columns} columns")
    remark = f"… {' and '.join(hidden)} shown" if hidden else ""
    return ShownMatrix([row[:limit] for row in cells], rows > MAX_ROWS, columns > limit, remark)
