"""The threads that compute kernels together: one calls them, the others take parts of the products that they post."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from bpcli.nn import Array
from bpcli.team import team_of
from bpcli.training.compiled.atomics import WORD
from bpcli.training.compiled.blocks import ROOM
from bpcli.training.compiled.parts import CLOSED, MEMBERS, serve
from bpcli.training.compiled.product_parts import ROOM_OF_CREW, aligned
from bpcli.training.compiled.rooms import address
from bpcli.training.compiled.routines import kept_function

Result = TypeVar("Result")


class Crew:
    """``threads`` of them, each with a room for its products; ``room`` is that of the kernel, which posts by it.

    One kernel runs by it at a time.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.room = np.zeros(ROOM_OF_CREW if threads > 1 else ROOM, np.uint8)
        self._others = [np.empty(ROOM, np.uint8) for _ in range(threads - 1)]
        self._words = self.room[ROOM:].view(np.int64)
        self._words[MEMBERS // WORD :][:1] = threads

    def prepare(self) -> None:
        """Load or compile what helpers run."""
        if self.threads > 1:
            self._close()
            self._help(1)

    def run(self, work: Callable[[], Result]) -> Result:
        """Do work that calls kernels with the crew's room, one after another; return what it returns.

        Threads that come late, or never, change nothing but the time that it takes.
        """
        if self.threads == 1:
            return work()
        results = []

        def task(number: int, _: int) -> None:
            if number > 0:
                self._help(number)
                return
            try:
                results.append(work())
            finally:
                self._close()

        self._words[CLOSED // WORD] = 0
        team_of(self.threads).run(self.threads, task, leave=self._close)
        return results[0]

    def _help(self, number: int) -> None:
        kept_function(_help)(self.room, self._others[number - 1])

    def _close(self) -> None:
        self._words[CLOSED // WORD] = 1


def _help(room: Array, own: Array) -> None:
    """Take parts of what is posted by one room, in another."""
    serve(address(room) + ROOM, aligned(own))
