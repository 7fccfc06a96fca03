"""Did a launcher of MPI start this process as one of several? Read off the environment, so nothing is imported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Launcher:
    """The variables in which a launcher leaves a process's number, from 0, how many there are, and how many here.

    All of them are there, by which it is known; one without the third does not say how many are here. ``remedy``: what
    to do where its processes do not find one another.
    """

    name: str
    index: str
    count: str
    here: str | None
    remedy: str


OF_THIS_MPI = "use the mpirun of the MPI library that mpi4py finds"


LAUNCHERS = (
    Launcher(
        "mpirun of Open MPI",
        "OMPI_COMM_WORLD_RANK",
        "OMPI_COMM_WORLD_SIZE",
        "OMPI_COMM_WORLD_LOCAL_SIZE",
        OF_THIS_MPI,
    ),
    Launcher(
        "mpiexec of MPICH or Intel MPI",
        "PMI_RANK",
        "PMI_SIZE",
        "MPI_LOCALNRANKS",
        OF_THIS_MPI,
    ),
    Launcher(
        "srun",
        "SLURM_PROCID",
        "SLURM_STEP_NUM_TASKS",
        "SLURM_STEP_TASKS_PER_NODE",
        "srun --mpi=pmix for Open MPI, --mpi=pmi2 for MPICH and Intel MPI, or mpirun inside of the allocation",
    ),
    Launcher("a launcher with PMI", "PMI_RANK", "PMI_SIZE", None, OF_THIS_MPI),
)
"""The first that is there counts: an mpirun inside of srun or of a batch script is what started bp.

Slurm's count is that of the step: in a batch script itself the job's number of tasks is set too, and bp is alone. Its
srun --mpi=pmi2 says number and count as MPICH's mpiexec does, too.
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
        here = 1 if launcher.here is None else _number(launcher.here, environment)
        if index is not None and count is not None and here is not None:
            return Launch(index, count, here, launcher)
    return Launch()


def _number(name: str, environment: Mapping[str, str]) -> int | None:
    """The number with which a variable begins: Slurm's may be "4(x2)", four on each of two hosts."""
    found = re.match(r"[0-9]+", environment.get(name, ""))
    return int(found[0]) if found else None
