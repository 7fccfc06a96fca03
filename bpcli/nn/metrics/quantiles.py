"""Metrics of quantiles: how well they are met, whether they cross, how many targets they hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bpcli.nn.tallies import Judging, Quantiles


@dataclass(frozen=True)
class MeanPinball:
    """The pinball loss in the target's own units, averaged over levels and targets."""

    higher: ClassVar[bool] = False
    usual: ClassVar[bool] = True
    tally_kind: ClassVar[type[Any]] = Quantiles

    def suits(self, judging: Judging) -> bool:
        """For quantiles."""
        return judging.scoring == "quantiles"

    def value(self, tally: Quantiles) -> float:
        """Σ pinball ÷ examples, averaged."""
        return float(np.mean(tally.sums[3:] / tally.sums[0] * tally.judging.units))


@dataclass(frozen=True)
class Crossing:
    """The share of targets for which a quantile lies below one of a lower level; 0 is as it should be."""

    higher: ClassVar[bool] = False
    usual: ClassVar[bool] = True
    tally_kind: ClassVar[type[Any]] = Quantiles

    def suits(self, judging: Judging) -> bool:
        """For several quantiles of each target."""
        return judging.scoring == "quantiles" and len(judging.levels) > 1

    def value(self, tally: Quantiles) -> float:
        """Crossing targets ÷ targets."""
        return float(tally.sums[1] / (tally.sums[0] * tally.targets))


@dataclass(frozen=True)
class Coverage:
    """The share of targets from the lowest to the highest quantile; with levels 0.1 and 0.9 it should be 0.8."""

    higher: ClassVar[bool] = True
    usual: ClassVar[bool] = True
    tally_kind: ClassVar[type[Any]] = Quantiles

    def suits(self, judging: Judging) -> bool:
        """For several quantiles of each target."""
        return judging.scoring == "quantiles" and len(judging.levels) > 1

    def value(self, tally: Quantiles) -> float:
        """Covered targets ÷ targets."""
        return float(tally.sums[2] / (tally.sums[0] * tally.targets))
