"""What results and the clock decide while training goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf, nan

import numpy as np

from bpcli.nn.schedules.course import Driven
from bpcli.training.keeping import Keep, Last
from bpcli.training.state import TrainingState
from bpcli.training.stopping import EarlyStopping

Higher = Callable[[str], bool]
"""Whether a higher value in a column of metrics.csv is better."""


@dataclass(frozen=True)
class Control:
    """How the results of epochs, and the time, act on a training.

    ``reducing`` is the schedule that is driven by results, if there is one; ``max_seconds`` is
    counted from the first step of this training, or of its continuation.
    """

    keep: Keep = field(default_factory=Last)
    stopping: EarlyStopping | None = None
    reducing: Driven | None = None
    max_seconds: float = inf

    def observe(self, state: TrainingState, values: Mapping[str, float], higher: Higher) -> None:
        """Act on the epoch that has just ended: its ``values`` are a row of metrics.csv."""
        keep, value = self.keep, values.get(self.keep.monitor, nan)
        if keep.prefers(value, state.kept.value, higher=bool(keep.monitor) and higher(keep.monitor)):
            state.kept.take(state.theta, state.epoch, value)
        if self.stopping is not None:
            monitor = self.stopping.monitor
            self.stopping.observe(state.waiting, values[monitor], higher=higher(monitor))
        if self.reducing is not None:
            driving = self.reducing.monitor
            assert driving is not None, "resolution does not leave it open"
            self.reducing.observe(state.plateau, values[driving], higher=higher(driving))

    def patience_over(self, state: TrainingState) -> str:
        """Why training is to end after the last epoch; empty while it is not."""
        return "" if self.stopping is None else self.stopping.reason(state.waiting)

    def time_over(self) -> str:
        """Why training ends at its deadline."""
        return f"max_seconds: {self.max_seconds:g} s are over"

    def keep_unfinished(self, state: TrainingState) -> bool:
        """Keep the parameters in the middle of an epoch, at which training ends, if nothing else is to be preferred.

        Those of the best epoch are, where one has ended; parameters that are not finite are never kept.
        """
        wanted = self.keep.unfinished or state.kept.epoch == 0
        if not wanted or state.position == 0 or not np.isfinite(state.theta).all():
            return False
        state.kept.take(state.theta, state.epoch, nan, state.position)
        return True

    def keep_last_finite(self, state: TrainingState) -> None:
        """Keep the parameters just before a divergence, unless those of the best epoch are wanted."""
        if self.keep.unfinished:
            self.keep_unfinished(state)


PLAIN = Control()
"""Every epoch of the plan is trained, and the last one's parameters are kept."""
