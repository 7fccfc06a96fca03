"""Which state another thread may save while the loop is busy: the one that long work reads, or a copy from before it.

Training holds a lock, and gives it up only while it rests, or takes a stretch of steps. So whoever takes the lock
finds the state, and what was written of it, at a point from which training can continue; and training waits.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
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

    def resting(self) -> AbstractContextManager[None]:
        """Within, nothing changes the state."""
        return _GivenUp(self, self._state)

    def stepping(self) -> AbstractContextManager[None]:
        """Within, a stretch of steps changes the state; a copy is kept if the stretch will be long, by the last two."""
        return _Stepping(self, self._copy(max(self._last)))

    def stepped(self, seconds: float) -> None:
        """Take notice of a stretch of so many seconds."""
        self._last = self._last[1], seconds

    def give_up(self, saved: TrainingState | None) -> None:
        """Give the lock up, and let ``saved`` be found by who takes it."""
        self._saved = saved
        self._lock.release()

    def take_back(self) -> None:
        """Wait for the lock."""
        self._lock.acquire()

    def leave(self) -> None:
        """Give the lock up for good, because training is over."""
        self._saved = self._state
        self._lock.release()

    def take(self, *, patient: bool = True) -> TrainingState | None:
        """From another thread: the state to save, None where what was saved last must do. Training does not go on.

        ``patient``: a stretch of which there is no copy may end, and is waited for.
        """
        self._lock.acquire()
        if self._saved is None and patient:
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

    def _copy(self, seconds: float) -> TrainingState | None:
        """A copy of the state, if a stretch of so many seconds is long and the copy small beside it."""
        if seconds < LONG:
            return None
        size = sum(array.nbytes for array in self._state.tensors().values())
        return self._state.copied() if size < seconds * COPIED else None


class _GivenUp:
    """The time for which a safe point's lock is given up: a class, as a generator takes several times as long."""

    def __init__(self, point: SafePoint, saved: TrainingState | None) -> None:
        self._point, self._saved = point, saved

    def __enter__(self) -> None:
        self._point.give_up(self._saved)

    def __exit__(self, *error: object) -> None:
        self._point.take_back()


class _Stepping:
    """The same for a stretch of steps, whose seconds are noticed."""

    def __init__(self, point: SafePoint, saved: TrainingState | None) -> None:
        self._point, self._saved = point, saved

    def __enter__(self) -> None:
        self._began = perf_counter()
        self._point.give_up(self._saved)

    def __exit__(self, *error: object) -> None:
        self._point.take_back()
        self._point.stepped(perf_counter() - self._began)
