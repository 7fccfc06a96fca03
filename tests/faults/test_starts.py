"""Runs that start at once, and runs under odd circumstances: no collision, one set of bytes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.support import command, environment, process
from tests.faults.counting import Counted
from tests.faults.oracle import Bench, bench, contents

AT_ONCE = 8
FEW = 3
"""How many start at once, and how many in the quick tests."""


def test_of_runs_that_start_at_once_under_one_name_one_trains(tmp_path: Path) -> None:
    start_together(bench(tmp_path, "mini_batch"), FEW)


def test_runs_that_start_at_once_have_numbers_of_their_own(tmp_path: Path) -> None:
    number_together(bench(tmp_path, "mini_batch"), FEW)


@pytest.mark.faults
def test_many_simultaneous_starts_do_not_collide(tmp_path: Path, counted: Counted) -> None:
    made = bench(tmp_path, "mini_batch")
    rounds = 50
    for _ in range(rounds):
        start_together(made, AT_ONCE)
        number_together(made, AT_ONCE)
    counted(f"{rounds} rounds of {AT_ONCE} simultaneous starts under one name and as many with numbers: no collision")


@pytest.mark.faults
def test_simultaneous_starts_on_an_empty_cache_compile_the_same_kernels(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    made = bench(tmp_path, "mini_batch")
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    words = ["train", "points.yaml", *made.changes, "engine=numba", "--quiet"]
    assert together(made, [[*words, "--run", f"runs/r{i}"] for i in range(AT_ONCE)], **cache) == [0] * AT_ONCE
    first, *others = (contents(tmp_path / f"runs/r{i}") for i in range(AT_ONCE))
    assert all(other == first for other in others)


@pytest.mark.faults
def test_circumstances_change_no_byte(tmp_path: Path, counted: Counted) -> None:
    made = bench(tmp_path, "mini_batch")
    repeats = 100
    for i in range(repeats):
        made.clear()
        odd = {
            "PYTHONHASHSEED": str(i),
            "LC_ALL": ("C", "C.UTF-8", "POSIX", "tr_TR.UTF-8")[i % 4],
            "TZ": ("UTC", "Asia/Kolkata", "America/St_Johns")[i % 3],
            "OMP_NUM_THREADS": str(1 + i % 4),
        }
        place = tmp_path if i % 2 else made.run.parent.parent
        words = [str(tmp_path / word) if word in ("points.yaml", made.run.name) else word for word in made.training]
        umask = os.umask((0o022, 0o077, 0o002)[i % 3])
        try:
            result = process(*words, cwd=place, stdin=b"", **odd)
        finally:
            os.umask(umask)
        assert result.status == 0, result
        assert contents(made.run) == made.reference, odd
    counted(f"{repeats} repeats under other hash seeds, locales, umasks, time zones and folders: one set of bytes")


def start_together(made: Bench, count: int) -> None:
    """Start the same run several times at once: one trains it, the others are refused."""
    made.clear()
    assert sorted(together(made, [made.training] * count)) == [0, *[2] * (count - 1)]
    assert contents(made.run) == made.reference


def number_together(made: Bench, count: int) -> None:
    """Start runs without a name at once: each has a number of its own."""
    made.clear()
    words = ["train", "points.yaml", *made.changes, "--quiet"]
    assert together(made, [words] * count) == [0] * count
    runs = sorted((made.folder / "runs").iterdir())
    assert [run.name for run in runs] == [f"points-{number:03d}" for number in range(1, count + 1)]
    for run in runs:
        assert contents(run) == made.reference
    made.clear()


def together(made: Bench, commands: list[list[str]], **variables: str) -> list[int]:
    """The statuses of commands started at once."""
    changed, silent = environment(**variables), subprocess.DEVNULL
    running = [
        subprocess.Popen(command(*words), cwd=made.folder, env=changed, stdout=silent, stderr=subprocess.PIPE)
        for words in commands
    ]
    messages = [one.communicate()[1] for one in running]
    assert not any(b"Traceback" in message for message in messages), messages
    return [one.returncode for one in running]
