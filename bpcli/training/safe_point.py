"""Which state another thread may save while the loop is busy: the one that long work reads, or a copy from before it.

Training holds a lock, and gives it up only while it rests, or takes a stretch of steps. So whoever takes the lock
finds the state, and what was written of it, at a point from which training can continue; and training waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from time import perf_counter, sleep

from bpcli.training.state import TrainingState

LONG = 0.4
"""Seconds from which on a stretch is too long to wait for its end, because a step or an iteration is."""

COPIED = 2e7
"""The most bytes of a state that are copied for each second of a long stretch: copying them takes about 1 % of it."""

PATIENCE, LISTENING = 0.5, 0.01
"""Seconds to wait for the end of a stretch of which there is no copy, and between two looks whether it is there."""


class SafePoint:
    """The point of a training at which its state can be saved; made by the thread that trains."""

    def __init__(self, state: TrainingState) -> None:
        self._state = state
        self._saved: TrainingState | None = None
        self._lock = Lock()
        self._lock.acquire()
        self._last = 0.0, 0.0

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Within, nothing changes the state."""
        with self._given_up(self._state):
            yield

    @contextmanager
    def stepping(self) -> Iterator[None]:
        """Within, a stretch of steps changes the state; a copy is kept if the stretch will be long, by the last two."""
        began = perf_counter()
        with self._given_up(self._copy(max(self._last))):
            yield
        self._last = self._last[1], perf_counter() - began

    def leave(self) -> None:
        """Give the lock up for good, because training is over."""
        self._saved = self._state
        self._lock.release()

    def take(self) -> TrainingState | None:
        """From another thread: the state to save, None where what was saved last must do. Training does not go on."""
        self._lock.acquire()
        if self._saved is None:
            self._lock.release()
            self._wait_for_a_rest()
        return self._saved

    def _wait_for_a_rest(self) -> None:
        """Take the lock when training rests, or after :data:`PATIENCE`."""
        until = perf_counter() + PATIENCE
        while True:
            self._lock.acquire()
            if self._saved is not None or perf_counter() > until:
                return
            self._lock.release()
            sleep(LISTENING)

    @contextmanager
    def _given_up(self, saved: TrainingState | None) -> Iterator[None]:
        """The lock given up, and ``saved`` to be found by who takes it."""
        self._saved = saved
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()

    def _copy(self, seconds: float) -> TrainingState | None:
        """A copy of the state, if a stretch of so many seconds is long and the copy small beside it."""
        if seconds < LONG:
            return None
        size = sum(array.nbytes for array in self._state.tensors().values())
        return self._state.copied() if size < seconds * COPIED else None
