"""Numbers for reading, and how much of a matrix is shown."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from bpcli.nn import Array

DECIMALS = 6
FIXED = (1e-3, 1e5)
"""Between these magnitudes six decimals say enough; outside, a power of ten does."""

MAX_ROWS, MAX_COLUMNS, MAX_WIDE_COLUMNS = 10, 6, 4
"""What fits a page: of a larger matrix the first rows and columns, fewer where powers of ten make them wide."""


@dataclass(frozen=True)
class Shown:
    """The cells of a matrix that are shown, as text, and what is said of the rest."""

    cells: list[list[str]]
    more_rows: bool
    more_columns: bool
    remark: str


def shape(value: Array) -> str:
    """``3 × 2``; a number has none."""
    return " × ".join(map(str, value.shape))


def figure(value: float) -> str:
    """A number with six decimals, or five and a power of ten where those say too little."""
    if value == 0:
        return "0"
    if not isfinite(value) or FIXED[0] <= abs(value) < FIXED[1]:
        return f"{value:.{DECIMALS}f}"
    return f"{value:.{DECIMALS - 1}e}"


def short(value: float) -> str:
    """A number by itself, six digits without trailing zeros."""
    return f"{value:.{DECIMALS}g}"


def shown(value: Array) -> Shown:
    """The leading part of a matrix, whole numbers without decimals where there are no others."""
    rows, columns = value.shape
    part = value[:MAX_ROWS, :MAX_COLUMNS]
    whole = bool((part == np.round(part)).all()) and bool((np.abs(part) < FIXED[1]).all())
    cells = [[f"{entry:.0f}" if whole else figure(entry) for entry in row] for row in part.tolist()]
    wide = any("e" in cell for row in cells for cell in row)
    limit = MAX_WIDE_COLUMNS if wide else MAX_COLUMNS
    hidden = []
    if rows > MAX_ROWS:
        hidden.append(f"{MAX_ROWS} of {rows} rows")
    if columns > limit:
        hidden.append(f"{limit} of {columns} columns")
    remark = f"… {' and '.join(hidden)} shown" if hidden else ""
    return Shown([row[:limit] for row in cells], rows > MAX_ROWS, columns > limit, remark)
