"""Whether a launcher started a process, by its environment."""

from __future__ import annotations

import pytest

from bpcli.launcher import LAUNCHERS, launch_of

OPEN_MPI = {"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "4"}
BATCH_SCRIPT = {"SLURM_PROCID": "0", "SLURM_NTASKS": "8", "SLURM_JOB_ID": "1"}
STEP = {**BATCH_SCRIPT, "SLURM_PROCID": "3", "SLURM_STEP_NUM_TASKS": "8"}


@pytest.mark.parametrize(
    ("environment", "index", "count"),
    [
        ({}, 0, 1),
        (OPEN_MPI, 2, 4),
        ({"PMI_RANK": "1", "PMI_SIZE": "2"}, 1, 2),
        (STEP, 3, 8),
        (BATCH_SCRIPT, 0, 1),
        ({**STEP, **OPEN_MPI}, 2, 4),
        ({"OMPI_COMM_WORLD_RANK": "x", "OMPI_COMM_WORLD_SIZE": "4"}, 0, 1),
        ({"PMI_RANK": "1"}, 0, 1),
    ],
)
def test_the_innermost_launcher_counts(environment: dict[str, str], index: int, count: int) -> None:
    launch = launch_of(environment)
    assert (launch.index, launch.count, launch.several) == (index, count, count > 1)


def test_every_launcher_is_told_by_its_own_variables() -> None:
    for launcher in LAUNCHERS:
        assert launch_of({launcher.index: "1", launcher.count: "3"}).launcher is launcher


def test_a_launcher_says_how_many_are_on_this_host() -> None:
    assert launch_of({**OPEN_MPI, "OMPI_COMM_WORLD_LOCAL_SIZE": "2"}).here == 2
    assert launch_of({**STEP, "SLURM_STEP_TASKS_PER_NODE": "4(x2)"}).here == 4
    assert launch_of(STEP).here == 1
