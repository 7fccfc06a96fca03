"""Are all ranks alive, and did one fail alone? What the ranks say to one another, and what follows from it.

What a rank has to say passes through rank 0: that it failed, or that it is ready; and that one says to all how they
end. Where a rank is lost, rank 0 saves what can be saved, names it, and ends all.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from math import inf
from time import monotonic
from typing import Any

from bpcli.errors import ExitStatus
from bpcli.ranks.answers import Answers
from bpcli.ranks.common_end import CommonEnd
from bpcli.ranks.connections import Connections
from bpcli.ranks.failure import Failure, status_of
from bpcli.ranks.parents import Parents

ALIKE = 1.0
"""Seconds that rank 0 has, once another has failed, to fail in the same way."""

LINGER = 1.6
"""Seconds that rank 0 stays when a host is lost: a launcher that sees an end first waits for that host for ever."""

HANDING_ON = 0.3
"""Seconds that another rank lets pass after the end of rank 0: a launcher takes the first end for that of all, and what
ended rank 0 may be about to end all."""

ANSWER = 3.0
"""Seconds that another rank which a signal ends waits for rank 0 to save the run and to end."""

ALONE = 2.0
"""Seconds that another rank whose launcher is gone waits for rank 0 to end all, which may be on another host."""


class Watch:
    """What one rank knows of the others: rank 0 of all, each other one of rank 0.

    ``names`` say of each rank what a message calls it; ``end`` is that of all; ``parents`` say whether the launcher is
    gone.
    """

    def __init__(
        self, index: int, names: list[str], connections: Connections, end: CommonEnd, parents: Parents
    ) -> None:
        self._index, self._names, self._connections, self._end = index, names, connections, end
        self._parents, self._orphaned_at = parents, inf
        self._answers = Answers(names)
        self._status: int | None = None
        self._over, self._go = threading.Event(), threading.Event()
        connections.listen(self)

    # what the rank itself does

    def all_ready(self, mine: Mapping[str, Any], alike: float = ALIKE) -> None:
        """Wait until every rank is ready; ``mine`` says what that depends on, and must be the same for all.

        From then on rank 0 has ``alike`` seconds, once another has failed, to fail in the same way.

        Raises:
            BpError: on rank 0, another has failed, or is ready for something else.
            AllOver: on another rank, rank 0 has ended it all.
        """
        if self._index:
            self._go.clear()
            self._tell_all({"ready": mine})
            self._go.wait()
            if self._over.is_set():
                raise AllOver
            return
        self._answers.wait_for_all()
        self._answers.require_ready(mine, alike)
        self._go.set()
        self._tell_all({"go": True})

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
        return self._answers.fail_alike()

    def others_gone(self, seconds: float) -> None:
        """On rank 0: wait until the others have ended, or so many seconds."""
        self._connections.wait_until_all_are_gone(seconds)

    def abandon(self, number: signal.Signals) -> None:
        """A signal is about to end this process: rank 0 has all others end, any other hands it on to rank 0."""
        if self._index == 0:
            self._tell_all({"end": status_of(number)})
        elif not self._over.is_set():
            self._tell_all({"signal": int(number)})
            self._connections.wait_until_all_are_gone(ANSWER)
            threading.Event().wait(HANDING_ON)

    def _tell_all(self, message: Mapping[str, Any]) -> None:
        self._connections.tell_all(message)

    # the thread that hears

    def take(self, other: int, message: dict[str, Any]) -> None:
        """Another rank says something."""
        if "end" in message:
            self._status = message["end"]
        if "signal" in message:
            self._take_signal(other, message["signal"])
        if "over" in message:
            self._over.set()
        if "over" in message or "go" in message:
            self._go.set()
        self._answers.take(other, message)

    def beat(self) -> None:
        """Judge what rank 0 has not met itself in time, and whether there is a launcher."""
        overdue = self._answers.overdue()
        if overdue is not None:
            self._end.fail(overdue)
        if not self._over.is_set():
            self._look_for_the_launcher()

    def _look_for_the_launcher(self) -> None:
        """Where it is gone, rank 0 ends all, at once, as MPI will end what waits in an exchange; others do so later."""
        if self._orphaned_at == inf and self._parents.changed():
            self._orphaned_at = monotonic()
            if self._index == 0:
                failure = Failure.refused(f"{self._parents.launcher} has ended", self._end.remedy())
                self._end.save(failure.reason, patient=True)  # first: a message for nobody is answered by a signal
                self._end.fail(failure)
        if monotonic() > self._orphaned_at + ALONE:
            os._exit(ExitStatus.SYSTEM)

    def lost(self, other: int, error: Exception) -> None:
        """A connection is broken: after the end of all that is as it should be."""
        if self._over.is_set():
            return
        ended = isinstance(error, EOFError | ConnectionResetError | BrokenPipeError)
        if self._index:
            threading.Event().wait(HANDING_ON)
            if self._status is not None:
                os._exit(self._status)
            if self._index != 1:
                os._exit(ExitStatus.SYSTEM)
        reason = "ended without a word" if ended else "cannot be reached any more"
        failure = Failure.refused(f"{self._names[other]} {reason}", self._end.remedy())
        self._end.fail(failure, 0.0 if ended or self._index else LINGER)

    def _take_signal(self, other: int, number: int) -> None:
        """A signal ends another rank: it ends a run as if this process had got it."""
        if self._end.rescue is None:
            self._end.fail(Failure.by_signal(self._names[other], number, self._end.remedy()))
        os.kill(os.getpid(), number)


class AllOver(Exception):  # noqa: N818 - it is no error
    """Rank 0 has ended what all were about to do."""
