"""Metrics of a regression: how far outputs are from their targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Gt, Lt

from bpcli.nn import Array
from bpcli.nn.tallies import ErrorParts, Judging, Outputs, Residuals, of_epochs


@dataclass(frozen=True)
class R2:
    """1 − Σ(a − y)² / Σ(y − ȳ)², averaged over targets: 1 is perfect, 0 no better than the mean.

    A target that does not vary contributes 1 if every residual is 0, else 0.
    """

    higher: ClassVar[bool] = True
    usual: ClassVar[bool] = True
    tally_kind: ClassVar[type[Any]] = Residuals

    def suits(self, judging: Judging) -> bool:
        """For a regression."""
        return judging.scoring == "residuals"

    @of_epochs
    def value(self, tally: Residuals) -> Any:
        """The coefficient of determination."""
        squared, spread = tally.row(1), tally.row(3)
        varied = np.where(spread > 0, spread, 1.0)
        constant = np.where(squared > 0, 0.0, 1.0)
        return np.mean(np.where(spread > 0, 1.0 - squared / varied, constant), axis=-1)


@dataclass(frozen=True)
class Rmse:
    """√(mean (a − y)²) in the target's own units, averaged over targets."""

    higher: ClassVar[bool] = False
    usual: ClassVar[bool] = True
    tally_kind: ClassVar[type[Any]] = Residuals

    def suits(self, judging: Judging) -> bool:
        """For a regression."""
        return judging.scoring == "residuals"

    @of_epochs
    def value(self, tally: Residuals) -> Any:
        """The root mean squared error."""
        return np.mean(np.sqrt(tally.row(1) / tally.sums[..., :1]) * tally.judging.units, axis=-1)


@dataclass(frozen=True)
class Mae:
    """mean |a − y| in the target's own units, averaged over targets."""

    higher: ClassVar[bool] = False
    usual: ClassVar[bool] = True
    tally_kind: ClassVar[type[Any]] = Residuals

    def suits(self, judging: Judging) -> bool:
        """For a regression."""
        return judging.scoring == "residuals"

    @of_epochs
    def value(self, tally: Residuals) -> Any:
        """The mean absolute error."""
        return np.mean(tally.row(0) / tally.sums[..., :1] * tally.judging.units, axis=-1)


@dataclass(frozen=True)
class Mse:
    """mean (a − y)² in the target's own units, averaged over targets; without the ½ of the loss."""

    higher: ClassVar[bool] = False
    usual: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = Residuals

    def suits(self, judging: Judging) -> bool:
        """For a regression."""
        return judging.scoring == "residuals"

    @of_epochs
    def value(self, tally: Residuals) -> Any:
        """The mean squared error."""
        return np.mean(tally.row(1) / tally.sums[..., :1] * np.square(tally.judging.units), axis=-1)


@dataclass(frozen=True)
class MedianAbsoluteError:
    """The median of |a − y| in the target's own units, averaged over targets.

    Of weighted examples it is where half of their weight lies below, the mean of both sides where half does exactly.
    """

    higher: ClassVar[bool] = False
    usual: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = Outputs

    def suits(self, judging: Judging) -> bool:
        """For a regression."""
        return judging.scoring == "residuals"

    def value(self, tally: Outputs) -> float:
        """The median absolute error."""
        errors = np.abs(tally.outputs.astype(np.float64) - tally.targets)
        medians = np.array([weighted_median(row, tally.weights) for row in errors])
        return float(np.mean(medians * tally.judging.units))


@dataclass(frozen=True)
class ExplainedVariance:
    """1 − Var(y − a) / Var(y), averaged over targets: R² without the error that all examples share.

    A target that does not vary contributes 1 if its errors do not vary either, else 0.
    """

    higher: ClassVar[bool] = True
    usual: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = ErrorParts

    def suits(self, judging: Judging) -> bool:
        """For a regression."""
        return judging.scoring == "residuals"

    def value(self, tally: ErrorParts) -> float:
        """The variance explained."""
        unexplained, spread = tally.rows[4], tally.rows[6]
        varied = np.where(spread > 0, spread, 1.0)
        constant = np.where(unexplained > 0, 0.0, 1.0)
        values = np.where(spread > 0, 1.0 - unexplained / varied, constant)
        return float(np.mean(values)) if tally.sums[0] else float("nan")


@dataclass(frozen=True)
class Mape:
    """mean |a − y| / |y| in the target's own units, averaged over targets; |y| is at least 2⁻⁵²."""

    higher: ClassVar[bool] = False
    usual: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = ErrorParts

    def suits(self, judging: Judging) -> bool:
        """For a regression."""
        return judging.scoring == "residuals"

    def value(self, tally: ErrorParts) -> float:
        """The mean absolute error as a share of the target, 0.05 for 5 %."""
        return float(np.mean(tally.rows[2] / tally.sums[0]))


@dataclass(frozen=True)
class Pinball:
    """level · (y − a) where that is positive, else (1 − level) · (a − y), in the target's own units.

    The mean over examples and targets, least where outputs are the quantile ``level`` (Koenker & Bassett 1978).
    """

    level: Annotated[float, Gt(0), Lt(1)] = 0.5

    higher: ClassVar[bool] = False
    usual: ClassVar[bool] = False
    tally_kind: ClassVar[type[Any]] = ErrorParts

    def suits(self, judging: Judging) -> bool:
        """For a regression."""
        return judging.scoring == "residuals"

    def value(self, tally: ErrorParts) -> float:
        """The mean pinball loss."""
        above, below = tally.rows[:2] * tally.judging.units
        return float(np.mean((self.level * above + (1 - self.level) * below) / tally.sums[0]))


def weighted_median(values: Array, w: Array) -> float:
    """Where half of the weight lies below; the mean of both sides where exactly half does; NaN without weight."""
    kept = w > 0
    values, w = values[kept], w[kept]
    if not len(values):
        return float("nan")
    order = np.argsort(values)
    below = np.cumsum(w[order])
    half = below[-1] / 2
    place = min(int(np.searchsorted(below, half)), len(values) - 1)
    following = min(place + 1, len(values) - 1)
    exactly = below[place] - half <= np.finfo(np.float64).eps
    return float((values[order[place]] + values[order[following if exactly else place]]) / 2)
