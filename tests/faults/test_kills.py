"""Killed before any call that changes a file, or at any time: the run goes on to the same bytes."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.support import command, environment, process
from tests.faults.counting import Counted
from tests.faults.oracle import MODES, RUN, Bench, bench, finishes, killed
from tests.faults.system_calls import Call, Fault, needs_strace, with_fault

FEW = 4
"""At how many calls the quick test kills."""


@needs_strace
def test_a_run_killed_before_a_change_of_its_files_goes_on_to_the_same_bytes(traced: tuple[Bench, list[Call]]) -> None:
    made, found = traced
    assert len(found) > 20
    kill_at_each(made, found[len(found) // FEW // 2 :: len(found) // FEW])


@pytest.mark.faults
@needs_strace
@pytest.mark.parametrize("mode", MODES)
def test_a_run_killed_before_each_change_of_its_files_goes_on(mode: str, tmp_path: Path, counted: Counted) -> None:
    made = bench(tmp_path, mode)
    found = made.calls()
    made.clear()
    kill_at_each(made, found)
    counted(f"{mode}: killed before each of {len(found)} calls, {len(found)} resumed to the same bytes")


@pytest.mark.faults
@needs_strace
def test_a_resumption_killed_before_each_change_goes_on(tmp_path: Path, counted: Counted) -> None:
    made = bench(tmp_path, "mini_batch")
    found = made.calls()
    middle = found[len(found) * 2 // 3]
    count = 0
    resume = ["train", "--resume", RUN, "--quiet"]
    made.clear()
    killed(with_fault(Fault(middle, "signal=KILL"), *made.training, cwd=tmp_path))
    for call in made.calls(*resume):
        made.clear()
        killed(with_fault(Fault(middle, "signal=KILL"), *made.training, cwd=tmp_path))
        killed(with_fault(Fault(call, "signal=KILL"), *resume, cwd=tmp_path))
        finishes(made)
        count += 1
    counted(f"a resumption killed before each of {count} calls, {count} resumed to the same bytes")


@pytest.mark.faults
def test_runs_killed_at_random_times_go_on(tmp_path: Path, counted: Counted) -> None:
    made = bench(tmp_path, "sgd")
    rng, times = random.Random(0), 500
    began = time.monotonic()
    assert process(*made.training, cwd=tmp_path).status == 0
    taken = time.monotonic() - began
    for _ in range(times):
        made.clear()
        kill_after(made.training, tmp_path, rng.uniform(0, taken))
        finishes(made)
    counted(f"{times} kills at random times, all resumed to the same bytes")


@pytest.mark.faults
def test_chains_of_kills_go_on(tmp_path: Path, counted: Counted) -> None:
    made = bench(tmp_path, "mini_batch")
    rng, chains, kills = random.Random(1), 50, 10
    for _ in range(chains):
        made.clear()
        for _ in range(kills):
            words = ["train", "--resume", RUN, "--quiet"] if made.run.exists() else made.training
            kill_after(words, tmp_path, rng.uniform(0.1, 0.7))
        finishes(made)
    counted(f"{chains} chains of {kills} kills, all resumed to the same bytes")


def kill_at_each(made: Bench, found: list[Call]) -> None:
    """Kill a new training at each of these calls, and let it finish."""
    for call in found:
        made.clear()
        killed(with_fault(Fault(call, "signal=KILL"), *made.training, cwd=made.folder))
        finishes(made)


def kill_after(words: list[str], folder: Path, seconds: float) -> None:
    """Start a command and kill it after a time, if it still runs."""
    with subprocess.Popen(
        command(*words), cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        try:
            running.wait(seconds)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGKILL)
