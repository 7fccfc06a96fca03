"""What is tracked, read back by each tool's own reader. Slow: loading MLflow, TensorBoard and DVC takes a minute."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import environment, good, points, read_metrics, read_record, write_config
from tests.runs.support import POINTS

pytestmark = pytest.mark.slow

TRACKED = """
import json, sys
from bpcli.cli import main
main()
"""

TENSORBOARD = """
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
found = EventAccumulator(sys.argv[1])
found.Reload()
print(json.dumps({tag: [[e.step, e.value] for e in found.Scalars(tag)] for tag in found.Tags()["scalars"]}))
"""

MLFLOW = """
import json
from mlflow import MlflowClient
client = MlflowClient()
found = client.search_runs(["0"])
print(json.dumps([
    [run.info.run_name, run.info.status, run.data.metrics, run.data.params,
     [[m.step, m.value] for m in client.get_metric_history(run.info.run_id, "loss")],
     [file.path for file in client.list_artifacts(run.info.run_id)]]
    for run in found
]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    points(tmp_path / "points.csv")
    write_config(tmp_path / "points.yaml", POINTS)
    return tmp_path


def train_and_resume(folder: Path, tracker: str) -> None:
    """A run of three epochs that goes on to five."""
    run = ("-c", TRACKED, "train")
    for words in (["points.yaml", "--run", "run"], ["--resume", "run", "epochs=5"]):
        done = subprocess.run(
            [sys.executable, *run, *words, "--quiet", "--track", tracker],
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "run\n"


def said(folder: Path, script: str, *words: str) -> Any:
    """What a script printed, as JSON."""
    command = [sys.executable, "-c", script, *words]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_tensorboard_reads_each_epoch_once(folder: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed; make trackers installs it")
    train_and_resume(folder, "tensorboard")
    scalars = said(folder, TENSORBOARD, "run")
    rows = read_metrics(folder / "run")
    for tag, column in {"loss/training": "loss", "accuracy/validation": "val_accuracy"}.items():
        assert [step for step, _ in scalars[tag]] == [1, 2, 3, 4, 5]
        assert [value for _, value in scalars[tag]] == pytest.approx([row[column] for row in rows])
    final = read_record(folder / "run")["final"]
    assert scalars["accuracy/test"][-1] == [5, pytest.approx(final["test_accuracy"])]


def test_mlflow_goes_on_with_the_run_that_is_resumed(folder: Path) -> None:
    pytest.importorskip("mlflow", reason="mlflow is not installed; make trackers installs it")
    train_and_resume(folder, "mlflow")
    ((name, status, metrics, params, losses, files),) = said(folder, MLFLOW)
    rows, final = read_metrics(folder / "run"), read_record(folder / "run")["final"]
    assert (name, status) == ("run", "FINISHED")
    assert losses == [[int(row["epoch"]), row["loss"]] for row in rows]
    assert metrics["test_accuracy"] == final["test_accuracy"]
    assert metrics["val_accuracy"] == rows[-1]["val_accuracy"]
    assert params["optimizer.learning_rate"] == "0.1"
    assert files == ["config.yaml", "run.json"]


def test_dvc_shows_the_metrics_and_the_plots(folder: Path) -> None:
    pytest.importorskip("dvc", reason="dvc is not installed; make trackers installs it")
    good("train", "points.yaml", "--run", "runs/a", "--quiet", "--track", "dvc", cwd=folder)
    for words in (["init", "--no-scm", "--quiet"], ["metrics", "show", "--json"], ["plots", "show", "--json"]):
        command = [sys.executable, "-m", "dvc", *words]
        done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=True)
        if words[0] == "metrics":
            assert json.loads(done.stdout)[""]["data"]["runs/a/metrics.json"]["data"] == pytest.approx(
                read_record(folder / "runs/a")["final"]
            )
    assert "runs/a/metrics.csv" in json.loads(done.stdout)["data"]
