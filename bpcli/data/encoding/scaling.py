"""Scaling: x ↦ (x − shift) / width, both learned from training examples, in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bpcli.errors import DataError
from bpcli.nn import Array


@dataclass(frozen=True)
class Scaling:
    """``shift`` and ``width``, (n,) each, or numbers that hold for all columns.

    A constant column has width 0: it becomes 0, and its scaling cannot be undone.
    """

    shift: Array
    width: Array

    @property
    def factor(self) -> Array:
        """1/width, and 0 for constant columns."""
        return np.where(self.width == 0, 0.0, 1.0 / np.where(self.width == 0, 1.0, self.width))

    def apply(self, values: Array) -> Array:
        """Scale (…, n) values, in float64."""
        scaled: Array = (np.asarray(values, np.float64) - self.shift) * self.factor
        return scaled

    def undo(self, values: Array) -> Array:
        """The values that scale to these."""
        original: Array = np.asarray(values, np.float64) * self.width + self.shift
        return original


def standard(values: Array) -> Scaling:
    """Mean 0 and (population) standard deviation 1 for each column of (N, n)."""
    values = np.asarray(values, np.float64)
    return spread(values.min(axis=0), values.max(axis=0), values.mean(axis=0), values.std(axis=0))


def spread(low: Array, high: Array, mean: Array, deviation: Array) -> Scaling:
    """The standard scaling of columns that run from ``low`` to ``high``; a constant one's deviation may be rounding."""
    return Scaling(mean, np.where(high == low, 0.0, deviation))


def minmax(values: Array) -> Scaling:
    """The range [0, 1] for each column of (N, n)."""
    low, high = np.asarray(values.min(axis=0), np.float64), np.asarray(values.max(axis=0), np.float64)
    return Scaling(low, high - low)


def none(values: Array) -> Scaling:
    """Values as they are."""
    return Scaling(np.zeros(values.shape[1]), np.ones(values.shape[1]))


SCALINGS: dict[str, Callable[[Array], Scaling]] = {"standard": standard, "minmax": minmax, "none": none}


def learn(scale: str, values: Array, names: list[str], path: str) -> Scaling:
    """The scaling of the columns ``names`` of (N, n) training values.

    Raises:
        DataError: a column's numbers are so large, or so near to each other, that float64 can't hold it.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        scaling = SCALINGS[scale](values)
    require_finite(scaling, values.min(axis=0), values.max(axis=0), names, path)
    return scaling


def require_finite(scaling: Scaling, low: Array, high: Array, names: list[str], path: str) -> None:
    """A scaling of columns that run from ``low`` to ``high`` is in the range of float64.

    Raises:
        DataError: it is not.
    """
    with np.errstate(over="ignore"):
        finite = np.isfinite(scaling.shift) & np.isfinite(scaling.width) & np.isfinite(scaling.factor)
    if not finite.all():
        column = int(np.flatnonzero(~finite)[0])
        raise DataError(
            f"column {names[column]!r} runs from {low[column]:g} to {high[column]:g}, which can't be scaled",
            where=path,
            hint="correct its numbers, or leave it out",
        )


def stored(scaled: Array, dtype: np.dtype, names: Sequence[str], where: Callable[[int], str]) -> Array:
    """(N, n) scaled values in the network's precision; ``where`` gives the place of row i.

    Raises:
        DataError: one of them is out of its range.
    """
    with np.errstate(over="ignore"):
        values: Array = scaled.astype(dtype)
    infinite = np.argwhere(np.isinf(values))
    if len(infinite):
        row, column = infinite[0]
        raise DataError(
            f"column {names[column]!r}, scaled, is {scaled[row, column]:g}, out of the range of {dtype}",
            where=where(int(row)),
            hint="correct the number, or choose another scale or dtype: float64",
        )
    return values
