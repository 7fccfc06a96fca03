"""Did a launcher of MPI start this process as one of several? Read off the environment, so nothing is imported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Launcher:
    """The variables in which a launcher leaves a process's number, from 0, how many there are, and how many here.

    ``remedy``: what to do where its processes do not find one another.
    """

    name: str
    index: str
    count: str
    here: str
    remedy: str


LAUNCHERS = (
    Launcher(
        "mpirun of Open MPI",
        "OMPI_COMM_WORLD_RANK",
        "OMPI_COMM_WORLD_SIZE",
        "OMPI_COMM_WORLD_LOCAL_SIZE",
        "use the mpirun of the MPI library that mpi4py is built for",
    ),
    Launcher(
        "mpiexec of MPICH or Intel MPI",
        "PMI_RANK",
        "PMI_SIZE",
        "MPI_LOCALNRANKS",
        "use the mpirun of the MPI library that mpi4py is built for",
    ),
    Launcher(
        "srun",
        "SLURM_PROCID",
        "SLURM_STEP_NUM_TASKS",
        "SLURM_STEP_TASKS_PER_NODE",
        "srun --mpi=pmix, for Open MPI, or mpirun inside of the allocation",
    ),
)
"""The first that is there counts: an mpirun inside of srun or of a batch script is what started bp.

Slurm's count is that of the step: in a batch script itself the job's number of tasks is set too, and bp is alone.
"""


@dataclass(frozen=True)
class Launch:
    """How a process was started: as number ``index``, from 0, of ``count`` together, by ``launcher``.

    ``here`` is how many of them are on this host, where the launcher says so.
    """

    index: int = 0
    count: int = 1
    here: int = 1
    launcher: Launcher | None = None

    @property
    def several(self) -> bool:
        """Whether there are other processes."""
        return self.count > 1


def launch_of(environment: Mapping[str, str]) -> Launch:
    """How this process was started; one that no launcher started is alone."""
    for launcher in LAUNCHERS:
        index, count = _number(launcher.index, environment), _number(launcher.count, environment)
        if index is not None and count is not None:
            return Launch(index, count, _number(launcher.here, environment) or 1, launcher)
    return Launch()


def _number(name: str, environment: Mapping[str, str]) -> int | None:
    """The number with which a variable begins: Slurm's may be "4(x2)", four on each of two hosts."""
    found = re.match(r"[0-9]+", environment.get(name, ""))
    return int(found[0]) if found else None
