"""Hosts of the tests' own making, where there can be any, and Python on them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.hosts import Hosts
from tests.ranks.support import MPIRUN, environment


def obstacle() -> str:
    """Why there can be no such hosts here; empty if they can be."""
    missing = [tool for tool in ("ip", "tc", "unshare") if shutil.which(tool) is None]
    if sys.platform != "linux" or missing:
        return f"network namespaces need Linux and {', '.join(missing) or 'iproute2'}"
    if os.geteuid() != 0:
        return "network namespaces need root"
    if MPIRUN is None:
        return "no mpirun here: pip install 'bpcli[mpi]'"
    name = f"bp{os.getpid()}"  # another process may ask at the same time
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return made.stderr.strip()


OBSTACLE = obstacle()

with_hosts = pytest.mark.skipif(bool(OBSTACLE), reason=OBSTACLE or "-")


def run_on(
    made: Hosts, words: list[str], cwd: Path, seconds: float = 60, each: int = 1
) -> subprocess.CompletedProcess[str]:
    """Run Python with these words on all hosts, ``each`` times, to its end."""
    polite = ("--mca", "mpi_yield_when_idle", "1")  # of more ranks than cores
    started = made.command(words, polite, each)
    return subprocess.run(
        started, cwd=cwd, env=environment(cwd), capture_output=True, text=True, timeout=seconds, check=False
    )
