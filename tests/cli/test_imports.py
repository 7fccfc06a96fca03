"""Nothing is imported before a command needs it: start-up is most of what a small job waits for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cli.support import environment, write_config

HEAVY = {"numpy", "pydantic", "pydantic_core", "rich", "safetensors", "yaml"}
HEAVY |= {"numba", "scipy", "numpy.ma", "pandas", "pyarrow"}

LISTING = """
import sys
from bpcli.cli import main
try:
    main()
finally:
    print("\\n", *sys.modules, file=sys.stderr)
"""


def loaded(*words: str, cwd: Path) -> set[str]:
    """The heavy packages that a command has loaded when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", LISTING, *words], cwd=cwd, env=environment(), capture_output=True, text=True, check=True
    )
    return set(done.stderr.splitlines()[-1].split()) & HEAVY


@pytest.mark.parametrize("words", [["--help"], ["--version"]], ids=" ".join)
def test_help_loads_nothing_heavy(tmp_path: Path, words: list[str]) -> None:
    assert loaded(*words, cwd=tmp_path) == set()


def test_a_list_loads_little_more_than_the_mathematics(tmp_path: Path) -> None:
    assert loaded("list", "losses", cwd=tmp_path) <= {"numpy", "pydantic", "pydantic_core"}  # the last two by Typer


@pytest.mark.parametrize("suffix", ["npz", "csv"])
def test_arrays_and_small_tables_are_trained_on_and_predicted_without_pandas(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(0)
    features, targets = rng.normal(0, 1, (40, 2)), np.arange(40) % 2
    np.savez(tmp_path / "points.npz", features=features, targets=targets)
    table = np.column_stack([features, targets])
    np.savetxt(tmp_path / "points.csv", table, delimiter=",", header="a,b,y", comments="")
    data = f"points.{suffix}"
    write_config(tmp_path / "points.yaml", f"data: {{path: {data}}}\nloss: cross_entropy\nepochs: 1\n")
    needed = {"numpy", "pydantic", "pydantic_core", "safetensors", "yaml"}
    assert loaded("train", "points.yaml", "--run", "run", "--quiet", cwd=tmp_path) == needed
    assert loaded("train", "points.yaml", "--run", "table", cwd=tmp_path) == needed | {"rich"}
    assert loaded("predict", "run", "--data", data, cwd=tmp_path) <= needed


@pytest.mark.parametrize(
    ("words", "most"),
    [(("--help",), 220), (("list", "losses"), 480), (("train", "points.yaml", "--quiet"), 610)],
    ids=["help", "list", "train"],
)
def test_few_modules_are_loaded(words: tuple[str, ...], most: int, tmp_path: Path) -> None:
    """Counted, not timed: what stands here is about a third more than is loaded today."""
    (tmp_path / "points.csv").write_text("x,y\n" + "0,a\n1,b\n" * 10, encoding="utf-8")
    write_config(tmp_path / "points.yaml", "data: {path: points.csv}\nloss: cross_entropy\nepochs: 1\n")
    done = subprocess.run(
        [sys.executable, "-c", COUNTING, *words],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stderr.splitlines()[-1]) <= most


COUNTING = LISTING.replace('"\\n", *sys.modules', "len(sys.modules)")
