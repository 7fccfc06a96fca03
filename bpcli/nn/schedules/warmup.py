"""A linear warm-up in front of any schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Le

from bpcli.nn import Array, IndexArray
from bpcli.nn.schedules.course import Course, Objection, Schedule, objection
from bpcli.nn.schedules.decays import Constant


@dataclass(frozen=True)
class Warmup:
    """η · (start + (1 − start) t/N) for the first N updates, t of them before; afterwards ``then``.

    N is ``steps``, or those of ``epochs``; 1 epoch where neither is given (PyTorch's LinearLR, with SequentialLR). What
    follows counts from the end of the warm-up, and what is left of the training is its whole.
    """

    epochs: Annotated[int, Ge(1)] | None = None
    steps: Annotated[int, Ge(1)] | None = None
    start: Annotated[float, Gt(0), Le(1)] = 0.1
    then: Schedule = field(default_factory=Constant)

    formula: ClassVar[str] = (
        r"\eta \cdot (<start> + (1 - <start>) \cdot \frac{<update>}{<length>}) \text{ where } <length> > <update>"
        r" \text{, else } <then>"
    )

    def length(self, course: Course) -> int:
        """N."""
        return self.steps if self.steps is not None else (self.epochs or 1) * course.per_epoch

    def quantities(self, updates: IndexArray, course: Course) -> Mapping[str, Any]:
        """How long it takes."""
        return {"length": self.length(course)}

    def following(self, updates: IndexArray, course: Course) -> tuple[IndexArray, Course]:
        """The updates as what follows counts them, 0 for those before it, and the course that it has."""
        length = self.length(course)
        return np.maximum(updates - length, 0), course.after(length)

    def objection(self, course: Course) -> Objection | None:
        """It has one length, which is shorter than the training; and what follows has its own objections."""
        if self.epochs is not None and self.steps is not None:
            return Objection("steps", "a warm-up has a number of steps or of epochs, not both", "keep one")
        length = self.length(course)
        if length >= course.updates:
            setting = "steps" if self.steps is not None else "epochs"
            message = f"a warm-up of {length} updates is as long as the training, {course.updates}, or longer"
            return Objection(setting, message, "shorten it, or train for more epochs")
        found = objection(self.then, course.after(length))
        return None if found is None else found._replace(setting=f"then.{found.setting}")

    def rates(self, base: float, updates: IndexArray, course: Course) -> Array:
        """The learning rates of ``updates``."""
        length = self.length(course)
        rise = base * (self.start + (1 - self.start) * (updates / length))
        return np.where(updates < length, rise, self.then.rates(base, *self.following(updates, course)))
