"""An execution: its events in order, a whole run folder at each of them, and every way to end."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.config.reading import read_config
from bpcli.data.loading import Part
from bpcli.errors import ConfigError, DataError, DivergedError, ExitStatus
from bpcli.experiment import build
from bpcli.nn.metrics import Metric
from bpcli.runs import cadence
from bpcli.runs import execution as execution_module
from bpcli.runs.assessment import assess_model
from bpcli.runs.execution import Event, Execution, RunEnded, RunStarted
from bpcli.runs.folder import create_run
from bpcli.runs.model_file import Model, load_model
from bpcli.runs.record import read_record
from bpcli.storage.tensors import read_tensors
from bpcli.training import pace
from bpcli.training.loop import Epoch, Stopped, Stretch
from bpcli.training.shards.ranks import Ranks
from tests.cli.support import read_metrics, write_config
from tests.data.support import idx, npy

from .support import DIVERGING, execution, experiment

REPRODUCIBLE = ("config.yaml", "metrics.csv", "run.json", "model.safetensors", "checkpoint.safetensors")
"""The files of a run that a rerun writes with the same bytes."""


@pytest.fixture(autouse=True)
def _an_event_per_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "STRETCH_SECONDS", 0.0)
    monkeypatch.setattr("bpcli.training.batch_results.MOST", 1)


def contents(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in REPRODUCIBLE}


def counters(run: Path) -> dict[str, Any]:
    """The counters of a run's checkpoint."""
    _, header = read_tensors(run / "checkpoint.safetensors")
    assert header is not None
    saved: dict[str, Any] = header["counters"]
    return saved


def last(events: list[Event]) -> RunEnded:
    assert isinstance(events[-1], RunEnded)
    return events[-1]


# The events.


def test_a_run_starts_is_trained_by_stretches_and_epochs_and_ends(tmp_path: Path) -> None:
    kinds = [type(event) for event in execution(tmp_path, "epochs=2").events()]
    assert kinds == [RunStarted, Stretch, Epoch, Stretch, Epoch, RunEnded]


def test_preparing_writes_nothing(tmp_path: Path) -> None:
    prepared = execution(tmp_path)
    assert list(prepared.prepare()) == []
    assert not (tmp_path / "run").exists()


def test_slow_preparation_is_announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = execution(tmp_path)
    monkeypatch.setattr(prepared._steps, "prepare", lambda batch_size: iter([f"compiling for {batch_size}"]))
    assert list(prepared.prepare()) == ["compiling for 32"]


def test_the_run_folder_is_whole_at_every_event(tmp_path: Path) -> None:
    epochs = 0
    for event in execution(tmp_path).events():
        epochs += isinstance(event, Epoch)
        assert read_record(tmp_path / "run")["ended"] == ("completed" if isinstance(event, RunEnded) else None)
        assert load_model(tmp_path / "run").network.sizes == (2, 5, 3)
        assert counters(tmp_path / "run")["epoch"] <= epochs
        if epochs:
            assert [row["epoch"] for row in read_metrics(tmp_path / "run")] == [*range(1, epochs + 1)]


def test_nothing_is_printed_and_no_signal_is_handled(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)]
    for _ in execution(tmp_path).events():
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)] == handlers
    assert capfd.readouterr() == ("", "")


def test_executions_do_not_disturb_one_another(tmp_path: Path) -> None:
    alone = [list(execution(tmp_path, f"seed={seed}", run=f"alone-{seed}").events()) for seed in (1, 2)]
    both = [execution(tmp_path, f"seed={seed}", run=f"both-{seed}").events() for seed in (1, 2)]
    interleaved = list(zip(*both, strict=True))
    assert len(interleaved) == len(alone[0])
    for seed in (1, 2):
        assert contents(tmp_path / f"both-{seed}") == contents(tmp_path / f"alone-{seed}")
    assert contents(tmp_path / "alone-1") != contents(tmp_path / "alone-2")


def test_a_folder_that_exists_is_refused_before_training(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(ConfigError, match="a run is never overwritten"):
        next(execution(tmp_path).events())
    assert list((tmp_path / "run").iterdir()) == []


# Its end.


KEEPING = ["optimizer.learning_rate=3", "epochs=8"]
"""A training whose best epoch is neither the first nor the last."""


@pytest.mark.parametrize("keep", ["best", "last", "{name: best, monitor: accuracy}"])
def test_model_and_record_are_of_the_kept_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: str) -> None:
    monkeypatch.setattr(cadence, "LEAST_SECONDS", -1.0)
    monkeypatch.setattr(cadence, "SHARE", 1e9)
    kept, ends = execution(tmp_path, *KEEPING, f"keep={keep}"), {}
    for event in kept.events():
        record = read_record(tmp_path / "run")
        if isinstance(event, Epoch):
            ends[event.epoch] = kept._state.theta.tobytes()
            last = event.kept
        if isinstance(event, Stretch) and ends:  # saved since the epoch
            assert record["kept"]["epoch"] == last
            assert load_model(tmp_path / "run").parameters.theta.tobytes() == ends[last]
    rows, monitor = read_metrics(tmp_path / "run"), {"best": "val_loss", "last": None}.get(keep, "accuracy")
    best = {"val_loss": min, "accuracy": max}
    row = rows[-1] if monitor is None else best[monitor](rows, key=lambda row: row[monitor])
    value = None if monitor is None else row[monitor]
    assert record["kept"] == {"epoch": row["epoch"], "monitor": monitor, "value": value}
    assert monitor != "val_loss" or 1 < row["epoch"] < 8
    assert record["final"].items() >= {name: row[name] for name in ("loss", "accuracy", "val_loss")}.items()
    built, model = experiment(tmp_path, *KEEPING), load_model(tmp_path / "run")
    assert model.parameters.theta.tobytes() == ends[record["kept"]["epoch"]]
    tested = assess_model(model, built.loaded.parts["test"], built.metrics)
    assert {name: record["final"][f"test_{name}"] for name in tested} == tested


def test_what_is_kept_needs_its_part_and_a_name_that_is_measured(tmp_path: Path) -> None:
    for changes, message, hint in (
        (["data.split=null"], "keep goes by val_loss, but there is no validation part", "hold one out with"),
        (["keep.monitor=val_acuracy"], "keep.monitor is val_acuracy, which is not measured", "did you mean 'val_"),
        (["keep.monitor=test_loss"], "the test part is evaluated once, after training", "did you mean 'val_loss'?"),
    ):
        with pytest.raises(ConfigError) as caught:
            experiment(tmp_path, "keep=best", *changes)
        assert message in caught.value.message
        assert caught.value.hint.startswith(hint)
        assert caught.value.where.startswith("command line: keep")


def test_a_run_that_stops_early_says_so_and_is_complete(tmp_path: Path) -> None:
    ended = last(list(execution(tmp_path, *KEEPING, "early_stopping.patience=2").events()))
    rows, record = read_metrics(tmp_path / "run"), read_record(tmp_path / "run")
    reason = "early_stopping: val_loss has not improved for 2 epochs"
    assert (ended.outcome, ended.reason, record["ended"], ended.divergence) == ("completed", reason, reason, None)
    assert record["epochs"] == len(rows) == record["kept"]["epoch"] + 2 < 8
    assert record["final"]["val_loss"] == rows[-3]["val_loss"] == min(row["val_loss"] for row in rows)
    assert "test_loss" in record["final"]
    list(execution(tmp_path, *KEEPING, "early_stopping.patience=2", run="again").events())
    assert contents(tmp_path / "again") == contents(tmp_path / "run")


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_run_that_meets_its_deadline_in_the_first_epoch_keeps_what_it_has_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: str
) -> None:
    seconds = iter(range(1000))
    monkeypatch.setattr(pace, "perf_counter", lambda: float(next(seconds)))
    stopped = execution(tmp_path, "max_seconds=1.5", f"keep={keep}")
    events = list(stopped.events())
    record, model = read_record(tmp_path / "run"), load_model(tmp_path / "run")
    assert [type(event) for event in events] == [RunStarted, Stretch, Stopped, RunEnded]
    assert (last(events).outcome, record["ended"], record["epochs"]) == ("completed", "max_seconds: 1.5 s are over", 0)
    assert record["kept"] == {
        "epoch": 0, "examples": 32, "monitor": "val_loss" if keep == "best" else None, "value": None
    }  # fmt: skip
    assert model.parameters.theta.tobytes() == stopped._state.theta.tobytes()
    parts, metrics = stopped._experiment.loaded.parts, stopped._experiment.metrics
    for prefix, part in (("val_", "validation"), ("test_", "test")):
        for name, value in assess_model(model, parts[part], metrics).items():
            assert record["final"][prefix + name] == value
    assert record["final"]["loss"] == stopped._state.losses.value()


def test_a_completed_run_records_its_kept_epoch_and_the_test_part(tmp_path: Path) -> None:
    ended = last(list(execution(tmp_path).events()))
    assert (ended.outcome, ended.reason, ended.divergence) == ("completed", "completed", None)
    record = read_record(tmp_path / "run")
    assert record == ended.run.record
    assert (record["ended"], record["epochs"], record["steps"]) == ("completed", 3, 6)
    row = read_metrics(tmp_path / "run")[record["kept"]["epoch"] - 1]
    measured = {name: value for name, value in row.items() if name not in ("epoch", "step", "learning_rate")}
    tested = {name: value for name, value in record["final"].items() if name.startswith("test_")}
    assert record["final"] == {**measured, **tested}
    assert list(tested) == ["test_accuracy", "test_loss"]


@pytest.mark.parametrize(("changes", "times"), [([], 1), (["data.split=null"], 0), (DIVERGING, 0)])
def test_the_test_part_is_evaluated_once_by_a_completed_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: list[str], times: int
) -> None:
    sizes: list[int] = []

    def counted(
        model: Model, part: Part, metrics: Mapping[str, Metric], threads: int, ranks: Ranks
    ) -> dict[str, float]:
        sizes.append(part.size)
        return assess_model(model, part, metrics, threads, ranks)

    monkeypatch.setattr(execution_module, "assess_model", counted)
    list(execution(tmp_path, *changes).events())
    assert sizes == [6] * times


def test_a_run_that_diverges_ends_with_its_error(tmp_path: Path) -> None:
    ended = last(list(execution(tmp_path, *DIVERGING).events()))
    record, rows = read_record(tmp_path / "run"), read_metrics(tmp_path / "run")
    assert ended.outcome == "diverged"
    assert isinstance(ended.divergence, DivergedError)
    assert (ended.divergence.status, ended.divergence.where) == (ExitStatus.DIVERGED, str(tmp_path / "run"))
    assert record["ended"] == ended.reason == ended.divergence.message
    assert record["epochs"] == len(rows) > counters(tmp_path / "run")["epoch"] == 0  # the last state that can go on
    kept = min(rows, key=lambda row: row["val_loss"])
    assert record["kept"] == {"epoch": kept["epoch"], "monitor": "val_loss", "value": kept["val_loss"]}
    assert record["final"]["loss"] == kept["loss"]
    assert np.isfinite(load_model(tmp_path / "run").parameters.theta).all()


@pytest.mark.parametrize("place", range(7))
def test_a_run_that_is_stopped_at_any_event_is_saved_there(tmp_path: Path, place: int) -> None:
    stopped = execution(tmp_path)
    events = stopped.events()
    seen = [next(events) for _ in range(place + 1)]
    assert not isinstance(seen[-1], RunEnded)
    stopped.stop("because")
    (ended,) = events
    assert isinstance(ended, RunEnded)
    assert (ended.outcome, ended.reason, ended.divergence) == ("stopped", "because", None)
    epochs = [event for event in seen if isinstance(event, Epoch)]
    record, saved = read_record(tmp_path / "run"), counters(tmp_path / "run")
    assert (record["ended"], record["epochs"]) == ("because", len(epochs))
    assert record["final"] == (epochs[record["kept"]["epoch"] - 1].values if epochs else {})
    assert saved["step"] == record["steps"] == place
    assert (saved["epoch"], saved["position"]) == (place // 2, 32 * (place % 2))


def test_a_run_that_has_ended_is_not_stopped(tmp_path: Path) -> None:
    ended = execution(tmp_path)
    events = ended.events()
    assert isinstance([next(events) for _ in range(8)][-1], RunEnded)
    ended.stop("too late")
    assert list(events) == []
    assert read_record(tmp_path / "run")["ended"] == "completed"


def test_a_run_whose_events_are_abandoned_stays_unfinished_and_whole(tmp_path: Path) -> None:
    events = execution(tmp_path).events()
    for event in events:
        if isinstance(event, Epoch):
            break
    del events
    assert read_record(tmp_path / "run")["ended"] is None
    assert len(read_metrics(tmp_path / "run")) == 1
    assert load_model(tmp_path / "run").network.sizes == (2, 5, 3)


MISFITS = [
    ("early_stopping.monitor=val_los", "early_stopping.monitor is val_los, which is not measured", "did you mean"),
    ("early_stopping.monitor=test_loss", "but the test part is evaluated once", "did you mean 'val_loss'?"),
    ("optimizer.schedule={name: reduce_on_plateau, monitor: f1}", "optimizer.schedule.monitor is f1, which", "add f1"),
    ("optimizer.schedule={name: warmup, epochs: 3}", "optimizer.schedule.epochs: a warm-up of 6 updates", "shorten"),
    ("optimizer.schedule={name: warmup, epochs: 1, steps: 1}", "a number of steps or of epochs, not both", "keep one"),
    ("optimizer.schedule={name: cosine, period: 4}", "a cycle of 4 epochs is longer than what it has, 3", "shorten"),
    ("optimizer.schedule={name: warmup, then: {name: cosine, period: 3}}", "optimizer.schedule.then.period: ", "sh"),
]


def test_what_contradicts_the_training_is_refused_at_its_key(tmp_path: Path) -> None:
    for change, message, hint in MISFITS:
        with pytest.raises(ConfigError) as caught:
            experiment(tmp_path, change)
        assert message in caught.value.message
        assert caught.value.hint.startswith(hint)
        assert caught.value.where == f"command line: {change}"
    for change, key in (
        ("early_stopping={}", "early_stopping"),
        ("optimizer.schedule=reduce_on_plateau", "optimizer.schedule"),
    ):
        experiment(tmp_path, change)
        with pytest.raises(ConfigError, match=f"{key} goes by val_loss, but there is no validation part"):
            experiment(tmp_path, change, "data.split=null")
        experiment(tmp_path, change, "data.split=null", f"{key}.monitor=loss")


def test_the_length_of_training_is_unknown_with_a_deadline_and_no_epochs(tmp_path: Path) -> None:
    for schedule, unknown in (
        ("cosine", True),
        ("{name: cosine, period: 1}", False),
        ("{name: warmup, then: one_cycle}", True),
        ("exponential", False),
    ):
        changes = ["max_seconds=5", f"optimizer.schedule={schedule}"]
        experiment(tmp_path, *changes)
        experiment(tmp_path, f"optimizer.schedule={schedule}", "epochs=null")
        if unknown:
            with pytest.raises(ConfigError, match="with max_seconds and no epochs its length is unknown") as caught:
                experiment(tmp_path, *changes, "epochs=null")
            assert caught.value.where == f"command line: optimizer.schedule={schedule}"
        else:
            experiment(tmp_path, *changes, "epochs=null")


# Its checkpoints.


@pytest.mark.parametrize(("seconds", "steps"), [(-1.0, [0, 0, 1, 2, 3, 4, 5, 6]), (1000.0, [0, 0, 0, 0, 0, 0, 0, 6])])
def test_a_run_under_way_is_saved_when_the_last_save_is_long_ago(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, steps: list[int]
) -> None:
    monkeypatch.setattr(cadence, "LEAST_SECONDS", seconds)
    monkeypatch.setattr(cadence, "SHARE", 1e9)
    assert [counters(tmp_path / "run")["step"] for _ in execution(tmp_path).events()] == steps


def test_the_seconds_of_the_config_count_from_the_start(tmp_path: Path) -> None:
    events = execution(tmp_path, "checkpoint.seconds=1e-9").events()
    assert [counters(tmp_path / "run")["step"] for _ in events] == [0, 0, 1, 2, 3, 4, 5, 6]


# Data that change meanwhile.


def images_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Execution:
    """An execution on images that are left in their file."""
    monkeypatch.setattr("bpcli.data.encoding.matrix_features.LOADED", 0)
    (folder / "x.npy").write_bytes(npy(np.arange(96, dtype=np.uint8).reshape(24, 2, 2)))
    (folder / "y.idx").write_bytes(idx([0, 1] * 12))
    write_config(
        folder / "images.yaml",
        "data: {path: {features: x.npy, targets: y.idx}}\nloss: cross_entropy\nepochs: 2\n",
    )
    built = build(read_config(folder / "images.yaml", []))
    return Execution(built, partial(create_run, built, "images", folder / "run"))


def test_a_mapped_file_that_is_written_to_in_training_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = images_run(tmp_path, monkeypatch).events()
    next(events)
    with (tmp_path / "x.npy").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\0")
    with pytest.raises(DataError, match="the file was written to while its numbers were in use") as caught:
        list(events)
    assert caught.value.status is ExitStatus.DATA
    assert read_record(tmp_path / "run")["ended"].startswith("the file was written to")
    assert load_model(tmp_path / "run").parameters.theta.size


def test_a_mapped_file_that_another_replaces_in_training_is_the_one_that_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = hashlib.sha256(npy(np.arange(96, dtype=np.uint8).reshape(24, 2, 2))).hexdigest()
    events = images_run(tmp_path, monkeypatch).events()
    next(events)
    (tmp_path / "new").write_bytes(npy(np.zeros((24, 2, 2), np.uint8)))
    (tmp_path / "new").replace(tmp_path / "x.npy")
    ended = last(list(events))
    record = read_record(tmp_path / "run")
    note = f"{tmp_path}/x.npy has changed since it was read: the hash in run.json is of what was read"
    assert record["data"][f"{tmp_path}/x.npy"] == learned
    assert note in ended.notes
    assert note in record["notes"]


def test_the_file_of_the_first_parameters_is_recorded_with_its_hash(tmp_path: Path) -> None:
    list(execution(tmp_path).events())
    model = tmp_path / "run/model.safetensors"
    list(execution(tmp_path, f"network.weights={tmp_path}/run", run="tuned").events())
    recorded = read_record(tmp_path / "tuned")["data"]
    assert recorded[str(model)] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert str(tmp_path / "points.csv") in recorded
