"""Which parameters a run keeps: those of its last epoch, or of the best by a monitor."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, nan
from typing import ClassVar, Protocol

from bpcli.nn import Array

VALIDATION_LOSS = "val_loss"


class Keep(Protocol):
    """A choice of the parameters to keep.

    ``monitor`` is the column of metrics.csv that it goes by, empty where it needs none.
    ``unfinished`` says whether it takes the parameters in the middle of an epoch if training ends there by
    its deadline; one that does not takes them only if no epoch has ended.
    """

    @property
    def monitor(self) -> str:
        """The column that decides."""
        ...

    @property
    def unfinished(self) -> bool:
        """Whether it takes the parameters of an unfinished epoch."""
        ...

    def prefers(self, value: float, kept: float, *, higher: bool) -> bool:
        """Whether an epoch with this ``value`` of the monitor takes the place of the one kept.

        ``kept`` is the value of the latter, NaN where there is none; ``higher`` says whether
        a higher value is better.
        """
        ...


@dataclass(frozen=True)
class Best:
    """The parameters of the epoch with the best value of ``monitor``, the first of equal ones.

    A monitor is a column of metrics.csv: loss, val_loss, or a metric, with val_ that of the
    validation part. A value that is not finite never wins; while there is no other, the last epoch is kept.
    """

    monitor: str = VALIDATION_LOSS

    unfinished: ClassVar[bool] = False

    def prefers(self, value: float, kept: float, *, higher: bool) -> bool:
        """Whether it is strictly better, or no finite value is kept."""
        return not isfinite(kept) or (isfinite(value) and (value > kept if higher else value < kept))


@dataclass(frozen=True)
class Last:
    """The parameters at the end of training: of the last epoch, or where ``max_seconds`` ended it."""

    monitor: ClassVar[str] = ""
    unfinished: ClassVar[bool] = True

    def prefers(self, value: float, kept: float, *, higher: bool) -> bool:
        """Always."""
        return True


KEEPS: dict[str, type[Keep]] = {"best": Best, "last": Last}
"""What a run may keep."""


@dataclass
class Kept:
    """The parameters that a run keeps so far: θ, (P,), as it was after ``epoch``, 0 before the first.

    ``value`` is that epoch's value of the monitor, NaN where there is none; ``examples`` is how many of the next
    epoch these parameters have seen too, which has then not ended.
    """

    theta: Array
    epoch: int = 0
    value: float = nan
    examples: int = 0

    def take(self, theta: Array, epoch: int, value: float, examples: int = 0) -> None:
        """Keep these parameters instead; they are copied into the same array."""
        self.theta[...] = theta
        self.epoch, self.value, self.examples = epoch, value, examples
