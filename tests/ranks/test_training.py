"""What 1, 2, 3 and 4 ranks train: the same bytes, and the same ends."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.ranks.support import ROOT, files_of, mpirun, with_mpi

pytestmark = with_mpi

TABLES = ROOT / "datasets"

CASES: Mapping[str, dict[str, Any]] = {
    # weights, dropout, noise, a schedule driven by results, and the best epoch kept
    "weighted": {
        "data": {
            "path": str(TABLES / "iris.csv"),
            "split": {"validation": 0.2, "test": 0.2},
            "class_weight": "balanced",
            "input_noise": {"std": 0.05},
        },
        "network": {"hidden": [9], "dropout": 0.2},
        "loss": "cross_entropy",
        "optimizer": {
            "name": "adam",
            "learning_rate": 0.05,
            "batch_size": 21,
            "schedule": {"name": "reduce_on_plateau", "patience": 1},
        },
        "early_stopping": {"monitor": "val_loss", "patience": 3},
        "shards": 4,
        "epochs": 12,
    },
    # a chain that needs the whole norm, and a metric that keeps all outputs
    "ranked": {
        "data": {"path": str(TABLES / "breast_cancer.csv"), "split": {"test": 0.5}},
        "network": {"hidden": [5]},
        "loss": "binary_cross_entropy",
        "optimizer": {"name": "momentum", "batch_size": 50, "clip": {"norm": 0.5}},
        "penalties": [{"name": "l2", "strength": 0.01}],
        "metrics": ["roc_auc", "accuracy"],
        "shards": 3,
        "epochs": 3,
    },
    # numbers that stay in their file, some of them missing, and a bucket for each of four layers
    "mapped": {
        "data": {"path": "../numbers.npy", "split": {"validation": 0.3, "test": 0.1}, "group": "3"},
        "network": {"hidden": [6, 5, 4]},
        "loss": "half_squared_error",
        "optimizer": {"batch_size": 60},
        "shards": 4,
        "epochs": 2,
    },
    # a loss that leaves the finite numbers, and fewer shards than ranks
    "diverging": {
        "data": {"path": str(TABLES / "diabetes.csv")},
        "network": {"hidden": [6]},
        "loss": "half_squared_error",
        "optimizer": {"learning_rate": 1e9, "batch_size": 40},
        "shards": 2,
        "epochs": 5,
    },
    # one vector of float64 for all examples at once
    "whole": {
        "data": {"path": str(TABLES / "diabetes.csv"), "split": {"validation": 0.3}},
        "dtype": "float64",
        "network": {"hidden": [{"units": 7, "activation": "tanh"}]},
        "loss": "half_squared_error",
        "optimizer": {"mode": "batch", "name": "nesterov", "look_ahead": True},
        "keep": "last",
        "shards": 5,
        "epochs": 4,
    },
}

STOPPED = {"weighted": 2}
"""A case that stops after an epoch, and goes on in other processes."""


def ask(ranks: int, folder: Path, *, train: list[str], resume: list[str], stop: Mapping[str, int]) -> None:
    """Have ranks train cases in a folder, and resume runs there."""
    folder.mkdir(exist_ok=True)
    numbers = folder.parent / "numbers.npy"
    if not numbers.exists():
        np.save(numbers, some_numbers())
    for name, case in CASES.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({**case, "engine": "numpy"}), encoding="utf-8")
    asked = {"train": {name: f"{name}.yaml" for name in train}, "resume": resume, "stop": stop, "exchange": ranks > 1}
    done = mpirun(ranks, ["-m", "tests.ranks.laws", json.dumps(asked)], folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def some_numbers() -> Any:
    """Rows of 7 numbers, a few of them missing, and the target."""
    drawn = np.random.default_rng(1).normal(3, 2, (900, 8))
    drawn[::7, 2] = np.nan
    drawn[:, 3] = np.arange(900) // 3
    return drawn


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process trains, and where it stops."""
    folder = tmp_path_factory.mktemp("alone")
    ask(1, folder, train=[*CASES], resume=[], stop={})
    return folder


@pytest.fixture(scope="module")
def in_ranks(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """What so many ranks train, trained once."""

    @cache
    def trained(ranks: int) -> Path:
        folder = tmp_path_factory.mktemp(f"in{ranks}")
        ask(ranks, folder, train=[*CASES], resume=[], stop=STOPPED)
        return folder

    return trained


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_ranks_leave_the_bytes_of_one_process(ranks: int, alone: Path, in_ranks: Callable[[int], Path]) -> None:
    folder, outcomes = in_ranks(ranks), {}
    assert (folder / "exchanged").exists()
    for name in {*CASES} - {*STOPPED}:
        record, theirs = (json.loads((one / name / "run.json").read_text("utf-8")) for one in (folder, alone))
        outcomes[name] = record["outcome"]
        assert files_of(folder / name) == files_of(alone / name), name
        for key in ("ended", "final", "kept"):
            assert record[key] == theirs[key]
    assert outcomes == {"ranked": "completed", "mapped": "completed", "diverging": "diverged", "whole": "completed"}


def test_a_stopped_run_goes_on_in_other_ranks_to_the_bytes_of_one_process(
    alone: Path, in_ranks: Callable[[int], Path], tmp_path: Path
) -> None:
    for name in STOPPED:
        shutil.copytree(in_ranks(3) / name, tmp_path / name)
        assert json.loads((tmp_path / name / "run.json").read_text("utf-8"))["ended"] == "SIGTERM"
    ask(2, tmp_path, train=[], resume=[*STOPPED], stop={})
    for name in STOPPED:
        assert files_of(tmp_path / name) == files_of(alone / name)
