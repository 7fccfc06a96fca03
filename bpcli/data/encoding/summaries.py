"""What a matrix's columns hold, learned a few rows at a time: ranges, means and deviations.

A sum splits its rows in halves, and these again, as NumPy's own does (pairwise
summation: Higham 1993, *The accuracy of floating point summation*); only the
smallest pieces are read as they are needed. So the result has the bits of the
sum over a column in memory, and no size of piece changes them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bpcli.data.encoding.scaling import Scaling, none, require_finite, spread
from bpcli.data.encoding.selection import Selection
from bpcli.data.files import memory
from bpcli.data.files.memory import blocks
from bpcli.nn import Array, IndexArray

SMALLEST, UNROLLED = 128, 8
"""NumPy halves more numbers than the first, at a multiple of the second."""


@dataclass(frozen=True)
class Summary:
    """By column, (n,): how many numbers are missing; the lowest and highest of the others, NaN where there are none."""

    missing: IndexArray
    low: Array
    high: Array


def summary(of: Selection) -> Summary:
    """One pass over the rows."""
    n = len(of.columns)
    missing, low, high = np.zeros(n, np.intp), np.full(n, np.nan), np.full(n, np.nan)
    for start, stop in blocks(len(of.rows), n):
        values = of.block(start, stop)
        if values.dtype.kind == "f":
            missing += np.isnan(values).sum(axis=0)
        low = np.fmin(low, np.fmin.reduce(values, axis=0))
        high = np.fmax(high, np.fmax.reduce(values, axis=0))
        of.done(start, stop)
    return Summary(missing, low, high)


def scaling(scale: str, of: Selection, known: Summary, median: Array, names: list[str]) -> Scaling:
    """The scaling of the rows, missing numbers replaced by the median.

    Raises:
        DataError: float64 can't hold it.
    """
    low, high = (np.where(np.isnan(bound), median, bound) for bound in (known.low, known.high))
    with np.errstate(over="ignore", invalid="ignore"):
        if scale == "minmax":
            found = Scaling(low, high - low)
        elif scale == "none":
            found = none(low[None])
        else:
            mean = _sum(of, median, np.zeros(len(low)), 1) / len(of.rows)
            squares = _sum(of, median, mean, 2)
            found = spread(low, high, mean, np.sqrt(squares / len(of.rows)))
    require_finite(found, low, high, names, of.raw.path)
    return found


def _sum(of: Selection, median: Array, shift: Array, power: int) -> Array:
    """Σ (x − shift)^power over all rows, by column, (n,)."""
    leaf = max(SMALLEST, memory.CELLS // max(len(of.columns), 1))

    def between(start: int, stop: int) -> Array:
        if stop - start > leaf:
            half = (stop - start) // 2
            middle = start + half - half % UNROLLED
            return between(start, middle) + between(middle, stop)
        values = np.array(of.block(start, stop).T, np.float64, order="C")
        of.done(start, stop)
        np.copyto(values, median[:, None], where=np.isnan(values))
        np.subtract(values, shift[:, None], values)
        if power == 2:
            np.multiply(values, values, values)
        total: Array = np.add.reduce(values, axis=1)
        return total

    return between(0, len(of.rows))
