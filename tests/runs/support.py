"""Small experiments, built from a config and run without a command."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bpcli.config.reading import read_config
from bpcli.experiment import Experiment, build
from bpcli.runs.execution import Execution
from bpcli.runs.folder import create_run
from tests.cli.support import points, write_config

POINTS = """
    data: {path: points.csv, split: {validation: 0.2, test: 0.1}}
    network: {hidden: [5]}
    loss: cross_entropy
    epochs: 3
"""
"""42 training examples, so an epoch has two batches of 32 and 10."""

DIVERGING = ["network=null", "loss=half_squared_error", "optimizer.learning_rate=10", "epochs=100"]


def experiment(folder: Path, *changes: str) -> Experiment:
    """The experiment of ``POINTS``, its files written into ``folder``."""
    if not (folder / "points.csv").exists():
        points(folder / "points.csv")
        write_config(folder / "points.yaml", POINTS)
    return build(read_config(folder / "points.yaml", [*changes]))


def execution(folder: Path, *changes: str, run: str = "run") -> Execution:
    """The execution of that experiment, its run in ``folder / run``."""
    built = experiment(folder, *changes)
    return Execution(built, partial(create_run, built, "points", folder / run))
