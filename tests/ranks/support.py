"""Processes under mpirun, and what they leave behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

BYTES = ("config.yaml", "metrics.csv", "digests.csv", "model.safetensors")
"""The files of a run that are the same to the byte on any number of ranks."""

AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
"""Open MPI refuses root otherwise, which tests are run by in many a container."""

MPIRUN = shutil.which("mpirun", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))

ONE_HOST = ("--map-by", ":OVERSUBSCRIBE", "--mca", "pml", "ob1", "--mca", "btl", "self,sm")
"""More ranks than cores, and no search for networks, which takes a second."""

with_mpi = pytest.mark.skipif(
    MPIRUN is None or find_spec("mpi4py") is None,
    reason="no mpirun and mpi4py here: pip install 'bpcli[mpi]'",
)


def environment(folder: Path) -> dict[str, str]:
    """The variables for mpirun, whose temporary files are in the ``folder``.

    It keeps them in a folder named by its process id; one that was killed leaves that behind, and a later one of the
    same id does not start. So no test uses what all others do.
    """
    return {**os.environ, **AS_ROOT, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}


def command(
    ranks: int, words: list[str], options: tuple[str, ...] = ONE_HOST, program: str = sys.executable
) -> list[str]:
    """Python, or another program, with these words in so many processes."""
    assert MPIRUN is not None
    return [MPIRUN, *options, "-n", str(ranks), program, *words]


def mpirun(
    ranks: int, words: list[str], cwd: Path, seconds: float = 60, program: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    started = command(ranks, words, program=program)
    return subprocess.run(
        started, capture_output=True, text=True, cwd=cwd, env=environment(cwd), timeout=seconds, check=False
    )


def files_of(folder: Path) -> Mapping[str, bytes]:
    """The files of a run that do not depend on who computed it, those that it has."""
    return {name: (folder / name).read_bytes() for name in BYTES if (folder / name).exists()}
