"""Are all ranks alive, and did one fail alone? A thread beside the work watches, and ends what cannot go on.

Rank 0 is connected to every other rank. What a rank has to say passes through it: that it failed, or that it is ready;
and it says to all how they end. Where a rank is lost, rank 0 saves what can be saved, names it, and ends all.
"""

from __future__ import annotations

import os
import selectors
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from math import inf
from time import monotonic
from typing import Any, NoReturn

from bpcli.errors import BpError, DataError, ExitStatus
from bpcli.ranks.failure import START_AGAIN, Failure
from bpcli.ranks.group import Remedy, Rescue
from bpcli.ranks.wire import Wire

BEAT = 0.25
"""Seconds between two signs of life."""

ALIKE = 1.0
"""Seconds that rank 0 has, once another has failed, to fail in the same way."""

COMING = 10.0
"""Seconds that a failed rank 0 waits for what becomes of the others, which may still be loading."""

RESCUE = 1.0
"""Seconds in which a run must be saved that lost a rank."""

LINGER = 1.6
"""Seconds that rank 0 stays when a host is lost: a launcher that sees an end first waits for that host for ever."""

HANDING_ON = 0.3
"""Seconds that a rank which has lost rank 0 lets pass: what ended that one may be about to end all."""

SAME = "all hosts need the same config and data, versions of libraries and kind of processor"

SHORT = 60
"""The most characters of a value that a message shows."""


class Watch:
    """What one rank knows of the others: rank 0 of all, each other one of rank 0.

    ``names`` say of each rank what a message calls it; ``report`` prints a failure. ``rescue`` and a ``remedy``
    that goes on are there while a run is.
    """

    def __init__(self, index: int, names: list[str], wires: dict[int, Wire], report: Callable[[Failure], None]) -> None:
        self._index, self._names, self._wires, self._report = index, names, dict(wires), report
        self.rescue: Rescue | None = None
        self.remedy: Remedy = lambda: START_AGAIN
        self._failed: dict[int, Failure] = {}
        self._ready: dict[int, dict[str, Any]] = {}
        self._judge_at: float | None = None
        self._ending = threading.Lock()
        self._news, self._over, self._go = threading.Condition(), threading.Event(), threading.Event()
        self._selector = selectors.DefaultSelector()
        for other, wire in wires.items():
            self._selector.register(wire.connection, selectors.EVENT_READ, other)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    # what the rank itself does

    def all_ready(self, mine: Mapping[str, Any]) -> None:
        """Wait until every rank is ready to train; ``mine`` says what that depends on, and must be the same for all.

        Raises:
            BpError: on rank 0, another has failed, or is ready for something else.
            AllOver: on another rank, rank 0 has ended it all.
        """
        if self._index:
            self._tell_all({"ready": mine})
            self._go.wait()
            if self._over.is_set():
                raise AllOver
            return
        with self._news:
            self._news.wait_for(self._all_heard)
        for other, failure in sorted(self._failed.items()):
            raise OtherFailedError(failure.of(self._names[other]))
        for other, theirs in sorted(self._ready.items()):
            if theirs != mine:
                raise DataError(f"{self._names[other]} differs from rank 0: {_differences(mine, theirs)}", hint=SAME)
        self._ready.clear()
        self._judge_at = inf
        self._go.set()
        self._tell_all({"go": True})

    def _all_heard(self) -> bool:
        """Whether each other rank is ready or has failed."""
        return len(self._failed.keys() | self._ready.keys()) == len(self._wires)

    def wait_for_the_end(self) -> None:
        """Not on rank 0: wait until it says that all is over."""
        self._over.wait()

    def say_over(self) -> None:
        """On rank 0: say that all is over, and nobody waits in an exchange."""
        self._over.set()
        self._tell_all({"over": True})

    def tell_failure(self, failure: Failure) -> None:
        """Not on rank 0: tell it that this rank has failed."""
        self._tell_all({"failed": [failure.status, failure.lines]})

    def fail(self, failure: Failure) -> bool:
        """Tell that the rank has failed; return, on rank 0, whether no other waits in an exchange."""
        if self._index:
            self.tell_failure(failure)
            self._over.wait()
            return True
        self._judge_at = None
        with self._news:
            return self._news.wait_for(self._all_heard, ALIKE if self._go.is_set() else COMING)

    def take_the_end(self) -> None:
        """Let one thread say how all ends; another one that comes waits for that."""
        if not self._ending.acquire(blocking=False):
            threading.Event().wait()

    def end_all(self, status: int) -> NoReturn:
        """On rank 0: end every rank, wherever it is, and this one."""
        self._tell_all({"end": status})
        os._exit(status)

    def others_gone(self, seconds: float) -> None:
        """On rank 0: wait until the others have ended, or so many seconds."""
        with self._news:
            self._news.wait_for(lambda: not self._wires, seconds)

    def abandon(self) -> None:
        """On rank 0: have the others end without a word; a signal ends this one."""
        self._tell_all({"end": int(ExitStatus.DONE)})

    # the thread

    def _run(self) -> None:
        beat_at = monotonic() + BEAT
        while self._wires:
            for key, _ in self._selector.select(max(0.0, beat_at - monotonic())):
                self._hear(key.data)
            if monotonic() >= beat_at:
                self._tell_all(None)
                beat_at = monotonic() + BEAT
            if self._judge_at is not None and monotonic() >= self._judge_at:
                other = min(self._failed)
                self._end(self._failed[other].of(self._names[other]))

    def _hear(self, other: int) -> None:
        try:
            messages = self._wires[other].receive()
        except (OSError, EOFError) as error:
            self._gone(other, error)
            return
        for message in messages:
            self._take(other, message)

    def _take(self, other: int, message: dict[str, Any]) -> None:
        if "end" in message:
            os._exit(message["end"])
        if "over" in message:
            self._over.set()
        if "over" in message or "go" in message:
            self._go.set()
        with self._news:
            if "ready" in message:
                self._ready[other] = message["ready"]
            if "failed" in message:
                self._failed[other] = Failure(*message["failed"])
                if self._judge_at is not None:
                    self._judge_at = min(self._judge_at, monotonic() + ALIKE)
            self._news.notify_all()

    def _tell_all(self, message: dict[str, Any] | None) -> None:
        """Send to all; of a connection that is broken :meth:`_hear` hears."""
        for wire in list(self._wires.values()):
            with suppress(OSError):
                wire.send(message)

    def _gone(self, other: int, error: Exception) -> None:
        """A connection is broken: after the end of all that is as it should be."""
        if self._over.is_set():
            with self._news:
                self._selector.unregister(self._wires.pop(other).connection)
                self._news.notify_all()
            return
        ended = isinstance(error, EOFError | ConnectionResetError | BrokenPipeError)
        reason = "ended without a word" if ended else "cannot be reached any more"
        if self._index:
            threading.Event().wait(HANDING_ON)
            if self._index != 1:
                os._exit(ExitStatus.SYSTEM)
        self._end(Failure.lost(self._names[other], reason, self.remedy()), 0.0 if ended or self._index else LINGER)

    def _end(self, failure: Failure, linger: float = 0.0) -> NoReturn:
        """Say why, at once because what started the ranks may end them all; save what can be saved; and end."""
        self.take_the_end()
        until = monotonic() + linger
        self._report(failure)
        saving = threading.Thread(target=self._save, args=(failure.reason,), daemon=True)
        saving.start()
        saving.join(RESCUE)
        threading.Event().wait(max(0.0, until - monotonic()))
        self.end_all(failure.status)

    def _save(self, reason: str) -> None:
        if self.rescue is not None:
            with suppress(Exception):
                self.rescue(reason)


def _differences(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """What differs between two ranks, with both values where they are short."""
    found = []
    for key in mine:
        here, there = f"{mine[key]}", f"{theirs.get(key)}"
        if here != there:
            found.append(f"{key} ({there}, on rank 0 {here})" if len(here + there) <= SHORT else key)
    return ", ".join(found)


class AllOver(Exception):  # noqa: N818 - it is no error
    """Rank 0 has ended what all were about to do."""


class OtherFailedError(BpError):
    """Another rank failed of something that rank 0 did not meet."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.status, self._lines = next(one for one in ExitStatus if one == failure.status), failure.lines

    def lines(self) -> list[str]:
        """The report of that rank."""
        return self._lines
