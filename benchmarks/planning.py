"""Is ``bp train --plan`` right about the command itself? ``python -m benchmarks.planning --mnist FOLDER``.

The quickest epoch of ``bp train CONFIG threads=1`` by timings.csv, against what ``--plan 1`` says of it by a core
measured just before. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import tempfile
from pathlib import Path

from benchmarks.commands import bp_command
from benchmarks.processes import ROOT
from benchmarks.scaling.tables import milliseconds, ratio

CONFIGS: dict[str, tuple[int, list[str]]] = {
    "mnist_relu.yaml": (6, ["engine=numba"]),
    "mnist_relu.yaml, shards: 2": (6, ["engine=numba", "shards=2"]),
    "mnist_relu.yaml, engine: numpy": (4, ["engine=numpy"]),
    "mnist_nielsen.yaml": (8, ["engine=numba"]),
    "digits.yaml": (30, ["engine=numba"]),
    "mnist_dropout.yaml, with dropout, noise and max_norm": (2, ["engine=numba"]),
}
"""Epochs, the first of which is not counted where there are several, and changes, by the config."""

FILES = {
    "data.train.features": "train-images-idx3-ubyte.gz",
    "data.train.targets": "train-labels-idx1-ubyte.gz",
    "data.test.features": "t10k-images-idx3-ubyte.gz",
    "data.test.targets": "t10k-labels-idx1-ubyte.gz",
}


def bp(words: list[str]) -> str:
    """What a command prints."""
    line, environment = bp_command("train", *words), {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(line, check=True, capture_output=True, text=True, env=environment).stdout


def row(name: str, mnist: Path, folder: Path) -> str:
    """A config planned and trained."""
    epochs, changes = CONFIGS[name]
    config = name.partition(",")[0]
    files = [f"{key}={mnist / file}" for key, file in FILES.items()] if config.startswith("mnist") else []
    words = [str(ROOT / "configs" / config), *files, *changes, "threads=1"]
    planned = json.loads(bp([*words, "--plan", "1", "--json"]))["ranks"][0]["epoch_seconds"]
    run = folder / f"run{len(list(folder.iterdir()))}"
    bp([*words, f"epochs={epochs}", "--quiet", "--run", str(run)])
    with (run / "timings.csv").open(encoding="utf-8") as file:
        seconds = [float(row["train_seconds"]) + float(row["validation_seconds"] or 0) for row in csv.DictReader(file)]
    taken = min(seconds[1:] or seconds)
    told = f"{milliseconds(taken)} ms | {milliseconds(planned)} ms | {ratio(planned / taken)}"
    return f"| `{config}`{name[len(config) :]} | {told} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planning", description=__doc__)
    parser.add_argument("--mnist", type=Path, metavar="FOLDER", help="with MNIST's files, packed")
    parser.add_argument("--configs", nargs="+", choices=CONFIGS, default=list(CONFIGS))
    options = parser.parse_args()
    print("| config | measured | predicted | ratio |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.configs:
            if options.mnist or not name.startswith("mnist"):
                print(row(name, (options.mnist or Path()).absolute(), Path(folder)), flush=True)


if __name__ == "__main__":
    main()
