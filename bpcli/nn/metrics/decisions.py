"""Metrics of decisions: which classes and labels are right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from bpcli.nn.tallies import Decisions, Judging, of_epochs


@dataclass(frozen=True)
class Accuracy:
    """The share of examples decided correctly; of several labels each must be correct."""

    higher: ClassVar[bool] = True
    usual: ClassVar[bool] = True
    tally_kind: ClassVar[type[Any]] = Decisions

    def suits(self, judging: Judging) -> bool:
        """For classes and labels."""
        return judging.scoring in ("largest", "threshold")

    @of_epochs
    def value(self, tally: Decisions) -> Any:
        """Correct examples ÷ examples."""
        return tally.sums[..., 1] / tally.sums[..., 0]


@dataclass(frozen=True)
class LabelAccuracy:
    """The share of correct decisions over all labels of all examples."""

    higher: ClassVar[bool] = True
    usual: ClassVar[bool] = True
    tally_kind: ClassVar[type[Any]] = Decisions

    def suits(self, judging: Judging) -> bool:
        """For several labels; of one it is the accuracy."""
        return judging.labels > 0

    @of_epochs
    def value(self, tally: Decisions) -> Any:
        """Correct decisions ÷ (labels · examples)."""
        return tally.sums[..., 2] / (tally.sums[..., 0] * tally.n)
