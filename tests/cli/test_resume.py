"""``bp train --resume``: what it says, and what it refuses."""

from __future__ import annotations

import hashlib
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from bpcli.runs.folder import RUN_FILES
from bpcli.runs.record import read_record
from bpcli.runs.series import SERIES_FILES
from bpcli.storage.sealed import write_json

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
        epochs: 60
        """,
    )
    return tmp_path


def test_a_run_killed_by_9_goes_on_to_the_bytes_of_one_that_was_not(folder: Path) -> None:
    words = ["train", "points.yaml", "--quiet", "engine=numpy"]
    started = subprocess.Popen(
        command(*words, "--run", "killed"), cwd=folder, env=environment(), stdout=subprocess.DEVNULL
    )
    rows = folder / "killed" / "metrics.csv"
    wait_for(lambda: rows.exists() and rows.stat().st_size > 800, "rows of metrics.csv")
    started.send_signal(signal.SIGKILL)
    assert started.wait() == -signal.SIGKILL
    assert len(read_metrics(folder / "killed")) < 60
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
    for place, error, hint in (
        ("nowhere", "no such folder", "see bp runs"),
        ("points.yaml", "this is no run folder: it has no run.json", "see bp runs"),
        ("run/model.safetensors", "this is no run folder: it has no run.json", "name the run's folder, run"),
    ):
        refused("train", "--resume", place, cwd=folder, status=3, error=f"{place}: {error}", hint=hint)


def test_a_series_goes_on_with_what_is_left_of_it(folder: Path) -> None:
    words = [
        "train",
        "points.yaml",
        "--folds",
        "2",
        "--seeds",
        "2",
        "--refit",
        "--quiet",
        "epochs=3",
        "checkpoint=null",
    ]
    good(*words, "--run", "whole", cwd=folder)
    shutil.copytree(folder / "whole", folder / "stopped")
    for name in ("summary.csv", "predictions.csv", "refit", "seed-1-fold-1"):
        path = folder / "stopped" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(folder / "stopped/seed-1-fold-0")
    half = ["seed=1", "data.split.test=null", "data.split.folds=2", "data.split.fold=0", "epochs=1", "checkpoint=null"]
    good("train", "points.yaml", *half, "--run", "stopped/seed-1-fold-0", "--quiet", cwd=folder)
    place = folder / "stopped/seed-1-fold-0"
    (place / "config.yaml").write_bytes((folder / "whole/seed-1-fold-0/config.yaml").read_bytes())
    digest = hashlib.sha256((place / "config.yaml").read_bytes()).hexdigest()
    write_json(place / "run.json", read_record(place) | {"outcome": "stopped", "ended": "SIGTERM", "config": digest})
    finished = (folder / "stopped/seed-0-fold-0/run.json").stat().st_mtime_ns
    assert good("train", "--resume", "stopped", "--quiet", cwd=folder).out == "stopped\n"
    assert (folder / "stopped/seed-0-fold-0/run.json").stat().st_mtime_ns == finished
    bare = {name.partition("/whole/")[2]: data for name, data in listing(folder / "whole").items()}
    again = {name.partition("/stopped/")[2]: data for name, data in listing(folder / "stopped").items()}
    assert bare.keys() == again.keys()
    assert [name for name in bare if bare[name] != again[name] and not name.endswith("timings.csv")] == []
    error, hint = "command line: 'epochs=5', but a series goes on as it was asked for", "leave it out"
    refused("train", "--resume", "stopped", "epochs=5", cwd=folder, status=2, error=error, hint=hint)


@pytest.mark.parametrize("name", RUN_FILES)
def test_no_link_in_a_run_has_bp_write_elsewhere(folder: Path, name: str) -> None:
    good("train", "points.yaml", "epochs=2", "--run", "run", "--quiet", cwd=folder)
    (folder / "run" / name).unlink(missing_ok=True)
    (folder / "run" / name).symlink_to(folder / "other")
    (folder / "other").write_text("1\n" * 10)
    error, hint = f"run/{name}: it is a link: bp would write elsewhere", "put the file itself there"
    refused("train", "--resume", "run", "epochs=3", cwd=folder, status=3, error=error, hint=hint)


@pytest.mark.parametrize("name", ["config.yaml", *SERIES_FILES])
def test_nor_does_one_in_a_series(folder: Path, name: str) -> None:
    good("train", "points.yaml", "--seeds", "2", "epochs=1", "--run", "whole", "--quiet", cwd=folder)
    (folder / "whole" / name).unlink(missing_ok=True)
    (folder / "whole" / name).symlink_to(folder / "points.csv")
    error, hint = f"whole/{name}: it is a link: bp would write elsewhere", "put the file itself there"
    refused("train", "--resume", "whole", cwd=folder, status=3, error=error, hint=hint)


def test_a_checkpoint_goes_by_epochs_or_by_seconds(folder: Path) -> None:
    result = bp("config", "check", "points.yaml", "checkpoint.seconds=5", cwd=folder)
    assert result.status == 2
    assert "checkpoint goes by a number of epochs or of seconds, not both\nhint: keep one\n" in result.err
    assert "checkpoint: {epochs: 1}\n" in good("config", "show", "points.yaml", cwd=folder).out
