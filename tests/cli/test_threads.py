"""Threads of a command: however many there are, what it prints and writes has the same bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpcli.training import source_passes

from .support import good, write_config

SIZE = 4000
CONFIG = """
    data: {path: large.npy, split: {validation: 0.4, test: 0.3}}
    network: {hidden: [64]}
    loss: cross_entropy
    epochs: 2
"""


def test_threads_change_no_byte_of_a_run_its_evaluation_or_its_predictions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_passes, "WORTH_A_POOL", 0)
    rng = np.random.default_rng(0)
    values = rng.normal(size=(SIZE, 21)).astype(np.float32)
    values[rng.random((SIZE, 21)) < 0.01] = np.nan
    values[:, -1] = np.nan_to_num(values[:, 0]) > 0
    np.save(tmp_path / "large.npy", values)
    write_config(tmp_path / "c.yaml", CONFIG)
    found = []
    for threads in (1, 2, 3, 5):
        run = f"run{threads}"
        good("train", "c.yaml", f"threads={threads}", "--quiet", "--run", run, cwd=tmp_path)
        evaluated = good("evaluate", run, "--json", cwd=tmp_path).json
        del evaluated["run"]
        predicted = good("predict", run, "--data", "large.npy", cwd=tmp_path).out
        written = [(tmp_path / run / name).read_bytes() for name in ("model.safetensors", "metrics.csv")]
        found.append((evaluated, predicted, written))
    assert all(each == found[0] for each in found)
