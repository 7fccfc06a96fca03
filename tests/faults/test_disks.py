"""A disk that is full at any point, and a power cut at any time: old or new, never neither."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.support import command, environment, wait_for
from tests.faults.counting import Counted
from tests.faults.disks import image, make_image, needs_mount, small_disk
from tests.faults.oracle import RUN, Bench, bench, ended_properly, finishes

STEP = 4
"""Kilobytes from one size of the disk to the next."""


@needs_mount
def test_on_a_disk_that_fills_up_a_run_ends_properly_and_goes_on_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    made = bench(tmp_path / "work", "mini_batch")
    assert fill(made, tmp_path / "disk", 16) == 74


@pytest.mark.faults
@needs_mount
def test_on_a_disk_of_any_size_a_run_ends_properly_and_goes_on_elsewhere(tmp_path: Path, counted: Counted) -> None:
    (tmp_path / "work").mkdir()
    made = bench(tmp_path / "work", "mini_batch")
    statuses = [fill(made, tmp_path / "disk", size) for size in range(STEP, 20 * STEP, STEP)]
    assert statuses[0] == 74
    assert statuses[-1] == 0
    counted(f"{len(statuses)} sizes of the disk, {statuses.count(74)} too small; all resumed to the same bytes")


def fill(made: Bench, folder: Path, kilobytes: int) -> int:
    """Train on a disk of this size; then copy what is there to a larger one and go on. The first status."""
    made.clear()
    with small_disk(folder, kilobytes) as disk:
        words = [str(disk / RUN) if word == RUN else word for word in made.training]
        result = made.bp(*words)
        ended_properly(result, 0, 74)
        for rows in disk.rglob("*.csv"):
            assert rows.read_bytes()[-1:] in (b"", b"\n"), f"half a row in {rows.name}"
        if (disk / RUN).exists():
            shutil.copytree(disk / RUN, made.run)
    finishes(made)
    return result.status


@pytest.mark.faults
@needs_mount
def test_after_a_power_cut_there_is_a_checkpoint_and_the_run_goes_on(tmp_path: Path, counted: Counted) -> None:
    (tmp_path / "work").mkdir()
    made = bench(tmp_path / "work", "sgd", "epochs=60")
    rng, cuts, resumed, seconds = random.Random(2), 100, 0, 1.5
    for _ in range(cuts):
        resumed += cut(made, tmp_path, rng, seconds)
    counted(f"{cuts} power cuts, {resumed} with a run to resume; all went on to the same bytes")


def cut(made: Bench, folder: Path, rng: random.Random, seconds: float) -> bool:
    """Copy the disk's image in the middle of a run, and go on from what it holds; whether that is a run."""
    made.clear()
    disk, copy = folder / "disk.img", folder / "copy.img"
    make_image(disk)
    with image(disk, folder / "mount") as mounted:
        words = [str(mounted / RUN) if word == RUN else word for word in made.training]
        silent = subprocess.DEVNULL
        running = subprocess.Popen(command(*words), cwd=made.folder, env=environment(), stdout=silent, stderr=silent)
        wait_for(lambda: len(os.listdir(mounted)) > 1, "the run has begun")  # the disk has a lost+found
        time.sleep(rng.uniform(0, seconds))
        shutil.copyfile(disk, copy)
        running.kill()
        running.wait()
    with image(copy, folder / "mount") as replayed:
        found = (replayed / RUN).exists()
        if found:
            shutil.copytree(replayed / RUN, made.run)
    if found:
        finishes(made)
    return found
