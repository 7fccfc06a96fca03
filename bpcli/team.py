"""A team of threads that share out numbered tasks; the calling thread is one of them.

Work is handed over by a lock for each thread, which takes a few microseconds where a
pool with its queue takes some fifty: a training step of a millisecond can afford it. A thread
begins with its own block of the tasks, so that it finds in its core's cache what it wrote there
last time, and then helps the others. Who computes a task is left to chance, so a task's
result may not depend on it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextvars import Context, copy_context
from functools import cache
from itertools import chain, pairwise
from threading import Lock, Thread
from weakref import WeakSet

Task = Callable[[int, int], None]
"""task(k, member): computes task k; ``member`` is the number of the thread in the team, to find its buffers by."""


_TEAMS: WeakSet[Team] = WeakSet()
"""All teams that there are."""


class Team:
    """``size`` threads, of which one is the caller's; the others start with the first work and wait between."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.begin_alone()
        _TEAMS.add(self)

    def begin_alone(self) -> None:
        """Know of no thread but the caller's, as in a process that was forked: no other lives on there."""
        self._busy = Lock()
        self._helpers: list[_Helper] = []

    def run(self, count: int, task: Task, leave: Callable[[], None] = lambda: None) -> None:
        """Compute the tasks 0 … ``count`` − 1 in any order; return when all are done.

        Within a task, or while another thread has the team, the caller computes all of them. ``leave`` is called when
        the caller takes no more tasks, and before it waits for others, even if a signal's handler has raised an error.

        Raises:
            Exception: a task failed; of several that did, the first's error is raised.
        """
        if min(self.size, count) < 2 or not self._busy.acquire(blocking=False):
            for number in range(count):
                task(number, 0)
            return
        try:
            self._share(count, task, leave)
        finally:
            self._busy.release()

    def _share(self, count: int, task: Task, leave: Callable[[], None]) -> None:
        while len(self._helpers) < self.size - 1:
            self._helpers.append(_Helper(len(self._helpers) + 1))
        members = min(self.size, count)
        job = _Job(count, task, members)
        helpers = self._helpers[: members - 1]
        for helper in helpers:
            helper.start(job)
        try:
            job.take(0)
        finally:
            job.until_done(leave)
            for helper in helpers:
                job.until_done(helper.ended.acquire)
        if job.errors:
            raise min(job.errors, key=lambda failed: failed[0])[1]


class _Job:
    """Tasks that several threads take one after the other, each of its own block first."""

    def __init__(self, count: int, task: Task, members: int) -> None:
        bounds = [count * member // members for member in range(members + 1)]
        self.blocks: list[Iterator[int]] = [iter(range(*block)) for block in pairwise(bounds)]
        self.task = task
        self.errors: list[tuple[int, BaseException]] = []

    def take(self, member: int) -> None:
        """Compute tasks until none is left, or one fails."""
        for number in chain(*self.blocks[member:], *self.blocks[:member]):
            try:
                self.task(number, member)
            except BaseException as error:  # noqa: BLE001 - it is raised again where the work was handed out
                self.errors.append((number, error))
                return

    def until_done(self, do: Callable[[], object]) -> None:
        """Do something, such as waiting for a helper, even if a signal's handler raises an error in the meantime."""
        while True:
            try:
                do()
            except BaseException as error:  # noqa: BLE001 - as above; the helper still computes
                self.errors.append((-1, error))
            else:
                return


class _Helper:
    """A thread that waits for jobs."""

    def __init__(self, member: int) -> None:
        self.member = member
        self.job: _Job | None = None
        self.context: Context = copy_context()
        self.begun, self.ended = Lock(), Lock()
        self.begun.acquire()
        self.ended.acquire()
        Thread(target=self._work, name=f"bp {member}", daemon=True).start()

    def start(self, job: _Job) -> None:
        """Let it take tasks of a job in the caller's context, which says how NumPy treats floating-point errors."""
        self.job, self.context = job, copy_context()
        self.begun.release()

    def _work(self) -> None:
        while True:
            self.begun.acquire()
            assert self.job is not None
            self.context.run(self.job.take, self.member)
            self.job = None
            self.ended.release()


@cache
def team_of(size: int) -> Team:
    """The process's team of so many threads: teams of one size are the same team."""
    return Team(size)


SERIAL = Team(1)
"""The caller alone."""


def _begin_alone() -> None:
    for team in _TEAMS:
        team.begin_alone()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_alone)
