"""Epochs taken ahead: the state after each of several epochs, handed over one at a time.

What lies between two short epochs in Python takes as long as they do. So compiled code takes several in one call,
and writes down after each what lasts; the loop then goes from one to the next as if each had just been taken.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

from bpcli.nn import Array
from bpcli.training.state import TrainingState

SECONDS = 0.02
"""How long a call may take: short enough for a signal, a deadline and a bar, and for what an early end throws away."""

MOST = 512
"""The most epochs in one call: what the call itself costs is then nothing for each."""

Take = Callable[[int, list[Array]], tuple[int, list[float]]]
"""Takes so many epochs from the state, and writes down what lasts: in row 0 as it is, then after each epoch.

Returned are how many were taken, fewer if the loss of the next is not finite, and the last learning rate of each.
"""


class Ahead:
    """The epochs that were taken ahead of a state, at most ``room`` at a time, each of so many ``updates``.

    ``seconds`` is how long the last call took, ``share`` what each epoch took of it.
    """

    def __init__(self, state: TrainingState, room: int, updates: int) -> None:
        self.state, self.room, self.updates = state, min(room, MOST), updates
        sums = state.losses.sums, *state.tallies.recorded().tensors().values()
        self.lasting: list[Array] = [state.theta, *state.optimizer.memory.values(), *sums]
        self.seconds = self.share = 0.0
        self._wanted, self._next, self._taken = 2, 0, 0
        self._start = (0, 0, 0)
        self._rates: list[float] = []
        self._rows = self.rows(0)

    def rows(self, count: int) -> list[Array]:
        """Room to write down so many times what lasts."""
        return [np.empty((count, *array.shape), array.dtype) for array in self.lasting]

    def hand_over(self) -> bool:
        """Bring the state from the start of its epoch to the end; False where that epoch was not taken from there."""
        state, k = self.state, self._next
        epoch, step, reductions = self._start
        at = state.epoch, state.optimizer.step, state.plateau.reductions
        if k == self._taken or at != (epoch + k, step + k * self.updates, reductions):
            self._taken = self._next = 0
            return False
        self._next += 1
        self._restore(self._next)
        state.optimizer.step += self.updates
        state.learning_rate = self._rates[k]
        return True

    def take(self, left: int, take: Take) -> bool:
        """Take several epochs from the start of one, of ``left`` that are planned; False where none was taken."""
        count = min(self._wanted, self.room, left)
        if count < 2:
            return False
        began, state = perf_counter(), self.state
        if len(self._rows[0]) <= count:
            self._rows = self.rows(count + 1)
        self._start = state.epoch, state.optimizer.step, state.plateau.reductions
        self._next, (self._taken, self._rates) = 0, take(count, self._rows)
        self._restore(0)
        self.seconds = perf_counter() - began
        self.share = self.seconds / max(self._taken, 1)
        self._wanted = int(count * min(2, SECONDS / self.seconds))
        return self._taken > 0

    def _restore(self, row: int) -> None:
        """Write what lasts into the state, as it was written down in a row."""
        for live, rows in zip(self.lasting, self._rows, strict=True):
            live[...] = rows[row]
