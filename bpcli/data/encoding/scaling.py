"""Scaling: x ↦ (x − shift) / width, both learned from a summary of the training examples, in float64.

A rule of scaling is a class and a line of ``SCALINGS``; features of tables and
matrices and targets all learn by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from bpcli.data.encoding.summaries import Summary
from bpcli.errors import DataError
from bpcli.nn import Array
from bpcli.storage.strict_json import Saved


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
        """Scale (…, n) values, in float64; infinite where they are out of its range."""
        with np.errstate(over="ignore", invalid="ignore"):
            scaled: Array = (np.asarray(values, np.float64) - self.shift) * self.factor
        return scaled

    def undo(self, values: Array) -> Array:
        """The values that scale to these."""
        original: Array = np.asarray(values, np.float64) * self.width + self.shift
        return original


def scaling_from_json(keys: Mapping[str, Saved], columns: int | None) -> Scaling:
    """The scaling whose ``shift`` and ``width`` are saved: a number for each column, or, with None, one for all."""

    def read(key: str) -> Array:
        return np.asarray(keys[key].number() if columns is None else keys[key].numbers(columns), np.float64)

    scaling = Scaling(read("shift"), read("width"))
    with np.errstate(over="ignore"):
        if not np.isfinite(scaling.factor).all():
            keys["width"].refuse("is too near to 0 to divide by")
    return scaling


class ScalingRule(Protocol):
    """A choice of scaling: what is learned from the training examples."""

    def learn(self, summary: Summary) -> Scaling:
        """The scaling of the columns summarised, (n,)."""
        ...

    def of_bytes(self) -> Scaling | None:
        """The one scaling of all bytes of images, None where they are learned column by column."""
        ...


@dataclass(frozen=True)
class Standard:
    """Mean 0 and (population) standard deviation 1 for each column."""

    moments: ClassVar[bool] = True

    def learn(self, summary: Summary) -> Scaling:
        """(x − mean)/deviation; a constant column's deviation may be rounding, so its width is 0."""
        return Scaling(summary.mean, np.where(summary.high == summary.low, 0.0, summary.deviation))

    def of_bytes(self) -> Scaling | None:
        """None."""
        return None


@dataclass(frozen=True)
class MinMax:
    """The range [0, 1] for each column; bytes of images share the range 0–255."""

    BYTE: ClassVar[float] = 255.0

    def learn(self, summary: Summary) -> Scaling:
        """(x − low)/(high − low)."""
        return Scaling(summary.low, summary.high - summary.low)

    def of_bytes(self) -> Scaling | None:
        """x/255."""
        return Scaling(np.asarray(0.0), np.asarray(self.BYTE))


@dataclass(frozen=True)
class Unscaled:
    """Values as they are."""

    def learn(self, summary: Summary) -> Scaling:
        """Shift 0 and width 1."""
        return Scaling(np.zeros(len(summary.low)), np.ones(len(summary.low)))

    def of_bytes(self) -> Scaling | None:
        """None."""
        return None


SCALINGS: dict[str, type[ScalingRule]] = {"standard": Standard, "minmax": MinMax, "none": Unscaled}


def asks_for_moments(scale: str) -> bool:
    """Whether a rule says, by ``moments``, that it asks for mean and deviation; one that does not may ask later."""
    return bool(getattr(SCALINGS[scale], "moments", False))


def learn_scaling(scale: str, summary: Summary, names: Sequence[str], path: str) -> Scaling:
    """The scaling of the columns ``names`` by the rule ``scale``.

    Raises:
        DataError: a column's numbers are so large, or so near to each other, that float64 can't hold it.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        scaling = SCALINGS[scale]().learn(summary)
        held = np.isfinite(scaling.shift) & np.isfinite(scaling.width) & np.isfinite(scaling.factor)
        held &= (scaling.width != 0) | (summary.low == summary.high)
    if not held.all():
        column = int(np.flatnonzero(~held)[0])
        raise DataError(
            f"column {names[column]!r} runs from {summary.low[column]:g} to {summary.high[column]:g}, "
            "which can't be scaled",
            where=path,
            hint="correct its numbers, or leave it out",
        )
    return scaling


def in_precision(scaled: Array, dtype: np.dtype, names: Sequence[str], where: Callable[[int], str]) -> Array:
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
