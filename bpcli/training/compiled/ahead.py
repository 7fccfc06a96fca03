"""Epochs taken ahead: the state after each of several epochs, handed over one at a time.

What lies between two short epochs in Python takes as long as they do. So compiled code takes several in one call,
and writes down after each what lasts; the loop then goes from one to the next as if each had just been taken. What
can be found out of all of them at once is: whether their numbers are finite, their losses and their metrics.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

from bpcli.nn import Array
from bpcli.nn.tallies import Tallies
from bpcli.training.state import TrainingState

SECONDS = 0.02
"""How long a call may take: short enough for a signal, a deadline and a bar, and for what an early end throws away."""

MOST = 512
"""The most epochs in one call: what the call itself costs is then nothing for each."""

Take = Callable[[int, list[Array]], tuple[int, list[float]]]
"""Takes so many epochs from the state, and writes down what lasts: in row 0 as it is, then after each epoch.

Returned are how many were taken, fewer if the loss of the next is not finite, and the last learning rate of each.
"""


Pairs = list[tuple[Array, Array]]
"""Arrays of a state, each with the rows in which it is written down."""


class Ahead:
    """The epochs that were taken ahead of a state, at most ``room`` at a time, of so many examples and ``updates``.

    ``seconds`` is how long the last call took, ``share`` what each epoch took of it.
    """

    def __init__(self, state: TrainingState, room: int, examples: int, updates: int) -> None:
        self.state, self.room, self.examples, self.updates = state, min(room, MOST), examples, updates
        self._lives = [state.theta, *state.optimizer.memory.values()]
        self._given = [state.losses.sums, *state.tallies.recorded().tensors().values()]
        self.seconds = self.share = 0.0
        self._wanted, self._next, self._taken = 2, 0, 0
        self._start = (0, 0, 0)
        self._rates: list[float] = []
        self._make_room(0)

    @property
    def lasting(self) -> list[Array]:
        """What is written down: the arrays that an epoch begins with, then what its examples gave."""
        return [*self._lives, *self._given]

    def rows(self, count: int) -> list[Array]:
        """Room to write down so many times what lasts."""
        return [np.empty((count, *array.shape), array.dtype) for array in self.lasting]

    def _make_room(self, count: int) -> None:
        self._rows, began = self.rows(count), len(self._lives)
        self._alive: Pairs = [*zip(self._lives, self._rows[:began], strict=True)]
        self._sums: Pairs = [*zip(self._given, self._rows[began:], strict=True)]

    def __len__(self) -> int:
        """How many epochs can still be handed over."""
        return self._taken - self._next

    @property
    def losses(self) -> Array:
        """What the losses of these epochs add up to, (epochs, 3)."""
        return self._to_come(self._sums)[0]

    @property
    def tallies(self) -> Tallies:
        """Their tallies, whose ``sums`` have a row for each."""
        return self.state.tallies.with_sums(self._to_come(self._sums)[1:])

    def _to_come(self, pairs: Pairs) -> list[Array]:
        return [rows[self._next + 1 : self._taken + 1] for _, rows in pairs]

    def hand_over(self, *, with_sums: bool = True) -> bool:
        """Bring the state from the start of its epoch to the end; False where that epoch was not taken from there.

        Without sums its examples count as not seen, and the caller has to begin the next epoch.
        """
        state, k = self.state, self._next
        epoch, step, reductions = self._start
        at = state.epoch, state.optimizer.step, state.plateau.reductions
        if k == self._taken or at != (epoch + k, step + k * self.updates, reductions):
            self._taken = self._next = 0
            return False
        self._next = k + 1
        _restore(self._alive, k + 1)
        if with_sums:
            _restore(self._sums, k + 1)
            state.position = self.examples
        state.optimizer.step = step + (k + 1) * self.updates
        state.learning_rate = self._rates[k]
        return True

    def take(self, left: int, take: Take) -> bool:
        """Take several epochs from the start of one, of ``left`` that are planned; False where none was taken."""
        count = min(self._wanted, self.room, left)
        if count < 2:
            return False
        began, state = perf_counter(), self.state
        if len(self._rows[0]) <= count:
            self._make_room(count + 1)
        self._start = state.epoch, state.optimizer.step, state.plateau.reductions
        self._next, (self._taken, self._rates) = 0, take(count, self._rows)
        self._taken = self._usable()
        _restore([*self._alive, *self._sums], 0)
        self.seconds = perf_counter() - began
        self.share = self.seconds / max(self._taken, 1)
        self._wanted = int(count * min(2, SECONDS / self.seconds))
        return self._taken > 0

    def _usable(self) -> int:
        """How many of the epochs can be handed over: one that leaves the finite numbers only if it is the first."""
        theta, losses = self._to_come(self._alive)[0], self.state.losses.values(self.losses)
        if np.isfinite(theta).all() and np.isfinite(losses).all():
            return self._taken
        return max(1, int((np.isfinite(theta).all(axis=1) & np.isfinite(losses)).argmin()))


def _restore(pairs: Pairs, row: int) -> None:
    """Write what a row has into the arrays of the state."""
    for live, rows in pairs:
        live[...] = rows[row]
