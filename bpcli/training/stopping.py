"""When training ends early: a monitor no longer improves."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, nan


@dataclass
class Waiting:
    """The best value of a monitor so far, NaN before the first, and the epochs in succession without a better one."""

    best: float = nan
    epochs: int = 0


@dataclass(frozen=True)
class EarlyStopping:
    """Training ends once ``patience`` epochs in succession have not improved ``monitor``.

    To improve is to pass the best so far by more than ``min_delta``; a value that is not finite
    improves nothing. This is how Keras's EarlyStopping counts. scikit-learn's ``n_iter_no_change`` ends
    an epoch later, after that many and one more, and its best also moves by less than ``tol``.
    """

    monitor: str
    patience: int = 10
    min_delta: float = 0.0

    def observe(self, waiting: Waiting, value: float, *, higher: bool) -> None:
        """Take notice of an epoch's value; ``higher`` says whether a higher one is better."""
        if self.improves(value, waiting.best, higher=higher):
            waiting.best, waiting.epochs = value, 0
        else:
            waiting.epochs += 1

    def improves(self, value: float, best: float, *, higher: bool) -> bool:
        """Whether a value passes the best by enough; the first finite one does."""
        if not isfinite(best) or not isfinite(value):
            return isfinite(value)
        return value > best + self.min_delta if higher else value < best - self.min_delta

    def reason(self, waiting: Waiting) -> str:
        """Why training is to end, for run.json; empty while it is not."""
        if waiting.epochs < self.patience:
            return ""
        return f"early_stopping: {self.monitor} has not improved for {waiting.epochs} epochs"
