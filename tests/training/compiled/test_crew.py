"""Crews: every part is done once, whoever is there to help, and nothing waits for a thread that does not come."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from numba import njit

from bpcli.team import team_of
from bpcli.training.compiled.atomics import acquired, add_to, nanoseconds, pause, release, usleep
from bpcli.training.compiled.blocks import ROOM
from bpcli.training.compiled.crew import Crew
from bpcli.training.compiled.parts import BITS, TICKET, do_parts, part_of, placed
from bpcli.training.compiled.worth import helpful

MOST = 7
"""The most parts of a post here."""


@njit(nogil=True)
def count_part(number, given, room):  # type: ignore[no-untyped-def]
    """Count a part that is done, after a while, but for the part ``skipped``."""
    cells, post, skipped = given
    for _ in range((post * 7919 + number * 104729) % 97):
        pause(0)
    if number != skipped:
        add_to(cells + 8 * number, 1)


@njit(nogil=True)
def wrongly_done(room, cells, posts, skipped):  # type: ignore[no-untyped-def]
    """Post work many times; return how many parts were not done once when the post had ended."""
    wrong, place, own = 0, cells.ctypes.data, np.zeros(MOST, np.int64)
    for post in range(posts):
        given = place, post, skipped
        count = post % MOST + 1
        do_parts(part_of(count_part, given), placed(given), count, room.ctypes.data + ROOM, room.ctypes.data)
        for number in range(MOST):
            own[number] += 1 if number < count else 0
            wrong += 1 if acquired(place + 8 * number) != own[number] else 0
    return wrong


HELPED, BEGAN, CLOCK, LONGER = 0, 8, 16, 32
"""Where a helper says that it has a part, the caller since when it is at its own, and two clocks write."""


@njit(nogil=True)
def slow_for_others(number, given, room):  # type: ignore[no-untyped-def]
    """A part for which a helper needs three times as long as the caller, and 50 ms more.

    The caller's first part waits until a helper has the other, or ten seconds are over.
    """
    cells, caller = given
    if room == caller:
        if number == 0:
            release(cells + BEGAN, nanoseconds(cells + CLOCK))
            for _ in range(10_000):
                if acquired(cells + HELPED) > 0:
                    break
                usleep(1000)
        return
    now, began = nanoseconds(cells + LONGER), acquired(cells + BEGAN)
    until = now + 2 * (now - began if began else 0) + 50_000_000
    add_to(cells + HELPED, 1)
    while nanoseconds(cells + LONGER) < until:
        usleep(1000)


@njit(nogil=True)
def posted(room, cells, count):  # type: ignore[no-untyped-def]
    """Have work done so many times; return how often it was posted."""
    caller = room.ctypes.data
    given = cells.ctypes.data, caller
    for _ in range(count):
        do_parts(part_of(slow_for_others, given), placed(given), 2, caller + ROOM, caller)
    return acquired(caller + ROOM + TICKET) >> 2 * BITS


def done_wrong(crew: Crew, posts: int, skipped: int = -1) -> int:
    cells = np.zeros(MOST, np.int64)
    return int(crew.run(lambda: wrongly_done(crew.room, cells, posts, skipped)))


def test_every_part_is_done_once_before_its_post_ends() -> None:
    for threads in (2, 3, 5):
        assert done_wrong(Crew(threads), 2000) == 0
    assert done_wrong(Crew(2), 20, skipped=1) > 0, "a part left out is not seen"


@pytest.mark.slow
def test_every_part_is_done_once_for_long_whatever_else_runs() -> None:
    end, stop = time.monotonic() + 60, threading.Event()
    others = [threading.Thread(target=lambda: [None for _ in iter(stop.is_set, True)]) for _ in range(2)]
    for other in others:
        other.start()
    try:
        while time.monotonic() < end:
            for threads in (2, 3, 5, 16):
                assert done_wrong(Crew(threads), 20_000) == 0
    finally:
        stop.set()


def test_the_caller_does_all_where_nobody_helps() -> None:
    assert wrongly_done(Crew(3).room, np.zeros(MOST, np.int64), 50, -1) == 0  # nobody serves
    found: list[int] = []
    team_of(3).run(2, lambda *_: found.append(done_wrong(Crew(3), 50)))  # the team is busy
    assert found == [0, 0]


def test_nothing_is_posted_for_a_while_after_a_helper_was_slower_than_the_caller() -> None:
    crew, cells = Crew(2), np.zeros(8, np.int64)
    assert crew.run(lambda: posted(crew.room, cells, 50)) < 5  # again where the caller lost its processor for so long
    assert cells[HELPED] > 0


def test_an_error_ends_the_helpers_and_the_crew_goes_on() -> None:
    crew = Crew(3)

    def fail(*_: Any) -> None:
        raise ValueError("in the kernel")

    for _ in range(2):
        with pytest.raises(ValueError, match="in the kernel"):
            crew.run(fail)
    assert done_wrong(crew, 50) == 0


@pytest.mark.usefixtures("heeded_signals")
def test_an_interrupt_ends_the_helpers() -> None:
    """Wherever the caller is at that moment: in the kernel, beside it, or before it."""
    crew = Crew(2)

    def interrupted(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)

    for _ in range(20):
        with pytest.raises(KeyboardInterrupt):
            crew.run(interrupted)
    assert done_wrong(crew, 50) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_goes_on_with_helpers_of_its_own() -> None:
    crew = Crew(2)
    assert done_wrong(crew, 50) == 0
    child = os.fork()
    if child == 0:
        os._exit(done_wrong(crew, 50))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_small_networks_are_left_to_one_thread() -> None:
    assert helpful((784, 512, 512, 10), 128)
    assert not helpful((784, 128, 10), 32)
    assert not helpful((4096, 4096, 10), 1), "a single example has no product in tiles"
