"""Whether a launcher started a process, by its environment."""

from __future__ import annotations

import pytest

from bpcli.launcher import LAUNCHERS, launch_of

OPEN_MPI = {"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_LOCAL_SIZE": "2"}
PMI = {"PMI_RANK": "1", "PMI_SIZE": "2"}
BATCH_SCRIPT = {"SLURM_PROCID": "0", "SLURM_NTASKS": "8", "SLURM_JOB_ID": "1"}
STEP = {**BATCH_SCRIPT, "SLURM_PROCID": "3", "SLURM_STEP_NUM_TASKS": "8", "SLURM_STEP_TASKS_PER_NODE": "4(x2)"}


@pytest.mark.parametrize(
    ("environment", "index", "count"),
    [
        ({}, 0, 1),
        (OPEN_MPI, 2, 4),
        (PMI, 1, 2),
        (STEP, 3, 8),
        (BATCH_SCRIPT, 0, 1),
        ({**STEP, **OPEN_MPI}, 2, 4),
        ({**STEP, **PMI, "MPI_LOCALNRANKS": "2"}, 1, 2),
        ({**OPEN_MPI, "OMPI_COMM_WORLD_RANK": "x"}, 0, 1),
        ({"PMI_RANK": "1"}, 0, 1),
    ],
)
def test_the_innermost_launcher_counts(environment: dict[str, str], index: int, count: int) -> None:
    launch = launch_of(environment)
    assert (launch.index, launch.count, launch.several) == (index, count, count > 1)


def test_every_launcher_is_told_by_its_own_variables() -> None:
    for launcher in LAUNCHERS:
        here = {} if launcher.here is None else {launcher.here: "1"}
        assert launch_of({launcher.index: "1", launcher.count: "3", **here}).launcher is launcher


def test_srun_is_known_where_it_says_number_and_count_as_mpich_does() -> None:
    launch = launch_of({**STEP, **PMI, "PMI_RANK": "3", "PMI_SIZE": "8"})
    assert launch.launcher is not None
    assert (launch.launcher.name, launch.index, launch.here) == ("srun", 3, 4)


def test_a_launcher_says_how_many_are_on_this_host() -> None:
    assert launch_of(OPEN_MPI).here == 2
    assert launch_of(STEP).here == 4
    assert launch_of(PMI).here == 1
