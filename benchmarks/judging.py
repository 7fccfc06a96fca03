"""Whole commands of ``bp evaluate`` and ``bp predict``, on one core and two: ``python -m benchmarks.judging``.

A model of 784-128-10 judges MNIST's images (``--mnist FOLDER``), one of 10-32-3 predicts a long CSV; seconds, the best
of all rounds, taken in turn.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np

from benchmarks.commands import bp_command
from benchmarks.in_turn import best_in_turn, head, row
from benchmarks.processes import ROOT, pinned

PARTS = {"10,000 images": "t10k", "60,000 images": "train"}

SMALL = """
data: {path: small.csv, target: class, split: {test: 0.2}}
network: {hidden: [32]}
loss: cross_entropy
epochs: 2
"""

IMAGES = """
data: {{train: {{features: {0}/t10k-images-idx3-ubyte.gz, targets: {0}/t10k-labels-idx1-ubyte.gz}}}}
network: {{hidden: [128], activation: relu}}
loss: cross_entropy
epochs: 1
"""


def bp(folder: Path, *words: object, cores: int = 1) -> None:
    """A command in a folder, on so many cores, to its end."""
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT)}
    with pinned(cores):
        subprocess.run(bp_command(*words), cwd=folder, env=surroundings, check=True, capture_output=True)


def write_table(path: Path, rows: int, *, labelled: bool) -> None:
    """A CSV of ten columns of numbers, with classes where it is to be learned from."""
    rng = np.random.default_rng(0)
    X, classes = rng.standard_normal((rows, 10)), rng.integers(0, 3, rows)
    names = [f"x{k}" for k in range(10)] + ["class"] * labelled
    table = np.column_stack([X, classes]) if labelled else X
    np.savetxt(path, table, fmt=["%.8g"] * 10 + ["%d"] * labelled, delimiter=",", header=",".join(names), comments="")


def on_images(folder: Path, mnist: Path) -> dict[str, Callable[[int], None]]:
    """Evaluations and predictions of MNIST's two parts, by a number of cores."""
    (folder / "images.yaml").write_text(IMAGES.format(mnist), encoding="utf-8")
    bp(folder, "train", "images.yaml", "--run", "images", "--quiet")
    found: dict[str, Callable[[int], None]] = {}
    for title, part in PARTS.items():
        images, labels = mnist / f"{part}-images-idx3-ubyte.gz", mnist / f"{part}-labels-idx1-ubyte.gz"
        found[f"evaluate, {title}"] = partial(_evaluate, folder, images, labels)
        found[f"predict, {title}"] = partial(_predict, folder, "images", images)
    return found


def on_table(folder: Path, rows: int) -> dict[str, Callable[[int], None]]:
    """Predictions of a long table."""
    write_table(folder / "small.csv", 1000, labelled=True)
    write_table(folder / "long.csv", rows, labelled=False)
    (folder / "table.yaml").write_text(SMALL, encoding="utf-8")
    bp(folder, "train", "table.yaml", "--run", "table", "--quiet")
    return {f"predict, {rows:,} rows": partial(_predict, folder, "table", folder / "long.csv")}


NUMBERS = count()


def _evaluate(folder: Path, images: Path, labels: Path, cores: int) -> None:
    bp(folder, "evaluate", "images", "--data", images, "--targets", labels, cores=cores)


def _predict(folder: Path, run: str, data: Path, cores: int) -> None:
    output = folder / f"predictions-{next(NUMBERS)}.csv"
    bp(folder, "predict", run, "--data", data, "--output", output, cores=cores)
    output.unlink()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judging", description=__doc__)
    parser.add_argument("--mnist", type=Path, metavar="FOLDER", help="with MNIST's files, packed")
    parser.add_argument("--rows", type=int, default=1_000_000, metavar="N", help="of the CSV; 0 leaves it out")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    options = parser.parse_args()
    print(head("", "one core", "two cores"))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        judged = on_images(folder, options.mnist.absolute()) if options.mnist else {}
        judged |= on_table(folder, options.rows) if options.rows else {}
        for title, command in judged.items():
            found = best_in_turn({str(cores): partial(command, cores) for cores in (1, 2)}, options.rounds)
            print(row(title, *(f"{seconds:.2f}" for seconds in found.values())), flush=True)


if __name__ == "__main__":
    main()
