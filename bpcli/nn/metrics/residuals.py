"""Metrics of a regression: how far outputs are from their targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bpcli.nn.tallies import Judging, Residuals


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

    def value(self, tally: Residuals) -> float:
        """The coefficient of determination."""
        _, squared, _, spread = tally.sums[1:].reshape(4, tally.n)
        varied = np.where(spread > 0, spread, 1.0)
        constant = np.where(squared > 0, 0.0, 1.0)
        return float(np.mean(np.where(spread > 0, 1.0 - squared / varied, constant)))


@dataclass(frozen=True)
class Rmse:
    """√(mean (a − y)²) in the target's own units, averaged over targets."""

    higher: ClassVar[bool] = False
    usual: ClassVar[bool] = True
    tally_kind: ClassVar[type[Any]] = Residuals

    def suits(self, judging: Judging) -> bool:
        """For a regression."""
        return judging.scoring == "residuals"

    def value(self, tally: Residuals) -> float:
        """The root mean squared error."""
        squared = tally.sums[1:].reshape(4, tally.n)[1]
        return float(np.mean(np.sqrt(squared / tally.sums[0]) * tally.judging.units))


@dataclass(frozen=True)
class Mae:
    """mean |a − y| in the target's own units, averaged over targets."""

    higher: ClassVar[bool] = False
    usual: ClassVar[bool] = True
    tally_kind: ClassVar[type[Any]] = Residuals

    def suits(self, judging: Judging) -> bool:
        """For a regression."""
        return judging.scoring == "residuals"

    def value(self, tally: Residuals) -> float:
        """The mean absolute error."""
        absolute = tally.sums[1:].reshape(4, tally.n)[0]
        return float(np.mean(absolute / tally.sums[0] * tally.judging.units))
