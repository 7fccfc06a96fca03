"""FANN, the C library: ``fann.c`` compiled with gcc when the worker starts, one call for each measurement."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.workers.protocol import Task, Trainer, serve
from benchmarks.workloads import Array

SOURCE = Path(__file__).parents[1] / "fann.c"


def library() -> ctypes.CDLL:
    """``fann.c``, compiled and loaded; ends the worker where gcc or libfann is absent."""
    if shutil.which("gcc") is None:
        raise SystemExit("gcc is absent")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "libbench_fann.so"
        command = [
            "gcc",
            "-O3",
            "-march=native",
            "-shared",
            "-fPIC",
            str(SOURCE),
            "-o",
            str(made),
            "-lfloatfann",
            "-lm",
        ]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            raise SystemExit("libfann is absent (Debian: libfann-dev)")
        loaded = ctypes.CDLL(str(made))
    loaded.network_new.restype = ctypes.c_void_p
    return loaded


class Fann:
    """A network of FANN's."""

    def __init__(self, task: Task, functions: ctypes.CDLL) -> None:
        self.task = task
        self.functions = functions
        self.X, self.Y = np.ascontiguousarray(task.X), np.ascontiguousarray(task.Y)
        workload = task.workload
        sizes = np.array(workload.sizes, np.uint32)
        rate = ctypes.c_float(workload.learning_rate)
        made = functions.network_new(len(sizes), _pointer(sizes), rate, workload.batch_size)
        self.network = ctypes.c_void_p(made)
        layers = [np.column_stack(pair).reshape(-1) for pair in zip(task.W, task.b, strict=True)]
        self.weights = np.concatenate(layers).astype(np.float32)
        self.reset()

    def reset(self) -> None:
        """The initial parameters."""
        done = self.functions.network_set(self.network, _pointer(self.weights), self.weights.size)
        assert done, "FANN has a connection for each weight and bias"

    def run(self, measurement: int) -> list[float]:
        """All epochs in one call."""
        workload, order = self.task.workload, np.ascontiguousarray(self.task.order(measurement))
        losses = np.zeros(workload.epochs)
        self.functions.network_train(
            self.network,
            _pointer(self.X),
            _pointer(self.Y),
            _pointer(order),
            workload.examples,
            workload.batch_size,
            workload.epochs,
            _pointer(losses),
        )
        return losses.tolist()


def _pointer(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def build(task: Task) -> dict[str, Callable[[], Trainer]]:
    """One way."""
    functions = library()
    return {"": lambda: Fann(task, functions)}


def version() -> str:
    """Of the Debian package, as far as there is one; FANN itself does not tell."""
    if shutil.which("dpkg-query") is None:
        return "unknown"
    asked = subprocess.run(["dpkg-query", "-W", "-f=${Version}", "libfann-dev"], capture_output=True, check=False)
    return asked.stdout.decode() or "unknown"


if __name__ == "__main__":
    serve(build, {"fann": version()})
