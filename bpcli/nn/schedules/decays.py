"""Schedules that go by what has been: updates, epochs and examples so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Le

from bpcli.nn import Array, IndexArray
from bpcli.nn.schedules.course import Course, Per, as_rates


@dataclass(frozen=True)
class Constant:
    """The same η for every update."""

    formula: ClassVar[str] = r"\eta"

    def rates(self, base: float, updates: IndexArray, course: Course) -> Array:
        """``base`` for each."""
        rates = np.empty(len(updates))
        rates.fill(base)
        return rates


@dataclass(frozen=True)
class Step:
    """η · factor^k, k the number of whole periods of ``every`` epochs so far (PyTorch's StepLR)."""

    LONGEST: ClassVar[int] = 10**9
    """The most epochs that a training has."""

    every: Annotated[int, Ge(1), Le(LONGEST)] = 10
    factor: Annotated[float, Gt(0), Le(1)] = 0.1

    formula: ClassVar[str] = r"\eta \cdot <factor>^{<periods>}"

    def quantities(self, updates: IndexArray, course: Course) -> Mapping[str, Any]:
        """How many periods have passed."""
        return {"periods": updates // course.per_epoch // self.every}

    def rates(self, base: float, updates: IndexArray, course: Course) -> Array:
        """The learning rates of ``updates``."""
        return np.asarray(base * self.factor ** self.quantities(updates, course)["periods"])


@dataclass(frozen=True)
class Exponential:
    """η · factor^t, t the epochs, or the updates, before (PyTorch's ExponentialLR)."""

    factor: Annotated[float, Gt(0), Le(1)] = 0.95
    per: Per = "epoch"

    formula: ClassVar[str] = r"\eta \cdot <factor>^{<count>}"

    def quantities(self, updates: IndexArray, course: Course) -> Mapping[str, Any]:
        """What t counts."""
        return course.counted(self.per, updates)

    def rates(self, base: float, updates: IndexArray, course: Course) -> Array:
        """The learning rates of ``updates``."""
        return np.asarray(base * self.factor ** self.quantities(updates, course)["count"])


@dataclass(frozen=True)
class InverseTime:
    """η / (1 + decay · t)^power, t the updates before, the finished epochs or the examples in these.

    Keras's InverseTimeDecay is ``per: step`` with ``decay`` its decay_rate / decay_steps. scikit-learn's invscaling
    is ``per: example`` with ``power`` its power_t: it counts examples, and changes η after each epoch.
    """

    decay: Annotated[float, Ge(0)] = 1.0
    power: Annotated[float, Gt(0)] = 1.0
    per: Literal["step", "epoch", "example"] = "epoch"

    formula: ClassVar[str] = r"\frac{\eta}{(1 + <decay> \cdot <time>)^{<power>}}"

    def quantities(self, updates: IndexArray, course: Course) -> Mapping[str, Any]:
        """What t counts."""
        epochs = updates // course.per_epoch
        return {"time": {"step": updates, "epoch": epochs, "example": epochs * course.examples}[self.per]}

    def rates(self, base: float, updates: IndexArray, course: Course) -> Array:
        """The learning rates of ``updates``."""
        time = self.quantities(updates, course)["time"]
        return as_rates(base / (1.0 + self.decay * time) ** self.power, updates)
