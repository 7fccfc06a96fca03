"""Trackers: told of every event, and never the end of a run."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bpcli.config import document
from bpcli.errors import SystemRefusedError
from bpcli.tracking import TRACKERS
from bpcli.tracking.mlflow import parameters
from bpcli.tracking.protocol import Recording, TrackedRun
from bpcli.tracking.tensorboard import tag_of
from tests.cli.support import bp, good, points, read_metrics, read_record, refused, write_config
from tests.runs.support import POINTS


@dataclass
class Told:
    """A tracker that notes what it is told, and fails where it is asked to."""

    fails: str = ""
    heard: list[Any] = field(default_factory=list)

    def require(self) -> None:
        self._note("require")

    def start(self, run: TrackedRun) -> Recording:
        self._note("start", run.folder.name, run.settings["network.hidden"], run.epochs_before)
        return self

    def epoch(self, epoch: int, values: Mapping[str, float]) -> None:
        self._note("epoch", epoch, sorted(values))

    def end(self, outcome: str, final: Mapping[str, float]) -> None:
        self._note("end", outcome, sorted(final))

    def _note(self, *what: Any) -> None:
        self.heard.append(what)
        if self.fails == what[0]:
            raise RuntimeError("the disk of the tool is full\nand more")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    points(tmp_path / "points.csv")
    return write_config(tmp_path / "points.yaml", POINTS)


def listed(monkeypatch: pytest.MonkeyPatch, **trackers: Told) -> None:
    for name, tracker in trackers.items():
        monkeypatch.setitem(TRACKERS, name, lambda tracker=tracker: tracker)


def test_a_tracker_is_told_of_a_run_from_its_start_to_its_end(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told()
    listed(monkeypatch, told=told)
    good("train", config, "--run", "run", "--quiet", "--track", "told", "--track", "told", cwd=tmp_path)
    columns = sorted({*read_metrics(tmp_path / "run")[0]} - {"epoch", "step"})
    assert told.heard[:2] == [("require",), ("start", "run", read_settings(tmp_path), 0)]
    assert told.heard[2:5] == [("epoch", epoch, columns) for epoch in (1, 2, 3)]
    assert told.heard[5:] == [("end", "completed", sorted(read_record(tmp_path / "run")["final"]))]
    told.heard.clear()
    good("train", "--resume", "run", "epochs=5", "--quiet", "--track", "told", cwd=tmp_path)
    assert [each[:2] for each in told.heard] == [
        *[("require",), ("start", "run"), ("epoch", 4), ("epoch", 5)],
        ("end", "completed"),
    ]
    assert told.heard[1][3] == 3
    told.heard.clear()
    series = ("--run", "series", "--seeds", "2", "--quiet")
    good("train", config, *series, "epochs=1", "--track", "told", cwd=tmp_path)
    assert [each[1] for each in told.heard if each[0] == "start"] == ["seed-0", "seed-1"]


def read_settings(folder: Path) -> Any:
    return document.read_yaml(folder / "run" / "config.yaml").plain()["network"]["hidden"]


@pytest.mark.parametrize("fails", ["start", "epoch", "end"])
def test_a_tracker_that_fails_ends_no_run(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    broken, whole = Told(fails), Told()
    listed(monkeypatch, broken=broken, whole=whole)
    result = good("train", config, "--run", "run", "--track", "broken", "--track", "whole", cwd=tmp_path)
    said = (
        "--track broken failed: the disk of the tool is full; the run goes on without it, and is complete in its folder"
    )
    assert result.errors.count(f"warning: {said}") == 1
    assert [each[0] for each in broken.heard][-1] == fails
    assert [each[0] for each in broken.heard].count(fails) == 1
    assert [each[0] for each in whole.heard] == ["require", "start", "epoch", "epoch", "epoch", "end"]
    record = read_record(tmp_path / "run")
    assert record["outcome"] == "completed"
    assert (said in record["notes"]) is (fails != "end")  # the record is written before a tracker hears of the end


def test_what_cannot_write_is_refused_before_there_is_a_run(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hint = "did you mean 'dvc'? (choose from tensorboard, mlflow, dvc)"
    refused(
        "train",
        config,
        "--track",
        "dvb",
        cwd=tmp_path,
        status=2,
        error="command line: there is no tracker 'dvb'",
        hint=hint,
    )
    for module, name, extra in (("tensorboardX", "tensorboardX", "tensorboard"), ("mlflow", "MLflow", "mlflow")):
        monkeypatch.setitem(sys.modules, module, None)
        error, hint = f"command line: --track {extra} needs {name}", f"pip install 'bpcli[{extra}]'"
        refused("train", config, "--track", extra, cwd=tmp_path, status=2, error=error, hint=hint)


def test_dvc_has_metrics_and_says_where_the_rest_is(tmp_path: Path, config: Path) -> None:
    good("train", config, "--run", "run", "--quiet", "--track", "dvc", cwd=tmp_path)
    final = read_record(tmp_path / "run")["final"]
    assert json.loads((tmp_path / "run/metrics.json").read_text(encoding="utf-8")) == final
    pipeline = document.read_yaml(tmp_path / "run/dvc.yaml").plain()
    columns = [name for name in read_metrics(tmp_path / "run")[0] if name not in ("epoch", "step")]
    assert pipeline == {
        "metrics": ["metrics.json"],
        "params": ["config.yaml"],
        "plots": [{"metrics.csv": {"x": "epoch", "y": columns}}],
    }
    assert bp("verify", "run", "--quiet", cwd=tmp_path).status == 0


def test_an_event_file_has_every_value_and_where_a_resumed_run_went_on(tmp_path: Path, config: Path) -> None:
    """The records as their format says (TFRecord): length, its check sum, the event, its check sum."""
    from tensorboardX.proto import event_pb2

    good("train", config, "--run", "run", "--quiet", "--track", "tensorboard", cwd=tmp_path)
    (first,) = (tmp_path / "run").glob("events.out.tfevents.*")
    good("train", "--resume", "run", "epochs=4", "--quiet", "--track", "tensorboard", cwd=tmp_path)
    found = []
    for path in (tmp_path / "run").glob("events.out.tfevents.*"):
        data, events = path.read_bytes(), []
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            events.append(event_pb2.Event.FromString(data[12 : 12 + length]))
            data = data[12 + length + 4 :]
        found.append((path != first, events))
    began, resumed = (events for _, events in sorted(found, key=lambda each: each[0]))
    scalars = {(event.step, value.tag): value.simple_value for event in began for value in event.summary.value}
    rows = read_metrics(tmp_path / "run")
    for epoch in (1, 2, 3):
        assert scalars[epoch, "loss/training"] == pytest.approx(rows[epoch - 1]["loss"])
        assert scalars[epoch, "accuracy/validation"] == pytest.approx(rows[epoch - 1]["val_accuracy"])
    assert (3, "accuracy/test") in scalars
    assert [(event.step, event.session_log.status) for event in resumed if event.HasField("session_log")] == [
        (4, event_pb2.SessionLog.START)
    ]
    assert {event.step for event in resumed if event.summary.value} == {4}


def test_columns_are_grouped_by_what_they_measure() -> None:
    columns = ("loss", "val_loss", "test_loss", "f1_macro", "learning_rate")
    assert [tag_of(name) for name in columns] == [
        *("loss/training", "loss/validation", "loss/test", "f1_macro/training", "learning_rate"),
    ]


def test_parameters_are_as_mlflow_takes_them() -> None:
    settings = {"epochs": 3, "data.types.a\nb": "number", "network.hidden": [{"units": 3}] * 100, "loss.name": "huber"}
    found = parameters(settings)
    assert list(found) == ["epochs", "network.hidden", "loss.name"]
    assert found["epochs"] == "3"
    assert found["loss.name"] == "huber"
    assert len(found["network.hidden"]) == 500


def test_an_address_that_does_not_answer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        @staticmethod
        def search_experiments(*, max_results: int) -> None:
            raise OSError("no route\nto it")

        @staticmethod
        def get_tracking_uri() -> str:
            return "http://me:secret@host:5000"

    monkeypatch.setattr("bpcli.tracking.mlflow._library", Library)
    with pytest.raises(SystemRefusedError) as raised:
        TRACKERS["mlflow"]().require()
    assert raised.value.lines() == [
        "error: http://…@host:5000: MLflow can't be reached: no route",
        "hint: check MLFLOW_TRACKING_URI, or leave out --track mlflow",
    ]
