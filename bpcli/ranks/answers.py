"""Has each other rank said that it is ready, and for the same, or that it failed? What rank 0 has heard of them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from math import inf
from time import monotonic
from typing import Any

from bpcli.errors import DataError
from bpcli.ranks.differences import differences
from bpcli.ranks.failure import Failure, OtherFailedError

COMING = 10.0
"""Seconds that a failed rank 0 waits for what becomes of the others, which may still be loading."""

SAME = "all hosts need the same config and data, versions of libraries and kind of processor"


class Answers:
    """The answers of the other ranks; ``names`` say of each rank what a message calls it.

    One thread takes them, another waits for them.
    """

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self._ready: dict[int, dict[str, Any]] = {}
        self._failed: dict[int, Failure] = {}
        self._news = threading.Condition()
        self._judge_at: float | None = None
        self._alike = COMING

    def take(self, other: int, message: Mapping[str, Any]) -> None:
        """Note what another rank says, if it is an answer."""
        with self._news:
            if "ready" in message:
                self._ready[other] = message["ready"]
            if "failed" in message:
                self._failed[other] = Failure(*message["failed"])
                if self._judge_at is not None:
                    self._judge_at = min(self._judge_at, monotonic() + self._alike)
            self._news.notify_all()

    def wait_for_all(self, seconds: float | None = None) -> bool:
        """Wait until each other rank is ready or has failed, or so many seconds; return whether each is."""
        with self._news:
            return self._news.wait_for(
                lambda: len(self._failed.keys() | self._ready.keys()) == len(self._names) - 1, seconds
            )

    def require_ready(self, mine: Mapping[str, Any], alike: float) -> None:
        """Require that all are ready for what rank 0 is; it then has so long to meet what another one fails of.

        Raises:
            BpError: another one has failed, or is ready for something else.
        """
        for other in sorted(self._failed):
            raise OtherFailedError(self._failure_of(other))
        for other, theirs in sorted(self._ready.items()):
            if theirs != mine:
                raise DataError(f"{self._names[other]} differs from rank 0: {differences(mine, theirs)}", hint=SAME)
        self._ready.clear()
        self._judge_at, self._alike = inf, alike

    def fail_alike(self) -> bool:
        """Rank 0 has failed: wait for the others as long as they have to fail in the same way; return whether all did.

        One that is only ready counts too: it waits in no exchange.
        """
        self._judge_at = None
        return self.wait_for_all(self._alike)

    def overdue(self) -> Failure | None:
        """What another rank failed of and rank 0 did not meet in time; None where there is nothing of the kind."""
        if self._judge_at is None or monotonic() < self._judge_at:
            return None
        return self._failure_of(min(self._failed))

    def _failure_of(self, other: int) -> Failure:
        return self._failed[other].of(self._names[other])
