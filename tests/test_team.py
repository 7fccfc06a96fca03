"""Threads that share out tasks: each is computed once, in the caller's context, and errors come back."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest

from bpcli.team import Team, team_of


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_every_task_is_computed_once_by_a_member(size: int) -> None:
    team, done = Team(size), list[tuple[int, int]]()
    for count in (0, 1, 2, 7, 40):
        done.clear()
        team.run(count, lambda number, member: done.append((number, member)))
        assert sorted(number for number, _ in done) == list(range(count))
        assert all(0 <= member < size for _, member in done)


def test_the_members_compute_side_by_side() -> None:
    together = threading.Barrier(3)

    def meet(number: int, member: int) -> None:
        together.wait(10)

    Team(3).run(3, meet)


def test_the_first_error_comes_back_and_the_team_goes_on() -> None:
    team, together = Team(2), threading.Barrier(2)

    def fail(number: int, member: int) -> None:
        together.wait(10)
        raise ValueError(number)

    for _ in range(2):
        with pytest.raises(ValueError, match="0"):
            team.run(2, fail)
    done: list[int] = []
    team.run(3, lambda number, member: done.append(number))
    assert sorted(done) == [0, 1, 2]


def test_the_caller_says_how_numpy_treats_errors() -> None:
    team, together = Team(2), threading.Barrier(2)

    def overflow(number: int, member: int) -> None:
        together.wait(10)
        np.exp(np.full(10, 1e4))

    with np.errstate(all="ignore"):
        team.run(2, overflow)
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        team.run(2, overflow)


def test_a_task_that_hands_out_tasks_computes_them_itself() -> None:
    team, members = Team(2), list[int]()
    team.run(2, lambda *_: team.run(3, lambda number, member: members.append(member)))
    assert members == [0] * 6


@pytest.mark.usefixtures("heeded_signals")
def test_an_interrupt_waits_for_the_others_tasks() -> None:
    began, done = threading.Event(), list[int]()

    def task(number: int, member: int) -> None:
        if member == 0:
            began.wait(10)
            signal.raise_signal(signal.SIGINT)
        else:
            began.set()
            time.sleep(0.05)
            done.append(number)

    with pytest.raises(KeyboardInterrupt):
        Team(2).run(2, task)
    assert len(done) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_a_team_of_its_own() -> None:
    team = team_of(2)
    team.run(2, lambda number, member: None)
    child = os.fork()
    if child == 0:
        done: list[int] = []
        signal.alarm(20)  # a child that waits for a thread that it does not have
        team.run(4, lambda number, member: done.append(number))
        os._exit(0 if len(done) == 4 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
