"""The end of all ranks: said once, after the run is saved as far as it can be."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import NoReturn

from bpcli.ranks.connections import Connections
from bpcli.ranks.failure import START_AGAIN, Failure
from bpcli.ranks.group import Remedy, Rescue

IN_TIME = 1.0
"""Seconds in which a run must be saved that lost a rank."""


class CommonEnd:
    """How one rank ends all, wherever they are; ``report`` prints a failure.

    ``rescue`` and a ``remedy`` that goes on are there while a run is.
    """

    def __init__(self, connections: Connections, report: Callable[[Failure], None]) -> None:
        self._connections, self._report = connections, report
        self._taken = threading.Lock()
        self.rescue: Rescue | None = None
        self.remedy: Remedy = lambda: START_AGAIN

    def take(self) -> None:
        """Let one thread say how all ends; another one that comes waits for that."""
        if not self._taken.acquire(blocking=False):
            threading.Event().wait()

    def end_all(self, status: int) -> NoReturn:
        """End every rank, as far as this one is connected to it, and this one."""
        self._connections.tell_all({"end": status})
        os._exit(status)

    def fail(self, failure: Failure, linger: float = 0.0) -> NoReturn:
        """Say why, at once because what started the ranks may end them all; save what can be saved; and end."""
        self.take()
        until = monotonic() + linger
        self._report(failure)
        self.save(failure.reason, patient=False)
        threading.Event().wait(max(0.0, until - monotonic()))
        self.end_all(failure.status)

    def save(self, reason: str, *, patient: bool) -> None:
        """Save the run, once, if that takes no longer than :data:`IN_TIME`; ``patient`` while all ranks are there.

        Steps that wait for a rank which is lost never end, and what started the ranks may end this one soon.
        """
        rescue, self.rescue = self.rescue, None
        if rescue is not None:
            saving = threading.Thread(target=_tried, args=(rescue, reason), kwargs={"patient": patient}, daemon=True)
            saving.start()
            saving.join(IN_TIME)


def _tried(rescue: Rescue, reason: str, *, patient: bool) -> None:
    with suppress(Exception):
        rescue(reason, patient=patient)
