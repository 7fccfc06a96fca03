"""The threads that compute kernels together: one calls them, the others take parts of the products that they post."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

import numpy as np

from bpcli.nn import Array
from bpcli.team import team_of
from bpcli.training.compiled.atomics import WORD
from bpcli.training.compiled.blocks import ROOM, ROOM_OF_CREW, WORTH_POSTING, aligned
from bpcli.training.compiled.parts import CLOSED, MEMBERS, serve
from bpcli.training.compiled.routines import kept_function

Result = TypeVar("Result")

WORTH_HELP = 10_000_000
"""Multiplications of a forward pass, in posted products, from which on helpers save more than their call costs.

Each stretch has to wake them. Where another process has the second processor, 784-128-10 with batches of 32, 3 million,
takes a tenth longer for it.
"""


def helpful(sizes: tuple[int, ...], m: int) -> bool:
    """Whether a step of a network of these sizes, on m examples, is long enough for helpers to be called."""
    products = [m * n * k for k, n in pairwise(sizes)]
    return m > 1 and sum(one for one in products if one >= WORTH_POSTING) >= WORTH_HELP


class Crew:
    """``threads`` of them, each with a room for its products; ``room`` is that of the kernel, which posts by it."""

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
    serve(room.ctypes.data + ROOM, aligned(own))
