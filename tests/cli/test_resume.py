"""``bp train --resume``: what it says, and what it refuses."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from .support import bp, command, environment, good, listing, points, read_metrics, refused, wait_for, write_config


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    points(tmp_path / "points.csv")
    write_config(
        tmp_path / "points.yaml",
        """
        data: {path: points.csv, split: {validation: 0.2, test: 0.1}}
        network: {hidden: [5]}
        loss: cross_entropy
        optimizer: {mode: sgd, name: adam}
        checkpoint: {epochs: 1}
        epochs: 400
        """,
    )
    return tmp_path


def test_a_run_killed_by_9_goes_on_to_the_bytes_of_one_that_was_not(folder: Path) -> None:
    words = ["train", "points.yaml", "--quiet", "engine=numpy"]
    started = subprocess.Popen(
        command(*words, "--run", "killed"), cwd=folder, env=environment(), stdout=subprocess.DEVNULL
    )
    rows = folder / "killed" / "metrics.csv"
    wait_for(lambda: rows.exists() and rows.stat().st_size > 2000, "rows of metrics.csv")
    started.send_signal(signal.SIGKILL)
    assert started.wait() == -signal.SIGKILL
    assert len(read_metrics(folder / "killed")) < 400
    shown = good("train", "--resume", "killed", cwd=folder)
    assert any(line.startswith("resumed after epoch ") for line in shown.errors)
    good(*words, "--run", "whole", cwd=folder)
    for name in (
        "metrics.csv",
        "digests.csv",
        "config.yaml",
        "model.safetensors",
        "checkpoint.safetensors",
        "run.json",
    ):
        assert (folder / "killed" / name).read_bytes() == (folder / "whole" / name).read_bytes(), name
    assert sorted(path.name for path in (folder / "killed").iterdir()) == sorted(
        path.name for path in (folder / "whole").iterdir()
    )


def test_a_complete_run_is_left_as_it_is(folder: Path) -> None:
    good("train", "points.yaml", "epochs=2", "--run", "run", "--quiet", cwd=folder)
    before = listing(folder)
    result = good("train", "--resume", "run", cwd=folder)
    assert (result.out, result.err) == ("run\n", "nothing left to train: completed; epochs=N trains for longer\n")
    assert good("train", "--resume", "run", "--json", cwd=folder).json["ended"] == "completed"
    assert listing(folder) == before


def test_what_does_not_go_with_resume_is_refused(folder: Path) -> None:
    good("train", "points.yaml", "epochs=2", "--run", "run", "--quiet", cwd=folder)
    where = "command line"
    for words, error, hint in (
        (["--run", "x"], "--run with --resume, which goes on with a run as it is", "leave it out"),
        (["--seeds", "3"], "--seeds with --resume, which goes on with a run as it is", "leave it out"),
        (
            ["points.yaml"],
            "--resume takes KEY=VALUE, and 'points.yaml' is none",
            "a run goes on with its own config.yaml; leave the config out",
        ),
    ):
        refused("train", "--resume", "run", *words, cwd=folder, status=2, error=f"{where}: {error}", hint=hint)
    error, hint = f"{where}: --allow-drift goes with --resume", "leave it out"
    refused("train", "points.yaml", "--allow-drift", cwd=folder, status=2, error=error, hint=hint)
    assert bp("train", "--resume", "nowhere", cwd=folder).status == 3
