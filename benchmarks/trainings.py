"""The command on real data: ``bp train`` on MNIST's files, on bytes and float32, on threads and ranks."""

from __future__ import annotations

import csv
import gzip
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.commands import bp_command
from benchmarks.processes import ROOT, environment, mpirun, pinned

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
IMAGES_HEADER, LABELS_HEADER = 16, 8
"""Bytes before the first image and the first label."""

PIXELS = 784

MANY = 128
"""Examples of a batch from which on threads and ranks share it out."""


@dataclass(frozen=True)
class RealWorkload:
    """A network on the first ``examples`` of MNIST; ``settings`` are its config's lines below the data."""

    title: str
    hidden: tuple[int, ...]
    batch_size: int
    epochs: int
    settings: str
    examples: int = 60_000

    def config(self, images: Path, labels: Path) -> str:
        """The whole config."""
        return (
            f"data: {{train: {{features: {images}, targets: {labels}}}}}\n"
            f"network: {{hidden: {list(self.hidden)}, {self.settings}\n"
            f"epochs: {self.epochs}\nseed: 7\n"
        )


def _descent(batch_size: int, rate: float) -> str:
    return (
        f"optimizer: {{mode: mini_batch, batch_size: {batch_size}, name: gradient_descent, learning_rate: {rate}}}"
        if batch_size > 1
        else f"optimizer: {{mode: sgd, name: gradient_descent, learning_rate: {rate}}}"
    )


def _sigmoid(batch_size: int, rate: float) -> str:
    squared = "loss: {name: half_squared_error, outputs: sum, examples: mean}"
    return f"activation: sigmoid, output: sigmoid}}\n{squared}\n{_descent(batch_size, rate)}"


def _relu(batch_size: int, rate: float) -> str:
    return f"activation: relu}}\nloss: cross_entropy\n{_descent(batch_size, rate)}"


REAL_WORKLOADS = {
    "mnist_nielsen": RealWorkload("784-30-10, batch 10", (30,), 10, 4, _sigmoid(10, 0.3)),
    "mnist_sgd": RealWorkload("784-30-10, one example at a time", (30,), 1, 3, _sigmoid(1, 0.03)),
    "mnist_relu": RealWorkload("784-128-10, batch 32", (128,), 32, 4, _relu(32, 0.05)),
    "mnist_deep": RealWorkload("784-512-512-10, batch 128", (512, 512), 128, 3, _relu(128, 0.05), 24_576),
    "mnist_wide": RealWorkload("784-2048-2048-10, batch 512", (2048, 2048), 512, 3, _relu(512, 0.05), 4096),
}


@dataclass
class Training:
    """What came of a way to train: in ``seconds`` a step's for each repeat, the median of epochs after the first."""

    workload: str
    way: str
    seconds: list[float] = field(default_factory=list)
    failure: str = ""


@dataclass(frozen=True)
class _Way:
    """A training of a workload through the command: from which files, on how many threads and ranks."""

    name: str
    images: str
    threads: int = 1
    ranks: int = 1

    def line(self, config: Path, run: Path) -> list[str]:
        settings = ["engine=numba", f"threads={self.threads}"]
        train = bp_command("train", config, *settings, "--run", run, "--quiet")
        if self.ranks == 1:
            return train
        return [*mpirun(), "-n", str(self.ranks), *train]


def measure(name: str, mnist: Path, several: Sequence[int], repeats: int, caches: Path | None) -> list[Training]:
    """Train in all ways in turn, ``repeats`` rounds; ``several`` are numbers of threads, and of ranks."""
    print(f"{name}: bp train", file=sys.stderr, flush=True)
    workload = REAL_WORKLOADS[name]
    ways = list(_ways(workload, several))
    trainings = [Training(name, way.name) for way in ways]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _write_data(workload, mnist, folder)
        for images in ("images-idx3-ubyte", "images.npy"):
            config = workload.config(folder / images, folder / "labels-idx1-ubyte")
            (folder / f"{images}.yaml").write_text(config, encoding="utf-8")
        for number in range(repeats):
            for way, training in zip(ways, trainings, strict=True):
                if not training.failure:
                    _once(way, training, folder, folder / f"{way.name}-{number}", caches or folder)
    return trainings


def _ways(workload: RealWorkload, several: Sequence[int]) -> Iterator[_Way]:
    """Bytes and float32 on one thread; where batches are large, float32 on more threads and more ranks."""
    yield _Way("float32", "images.npy")
    yield _Way("bytes", "images-idx3-ubyte")
    if workload.batch_size >= MANY:
        for count in several:
            yield _Way(f"float32, {count} threads", "images.npy", threads=count)
            yield _Way(f"float32, {count} ranks", "images.npy", ranks=count)


def _once(way: _Way, training: Training, folder: Path, run: Path, caches: Path) -> None:
    """Train, and take note of a step's time."""
    cores = way.threads * way.ranks
    line = way.line(folder / f"{way.images}.yaml", run)
    if shutil.which(line[0]) is None:
        training.failure = f"{Path(line[0]).name} is absent (pip install 'bpcli[mpi]')"
        return
    with pinned(cores):
        done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=ROOT, env=environment(1, caches))
    if done.returncode:
        training.failure = (done.stderr.strip().splitlines() or ["failed"])[0]
        return
    seconds = [float(row["train_seconds"]) for row in _rows(run / "timings.csv")]
    steps = int(_rows(run / "metrics.csv")[0]["step"])
    training.seconds.append(median(seconds[1:]) / steps)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _write_data(workload: RealWorkload, mnist: Path, folder: Path) -> None:
    """The workload's examples as MNIST has them, and their pixels divided by 255 as float32."""
    images, labels = _unpacked(mnist / IMAGES), _unpacked(mnist / LABELS)
    count = workload.examples
    size, header = count.to_bytes(4, "big"), images[:IMAGES_HEADER]
    pixels = images[IMAGES_HEADER:][: count * PIXELS]
    (folder / "images-idx3-ubyte").write_bytes(header[:4] + size + header[8:] + pixels)
    (folder / "labels-idx1-ubyte").write_bytes(labels[:4] + size + labels[LABELS_HEADER:][:count])
    rows = np.frombuffer(pixels, np.uint8).reshape(count, PIXELS)
    np.save(folder / "images.npy", rows / np.float32(255))


def _unpacked(path: Path) -> bytes:
    packed = path.with_name(f"{path.name}.gz")
    return path.read_bytes() if path.exists() else gzip.decompress(packed.read_bytes())


def has_mnist(folder: Path | None) -> bool:
    """Whether the folder has the images and labels, packed or not."""
    if folder is None:
        return False
    present = set(os.listdir(folder))
    return all({name, f"{name}.gz"} & present for name in (IMAGES, LABELS))
