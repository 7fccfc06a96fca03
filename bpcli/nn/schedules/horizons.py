r"""Schedules that go by the whole training, from its first update to its last.

½ (1 + cos x) is computed, and stated, as cos²(x/2), and near its end as the sine of what is left: the same
numbers, with all their digits where they are small.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Le, Lt

from bpcli.nn import Array, IndexArray
from bpcli.nn.schedules.course import Course, Objection, Per, as_rates


@dataclass(frozen=True)
class Polynomial:
    """η_min + (η − η_min) (1 − t/T)^power, t of T updates, or epochs, before (PyTorch's PolynomialLR).

    η_min is ``minimum``; with ``power: 1`` η falls along a line.
    """

    power: Annotated[float, Gt(0)] = 1.0
    minimum: Annotated[float, Ge(0)] = 0.0
    per: Per = "step"

    needs_horizon: ClassVar[bool] = True
    formula: ClassVar[str] = r"<minimum> + (\eta - <minimum>) \cdot (\frac{<total> - <count>}{<total>})^{<power>}"

    def quantities(self, updates: IndexArray, course: Course) -> Mapping[str, Any]:
        """t and T."""
        return course.counted(self.per, updates)

    def rates(self, base: float, updates: IndexArray, course: Course) -> Array:
        """The learning rates of ``updates``."""
        count, total = self.quantities(updates, course).values()
        return as_rates(self.minimum + (base - self.minimum) * ((total - count) / total) ** self.power, updates)


@dataclass(frozen=True)
class Cosine:
    """η_min + (η − η_min) ½ (1 + cos πt/T), t of T updates, or epochs, before; with ``period`` it restarts.

    η_min is ``minimum``. ``period`` is the epochs of the first cycle, and each cycle is ``growth`` times as long as
    the one before (Loshchilov and Hutter 2017, SGDR, eq. 5; PyTorch's CosineAnnealingLR and
    CosineAnnealingWarmRestarts); without it one cycle takes the whole training.
    """

    minimum: Annotated[float, Ge(0)] = 0.0
    period: Annotated[int, Ge(1)] | None = None
    growth: Annotated[int, Ge(1)] = 1
    per: Per = "step"

    formula: ClassVar[str] = (
        r"<minimum> + (\eta - <minimum>) \cdot (\sin(\frac{\pi}{2} \cdot \frac{<length> - <place>}{<length>}))^2"
    )

    @property
    def needs_horizon(self) -> bool:
        """Only where nothing else says how long a cycle is."""
        return self.period is None

    def objection(self, course: Course) -> Objection | None:
        """A cycle must fit in."""
        if self.period is None or self.period <= course.epochs:
            return None
        return Objection(
            "period", f"a cycle of {self.period} epochs is longer than what it has, {course.epochs}", "shorten it"
        )

    def quantities(self, updates: IndexArray, course: Course) -> Mapping[str, Any]:
        """Where an update is in its cycle, and how long that is."""
        count, total = course.counted(self.per, updates).values()
        if self.period is None:
            return {"place": count, "length": total}
        return _cycles(count, self.period * (course.per_epoch if self.per == "step" else 1), self.growth)

    def rates(self, base: float, updates: IndexArray, course: Course) -> Array:
        """The learning rates of ``updates``."""
        place, length = self.quantities(updates, course).values()
        fall = np.sin(np.pi / 2 * ((length - place) / length)) ** 2
        return np.asarray(self.minimum + (base - self.minimum) * fall)


def _cycles(count: IndexArray, first: int, growth: int) -> dict[str, Any]:
    """The place of each count in its cycle, and the cycle's length: the first is ``first`` long."""
    if growth == 1:
        return {"place": count % first, "length": first}
    starts, lengths = [0], [first]
    while starts[-1] + lengths[-1] <= count.max(initial=0):
        starts.append(starts[-1] + lengths[-1])
        lengths.append(lengths[-1] * growth)
    number = np.searchsorted(starts, count, side="right") - 1
    return {"place": count - np.array(starts)[number], "length": np.array(lengths)[number]}


@dataclass(frozen=True)
class OneCycle:
    """From η / div_factor up to η, then down to η / (div_factor · final_div_factor), each along a cosine.

    The rise ends with update pct_start · T − 1 of T, counted from 0 (Smith and Topin 2018; the form is PyTorch's
    OneCycleLR). The momentum of the rule stays as it is: it is not cycled.
    """

    pct_start: Annotated[float, Gt(0), Lt(1)] = 0.3
    div_factor: Annotated[float, Ge(1)] = 25.0
    final_div_factor: Annotated[float, Ge(1)] = 1e4

    needs_horizon: ClassVar[bool] = True
    formula: ClassVar[str] = (
        r"\frac{\eta}{<depth>} + (\eta - \frac{\eta}{<depth>})"
        r" \cdot (\sin(\frac{\pi}{2} \cdot \frac{<last> - <update>}{<last> - <peak>}))^2"
        r" \text{ where } <update> > <peak> \text{, else } \frac{\eta}{<div_factor>}"
        r" + (\eta - \frac{\eta}{<div_factor>}) \cdot (\sin(\frac{\pi}{2} \cdot \frac{<update>}{<peak>}))^2"
    )

    LEAST_RISE: ClassVar[float] = 1e-9
    """The end of the rise where there are too few updates for one: η falls from the second update on."""

    def quantities(self, updates: IndexArray, course: Course) -> Mapping[str, Any]:
        """Where the rise ends, a fraction of updates too, the number of the last update, and the last divisor of η."""
        peak = max(self.pct_start * course.updates - 1, self.LEAST_RISE)
        return {"peak": peak, "last": course.updates - 1, "depth": self.div_factor * self.final_div_factor}

    def rates(self, base: float, updates: IndexArray, course: Course) -> Array:
        """The learning rates of ``updates``."""
        peak, last, depth = self.quantities(updates, course).values()
        lowest, start = base / depth, base / self.div_factor
        rise = np.sin(np.pi / 2 * (updates / peak)) ** 2
        fall = np.sin(np.pi / 2 * ((last - updates) / (last - peak))) ** 2
        rising, falling = start + (base - start) * rise, lowest + (base - lowest) * fall
        return as_rates(np.where(updates > peak, falling, rising), updates)


@dataclass(frozen=True)
class CosLog:
    """η · ½ (1 − cos(2π log₂(1 + (2^cycles − 1) t))), t the share of the updates before: cycles ever longer.

    With 4 cycles, log₂(1 + 15t), it is coslog4 of RealMLP (Holzmüller, Grinsztajn and Steinwart 2024). The rate of the
    first update is 0.
    """

    MOST_CYCLES: ClassVar[int] = 60
    """Of 2⁶⁰ updates, which no training has, the first cycle would take one."""

    cycles: Annotated[int, Ge(1), Le(MOST_CYCLES)] = 4

    needs_horizon: ClassVar[bool] = True
    formula: ClassVar[str] = (
        r"\eta \cdot (\sin(\pi \cdot \frac{\ln(1 + (2^{<cycles>} - 1) \cdot \frac{<update>}{<updates>})}{\ln(2)}))^2"
    )

    def rates(self, base: float, updates: IndexArray, course: Course) -> Array:
        """The learning rates of ``updates``."""
        turns = np.log2(1 + (2**self.cycles - 1) * (updates / course.updates))
        return as_rates(base * np.sin(np.pi * turns) ** 2, updates)
