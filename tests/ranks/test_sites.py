"""Ranks under another MPI than that of the wheel: the system's MPICH, as Debian has it."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from ctypes import CDLL
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.ranks.support import environment, files_of
from tests.ranks.test_commands import BP, CONFIG, run_json

MPIRUN, LIBRARY = "mpirun.mpich", "libmpich.so.12"


def obstacle() -> str:
    """Why MPICH can't be used here; empty if it can be."""
    try:
        CDLL(LIBRARY)
    except OSError:
        return f"no {LIBRARY} here: apt-get install mpich"
    return "" if shutil.which(MPIRUN) else f"no {MPIRUN} here: apt-get install mpich"


pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(obstacle()), reason=obstacle() or "-")]


def started(ranks: int, folder: Path, *words: str) -> subprocess.Popen[str]:
    """bp under MPICH's mpirun; mpi4py expects another name of its library."""
    link = folder / "libmpi.so.12"
    if not link.exists():
        link.symlink_to(f"/usr/lib/{sys.implementation._multiarch}/{LIBRARY}")
    variables = {**environment(folder), "LD_LIBRARY_PATH": str(folder), "MPI4PY_LIBMPI": str(link)}
    return subprocess.Popen(
        [MPIRUN, "-n", str(ranks), sys.executable, *BP, "train", *words],
        cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_ranks_of_mpich_save_at_a_signal_and_go_on_to_the_bytes_of_one_process(tmp_path: Path) -> None:
    (tmp_path / "digits.yaml").write_text(CONFIG, encoding="utf-8")
    training = started(3, tmp_path, "digits.yaml", "epochs=1000000", "--run", "run")
    until = monotonic() + 30
    while not (tmp_path / "run" / "metrics.csv").exists():
        assert training.poll() is None, training.communicate()
        assert monotonic() < until
        sleep(0.02)
    training.send_signal(signal.SIGTERM)
    _, said = training.communicate(timeout=30)
    assert "stopped by SIGTERM in epoch" in said
    record = run_json(tmp_path / "run")
    assert (record["outcome"], record["ended"]) == ("stopped", "SIGTERM")
    epochs = f"epochs={int(record['epochs']) + 2}"  # type: ignore[call-overload]
    again = started(2, tmp_path, "--resume", "run", epochs, "--quiet")
    _, said = again.communicate(timeout=60)
    assert again.returncode == 0, said
    alone = [sys.executable, *BP, "train", "digits.yaml", epochs, "--quiet", "--run", "one"]
    subprocess.run(alone, cwd=tmp_path, env=environment(tmp_path), check=True, capture_output=True)
    theirs = files_of(tmp_path / "one")
    assert theirs == files_of(tmp_path / "run")
