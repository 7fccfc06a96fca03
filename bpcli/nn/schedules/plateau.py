"""A schedule that is driven by results: it lowers η where they no longer improve."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Lt

from bpcli.nn import Array, IndexArray
from bpcli.nn.schedules.course import Course, Plateau


@dataclass(frozen=True)
class ReduceOnPlateau:
    """η times ``factor`` whenever a monitor has not improved for more than ``patience`` epochs, down to ``minimum``.

    The monitor is a column of metrics.csv, by default that of ``keep``, else val_loss. To improve is to pass the
    best so far by ``min_delta`` of it, or, with ``relative: false``, by ``min_delta``. For ``cooldown`` epochs after a
    reduction nothing is counted. These are the conventions of PyTorch's ReduceLROnPlateau (its eps is 0).
    """

    monitor: str | None = None
    factor: Annotated[float, Gt(0), Lt(1)] = 0.1
    patience: Annotated[int, Ge(0)] = 10
    min_delta: Annotated[float, Ge(0)] = 1e-4
    relative: bool = True
    cooldown: Annotated[int, Ge(0)] = 0
    minimum: Annotated[float, Ge(0)] = 0.0

    formula: ClassVar[str] = (
        r"\eta \cdot <factor>^{<reductions>} \text{ where } \eta \cdot <factor>^{<reductions>} > <minimum>"
        r" \text{, else } <minimum> \text{ where } \eta > <minimum> \text{, else } \eta"
    )

    def rates(self, base: float, updates: IndexArray, course: Course) -> Array:
        """The same for all of ``updates``, after so many reductions as the course has; never above ``base``."""
        reduced = max(base * self.factor**course.reductions, min(self.minimum, base))
        rates = np.empty(len(updates))
        rates.fill(reduced)
        return rates

    def observe(self, plateau: Plateau, value: float, *, higher: bool) -> None:
        """Take notice of an epoch's value of the monitor; ``higher`` says whether a higher one is better."""
        if self.improves(value, plateau.best, higher=higher):
            plateau.best, plateau.waited = value, 0
        else:
            plateau.waited += 1
        if plateau.cooling > 0:
            plateau.cooling, plateau.waited = plateau.cooling - 1, 0
        if plateau.waited > self.patience:
            plateau.reductions += 1
            plateau.cooling, plateau.waited = self.cooldown, 0

    def improves(self, value: float, best: float, *, higher: bool) -> bool:
        """Whether a value passes the best by enough; the first finite one does."""
        if not isfinite(best) or not isfinite(value):
            return isfinite(value)
        margin = self.min_delta * (abs(best) if self.relative else 1.0)
        return value > best + margin if higher else value < best - margin
