"""How long does a large array take until its examples can be gathered? ``python -m benchmarks.loading``.

An NPY file of float32 and targets beside it are written and loaded as ``bp train`` does, with several numbers of
threads in turn; the best of all rounds, the file's pages in memory. A pass takes no less than SHA-256 of its bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.in_turn import best_in_turn, head, row
from bpcli.config.reading import read_config
from bpcli.experiment import parts_of

TEXT = """
data: {train: {features: X.npy, targets: y.npy}}
network: {hidden: [8]}
loss: cross_entropy
"""


def write(folder: Path, rows: int, columns: int, zeros: float) -> None:
    """The files and a config of them; ``zeros`` is the share of numbers that are 0."""
    rng = np.random.default_rng(0)
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.float32, (rows, columns))
    for start in range(0, rows, 10_000):
        part = X[start : start + 10_000]
        part[...] = rng.standard_normal(part.shape, np.float32)
        part[rng.random(part.shape, np.float32) < zeros] = 0
    X.flush()
    np.save(folder / "y.npy", rng.integers(0, 10, rows))
    (folder / "config.yaml").write_text(TEXT, encoding="utf-8")


def load(folder: Path, threads: int) -> None:
    """The parts of the config's data."""
    parts_of(read_config(folder / "config.yaml", [f"threads={threads}"]))


def digest(folder: Path) -> None:
    """SHA-256 of the file."""
    with (folder / "X.npy").open("rb") as file:
        hashlib.file_digest(file, "sha256")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loading", description=__doc__)
    parser.add_argument("--rows", type=int, default=250_000, metavar="N")
    parser.add_argument("--columns", type=int, default=1000, metavar="N")
    parser.add_argument("--zeros", type=float, default=0.0, metavar="SHARE", help="of numbers that are 0")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write(folder, options.rows, options.columns, options.zeros)
        runs = {f"{threads} threads": partial(load, folder, threads) for threads in options.threads}
        found = best_in_turn({"SHA-256 of the file": partial(digest, folder), **runs}, options.rounds)
    print(head("float32", *found))
    print(row(f"{options.rows:,} × {options.columns:,}", *(f"{seconds:.2f} s" for seconds in found.values())))


if __name__ == "__main__":
    main()
