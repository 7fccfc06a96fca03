"""What columns of numbers hold, block by block: how many are missing, and the lowest and the highest of the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bpcli.nn import Array, IndexArray


@dataclass(frozen=True)
class Extent:
    """By column, (n,): how many numbers are missing; the lowest and highest of the others, NaN where there are none."""

    missing: IndexArray
    low: Array
    high: Array

    def joined(self, other: Extent) -> Extent:
        """The extent of the rows of both."""
        low, high = np.fmin(self.low, other.low), np.fmax(self.high, other.high)
        return Extent(self.missing + other.missing, low, high)


def nothing(n: int) -> Extent:
    """The extent of n columns without rows."""
    return Extent(np.zeros(n, np.intp), np.full(n, np.nan), np.full(n, np.nan))


def extent_of(values: Array) -> Extent:
    """The extent of some rows, (m, n) of any type."""
    low, high = np.minimum.reduce(values, axis=0), np.maximum.reduce(values, axis=0)
    missing = np.zeros(values.shape[1], np.intp)
    if values.dtype.kind == "f" and np.isnan(low).any():
        missing += np.isnan(values).sum(axis=0)
        low, high = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
    return Extent(missing, low.astype(np.float64), high.astype(np.float64))
