"""How far the next stretch of steps goes: by the clock; where several ranks train, by updates that rank 0 counts out.

Clocks of ranks differ, and all have to stop after the same update. So rank 0 says before a stretch how many updates it
has, by how long the last one took.
"""

from __future__ import annotations

from math import inf
from time import perf_counter
from typing import NamedTuple

from bpcli.training.orders import Orders
from bpcli.training.shards.ranks import Ranks
from bpcli.training.steps import Steps

STRETCH_SECONDS = 0.1
"""How long the loop runs before it yields: short enough for a bar that moves and a signal that is heard."""

GROWTH = 8
"""How many times as many updates as the last one a stretch may have: its time might have been a chance."""


class Stint(NamedTuple):
    """A stretch to take: to the example ``end`` of an epoch, or until ``deadline`` where there is none.

    ``over`` says that the time of training is over.
    """

    over: bool
    deadline: float
    end: int | None = None

    def take(self, steps: Steps, orders: Orders, epoch: int) -> float:
        """Take it, in this epoch; return what :meth:`Steps.follow` does.

        Raises:
            DivergedError: a loss is no longer finite.
        """
        if self.end is None:
            return steps.follow(orders, self.deadline)
        steps.run(orders.of(epoch)[: self.end], orders.plan.batch_size, inf)
        return 0.0


class Pace:
    """Measures stretches of a training that may take so many ``seconds`` from now on, by this process's clock."""

    def __init__(self, ranks: Ranks, batch_size: int, seconds: float) -> None:
        self._ranks, self._batch_size, self._deadline = ranks, batch_size, perf_counter() + seconds
        self._updates, self._began = 1, 0.0

    def next(self, position: int, size: int) -> Stint:
        """The stretch that begins now, at an example of an epoch of so many."""
        now = perf_counter()
        end = min(now + STRETCH_SECONDS, self._deadline)
        if self._ranks.count == 1:
            return Stint(now >= self._deadline, end)
        over, updates = self._ranks.lead([now >= self._deadline, self._wanted(now, end)])
        reached = min(size, position + int(updates) * self._batch_size)
        self._updates, self._began = -(-(reached - position) // self._batch_size), now
        return Stint(bool(over), inf, reached)

    def over(self) -> bool:
        """Whether the time of training is over, where one process trains."""
        return perf_counter() >= self._deadline

    def _wanted(self, now: float, end: float) -> int:
        """The updates that fit into the time to ``end``, by those since the last stretch began; at first one."""
        if not self._began:
            return 1
        fitting = self._updates * (end - now) / max(now - self._began, 1e-9)
        return int(max(1, min(fitting, GROWTH * self._updates)))
