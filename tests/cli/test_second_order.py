"""Rules of second order through the commands: how a run ends and what its record says; gradcheck and explain."""

from __future__ import annotations

from pathlib import Path

import pytest

from .support import good, line, read_metrics, read_record, write_config

CONFIG = """
    data: {path: line.csv, split: {test: 0.2}}
    dtype: float64
    loss: half_squared_error
    optimizer: {name: NAME, mode: batch}
    epochs: 60
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    line(tmp_path / "line.csv")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("lbfgs", ["largest_gradient"]),
        ("levenberg_marquardt", ["damping"]),
        ("bayesian_regularization", ["alpha", "beta", "effective_parameters"]),
    ],
)
def test_a_run_ends_where_nothing_is_left_to_do_and_says_so(name: str, figures: list[str], folder: Path) -> None:
    write_config(folder / "c.yaml", CONFIG.replace("NAME", name))
    done = good("train", "c.yaml", "--run", "run", cwd=folder)
    record, rows = read_record(folder / "run"), read_metrics(folder / "run")
    assert record["ended"].startswith("converged: ")
    assert record["engine"] == "numpy"
    assert list(record["rule"]) == figures
    assert len(rows) == record["epochs"] == record["steps"] < 60
    assert rows[-1]["loss"] < 1e-3
    assert "test_loss" in record["final"]
    shown = f"{figures[0]} {record['rule'][figures[0]]:.6g}"
    assert shown in done.err
    assert done.err.count(record["ended"]) == 1
    again = good("train", "run/config.yaml", "--run", "again", "--quiet", cwd=folder)
    assert again.out == "again\n"
    for file in ("metrics.csv", "model.safetensors", "checkpoint.safetensors"):
        assert (folder / "run" / file).read_bytes() == (folder / "again" / file).read_bytes()
    good("gradcheck", "run", cwd=folder)
    assert name.replace("_", " ") in good("explain", "c.yaml", cwd=folder).out
