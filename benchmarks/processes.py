"""Processes for measuring: on cores of their own, with so many threads, spoken to line by line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).parents[1]

THREAD_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
)

CACHE_VARIABLES = ("TORCHINDUCTOR_CACHE_DIR", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "JAX_COMPILATION_CACHE_DIR")
"""Where compiled code is kept."""

KEPT_AT_ONCE = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
"""JAX keeps what took it a second to compile; here all."""

SINGLE_THREADED_XLA = "--xla_cpu_multi_thread_eigen=false"


class WorkerFailedError(Exception):
    """A worker ended early; its last words."""


def environment(threads: int, caches: Path) -> dict[str, str]:
    """The present environment, numerical libraries held to ``threads`` on the processor, ``caches`` below a folder."""
    held = dict.fromkeys(THREAD_VARIABLES, str(threads))
    if threads == 1:
        held["XLA_FLAGS"] = SINGLE_THREADED_XLA
    held |= {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""} | KEPT_AT_ONCE
    return os.environ | held | {name: str(caches / name) for name in CACHE_VARIABLES}


def mpirun() -> list[str]:
    """The words that start ranks, which root may do: Open MPI's, of this Python where it is there."""
    beside = Path(sys.executable).parent / "mpirun"
    return [str(beside) if beside.exists() else "mpirun", "--allow-run-as-root"]


@contextmanager
def pinned(threads: int) -> Iterator[None]:
    """Let processes started inside run on the last ``threads`` cores alone, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(cores)[-threads:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


class Worker:
    """A competitor's process. Raises :class:`WorkerFailedError` where it ends before it has answered.

    Without ``caches`` it finds none, so that its compilation is seen.
    """

    def __init__(self, module: str, task: dict[str, Any], threads: int, caches: Path | None) -> None:
        self.folder = tempfile.TemporaryDirectory()
        scratch = Path(self.folder.name)
        (scratch / "task.json").write_text(json.dumps(task | {"threads": threads}), encoding="utf-8")
        self.errors = (scratch / "errors").open("w+", encoding="utf-8", errors="replace")
        began = perf_counter()
        with pinned(threads):
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"benchmarks.workers.{module}", scratch / "task.json"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.errors,
                text=True,
                cwd=ROOT,
                env=environment(threads, caches or scratch),
            )
        self.versions: dict[str, str] = self._answer()["versions"]
        self.start_seconds = perf_counter() - began

    def ask(self, line: str) -> Any:
        """The answer to a line."""
        assert self.process.stdin is not None
        try:
            print(line, file=self.process.stdin, flush=True)
        except BrokenPipeError as error:
            raise self._failed() from error
        return self._answer()

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()
        self.folder.cleanup()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise self._failed()
        return json.loads(line)

    def _failed(self) -> WorkerFailedError:
        self.process.wait()
        self.errors.seek(0)
        said = [line.strip() for line in self.errors if line.strip()]
        self.close()
        return WorkerFailedError(said[-1] if said else f"ended with status {self.process.returncode}")
