"""Nothing is imported before a command needs it: start-up is most of what a small job waits for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cli.support import environment, write_config

HEAVY = {"numpy", "pydantic", "pydantic_core", "rich", "safetensors", "yaml"}
HEAVY |= {"bpcli.figures"}
HEAVY |= {"numba", "scipy", "numpy.ma", "pandas", "pyarrow"}
HEAVY |= {
    "matplotlib",
    "plotext",
    "jinja2",
    "tensorboardX",
    "mlflow",
    "bpcli.figures",
    "bpcli.report",
    "bpcli.tracking",
}
HEAVY |= {"bpcli.training.array_files", "bpcli.training.array_names", "bpcli.training.first_nonfinite"}

LISTING = """
import sys
from bpcli.cli import main
try:
    main()
finally:
    print("\\n", *sys.modules, file=sys.stderr)
"""


def loaded(*words: str, cwd: Path, most: int) -> set[str]:
    """The heavy packages that a command has loaded when it ends, and at most so many modules, a third to spare."""
    done = subprocess.run(
        [sys.executable, "-c", LISTING, *words], cwd=cwd, env=environment(), capture_output=True, text=True, check=True
    )
    modules = done.stderr.splitlines()[-1].split()
    assert len(modules) <= most
    return set(modules) & HEAVY


@pytest.mark.parametrize("words", [["--help"], ["--version"]], ids=" ".join)
def test_help_loads_nothing_heavy(tmp_path: Path, words: list[str]) -> None:
    assert loaded(*words, cwd=tmp_path, most=220) == set()


def test_a_list_loads_little_more_than_the_mathematics(tmp_path: Path) -> None:
    by_typer = {"pydantic", "pydantic_core"}
    assert loaded("list", "losses", cwd=tmp_path, most=560) <= {"numpy", *by_typer}


@pytest.mark.parametrize("suffix", ["npz", "csv"])
def test_arrays_and_small_tables_are_trained_on_and_predicted_without_pandas(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(0)
    features, targets = rng.normal(0, 1, (40, 2)), np.arange(40) % 2
    np.savez(tmp_path / "points.npz", features=features, targets=targets)
    table = np.column_stack([features, targets])
    np.savetxt(tmp_path / "points.csv", table, delimiter=",", header="a,b,y", comments="")
    data = f"points.{suffix}"
    write_config(
        tmp_path / "points.yaml", f"data: {{path: {data}, split: {{test: 0.2}}}}\nloss: cross_entropy\nepochs: 1\n"
    )
    needed = {"numpy", "pydantic", "pydantic_core", "safetensors", "yaml"}
    quiet = ["--quiet"] if suffix == "csv" else []
    assert loaded("train", "points.yaml", "--run", "run", *quiet, cwd=tmp_path, most=750) == needed
    assert loaded("predict", "run", "--data", data, cwd=tmp_path, most=720) <= needed
