"""How much memory does a run take? ``python -m benchmarks.memory`` trains on files of each kind, process by process.

Allowed are twice the data in their dtype, parameters and a batch, and 200 MB. With ``--large GB`` it makes a NPY file
of that size and trains on it. The process's own memory is what is anonymous: the pages of a file that is read in
place count in the peak, but the system takes them back as it likes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BATCH, HIDDEN = 256, 32
BLOCK = 1 << 14
"""Rows made at a time."""


@dataclass(frozen=True)
class Case:
    """A file's data and loss as a config has them, and what its numbers take in the dtype that they are kept in."""

    name: str
    data: str
    loss: str
    inputs: int
    size: int

    @property
    def allowed(self) -> int:
        """Bytes."""
        parameters = (self.inputs + 1) * HIDDEN + 11 * HIDDEN
        activations = 4 * BATCH * (self.inputs + 3 * HIDDEN)
        return 2 * self.size + 6 * 4 * parameters + 4 * activations + 200_000_000


@dataclass(frozen=True)
class Measured:
    """How a run went: its status, its peak, all of it and what was its own, in bytes, and its time."""

    status: int
    peak: int
    own: int
    seconds: float


def rows(size: int, inputs: int) -> Iterator[np.ndarray]:
    """Features, and in the last column a target that they tell, some rows at a time."""
    rng = np.random.default_rng(0)
    for start in range(0, size, BLOCK):
        block = rng.standard_normal((min(BLOCK, size - start), inputs + 1), np.float32)
        block[:, -1] = block[:, :5].sum(axis=1)
        yield block


def write_npy(path: Path, size: int, inputs: int) -> None:
    """A NPY file, written without holding it."""
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (size, inputs + 1)}
        np.lib.format.write_array_header_1_0(file, header)
        for block in rows(size, inputs):
            file.write(block.tobytes())


def write_csv(path: Path, size: int, inputs: int) -> None:
    """A CSV file of numbers with nine digits."""
    with path.open("w", encoding="ascii") as file:
        file.write(",".join([*(f"x{i}" for i in range(inputs)), "y"]) + "\n")
        for block in rows(size, inputs):
            file.writelines(",".join(map(repr, row)) + "\n" for row in block.tolist())


def write_idx(path: Path, values: np.ndarray) -> None:
    """Bytes in the format of MNIST."""
    lengths = b"".join(length.to_bytes(4, "big") for length in values.shape)
    path.write_bytes(bytes([0, 0, 8, values.ndim]) + lengths + values.tobytes())


def cases(folder: Path, size: int, inputs: int) -> Iterator[Case]:
    """The same numbers in a file of each kind, and images."""
    kept = size * inputs * 4
    split = "split: {validation: 0.1, test: 0.1}"
    write_csv(folder / "t.csv", size, inputs)
    yield Case("CSV", f"{{path: t.csv, {split}}}", "half_squared_error", inputs, kept)
    write_npy(folder / "t.npy", size, inputs)
    yield Case("NPY", f"{{path: t.npy, {split}}}", "half_squared_error", inputs, kept)
    whole = np.concatenate(list(rows(size, inputs))).astype(np.float64)
    np.savez(folder / "t.npz", features=whole[:, :-1], targets=whole[:, -1])
    yield Case("NPZ, float64", f"{{path: t.npz, {split}}}", "half_squared_error", inputs, kept)
    count = kept // 784
    images = np.random.default_rng(0).integers(0, 256, (count, 28, 28), np.uint8)
    write_idx(folder / "images", images)
    write_idx(folder / "labels", images[:, 0, 0] % 10)
    train = "{train: {features: images, targets: labels}}"
    yield Case("IDX images", train, "cross_entropy", 784, count * 784)


def measure(folder: Path, case: Case) -> Measured:
    """Train for an epoch."""
    config = f"data: {case.data}\nloss: {case.loss}\nepochs: 1\noptimizer: {{batch_size: {BATCH}}}\n"
    (folder / "c.yaml").write_text(f"{config}network: {{hidden: [{HIDDEN}]}}\n", encoding="utf-8")
    began = time.perf_counter()
    words = [sys.executable, "-m", "bpcli", "train", "c.yaml", "--quiet", "--run", f"run {case.name}"]
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL)
    peak = own = 0
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        peak, own = max(peak, _held(process.pid, "VmHWM")), max(own, _held(process.pid, "RssAnon"))
        time.sleep(0.02)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if not peak:  # where the system tells no more; this counts what we held when we started the process, too
        peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Measured(process.returncode, peak, own, time.perf_counter() - began)


def _held(pid: int, what: str) -> int:
    """Bytes that a process holds, 0 where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{what}:"))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--rows", type=int, default=400_000, metavar="N")
    parser.add_argument("--inputs", type=int, default=100, metavar="N")
    parser.add_argument("--large", type=float, metavar="GB", help="train on a NPY file of this size instead")
    parser.add_argument("--folder", type=Path, help="where the files lie meanwhile; default the system's")
    options = parser.parse_args()
    print(f"{'case':14}{'data MB':>9}{'allowed MB':>12}{'peak MB':>9}{'own MB':>8}{'seconds':>9}{'status':>8}")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        for case in _large(folder, options.large) if options.large else cases(folder, options.rows, options.inputs):
            found = measure(folder, case)
            sizes = (case.size, case.allowed, found.peak, found.own)
            shown = [f"{size / 1e6:>{width}.0f}" for size, width in zip(sizes, (9, 12, 9, 8), strict=True)]
            print(f"{case.name:14}{''.join(shown)}{found.seconds:>9.1f}{found.status:>8}", flush=True)


def _large(folder: Path, gigabytes: float) -> Iterator[Case]:
    inputs = 999
    size = int(gigabytes * 1e9) // (4 * (inputs + 1))
    write_npy(folder / "large.npy", size, inputs)
    yield Case("NPY, in place", "{path: large.npy}", "half_squared_error", inputs, size * inputs * 4)


if __name__ == "__main__":
    main()
