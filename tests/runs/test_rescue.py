"""A run that another thread ends while training is busy is saved where training can continue."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import pytest

from bpcli.runs import execution as execution_module
from bpcli.runs.assessment import assess_model
from bpcli.runs.execution import Execution, RunEnded
from bpcli.runs.record import read_record
from bpcli.runs.resuming import resume
from bpcli.training import pace, safe_point
from bpcli.training.measure import Measure
from tests.cli.support import PATIENCE

from .support import execution
from .test_execution import contents

ENGINES = {
    "numpy": ["engine=numpy", "optimizer.name=adam", "network.dropout=0.2"],
    "lbfgs": ["optimizer={name: lbfgs, mode: batch}"],
    "levenberg_marquardt": ["optimizer={name: levenberg_marquardt, mode: batch}", "loss=half_squared_error"],
    "ranks": ["engine=numpy", "metrics=[roc_auc]"],
}

COMPILED = ["engine=numba", "optimizer.name=adam", "network.dropout=0.2"]


@pytest.fixture(autouse=True)
def _an_event_per_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "STRETCH_SECONDS", 0.0)
    monkeypatch.setattr("bpcli.training.batch_results.MOST", 1)
    monkeypatch.setattr(safe_point, "PATIENCE", 0.05)


class Busy:
    """Work that never ends from its n-th time on."""

    def __init__(self, work: Callable[..., Any], times: int) -> None:
        self.work, self.times = work, times
        self.reached = threading.Event()

    def __call__(self, *arguments: Any) -> Any:
        self.times -= 1
        done = self.work(*arguments)  # so the state has changed when the work does not end
        if self.times < 0:
            self.reached.set()
            wait_for_ever()
        return done


def wait_for_ever() -> NoReturn:
    while True:
        threading.Event().wait()


def rescued(training: Execution, busy: Busy, *, patient: bool = True) -> RunEnded:
    """How a run ends that is rescued from its busy work."""

    def consume() -> None:
        for _ in training.events():
            pass

    threading.Thread(target=consume, daemon=True).start()
    assert busy.reached.wait(PATIENCE)
    ended = training.rescue("SIGTERM", patient=patient)
    assert ended is not None
    return ended


def continued(folder: Path, *changes: str) -> None:
    """Continue the run ``folder / run`` from its checkpoint to its end."""
    (folder / "run").rename(folder / "busy")  # the rescued training is still there, in this process, and holds it
    shutil.copytree(folder / "busy", folder / "run", ignore=shutil.ignore_patterns(".lock"))
    again = resume(folder / "run", [])
    for _ in Execution(again.experiment, again.open_run, again.state).events():
        pass


@pytest.mark.parametrize("engine", [*ENGINES, pytest.param("numba", marks=pytest.mark.slow)])
@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_long_stretch_is_saved_as_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int, engine: str
) -> None:
    changes = ENGINES.get(engine, COMPILED)
    monkeypatch.setattr(safe_point, "LONG", 0.0)
    monkeypatch.setattr(safe_point, "COPIED", 1e15)
    list(execution(tmp_path, *changes, "epochs=5", run="whole").events())
    training = execution(tmp_path, *changes, "epochs=5")
    list(training.prepare())
    busy = Busy(training._steps.run, place)
    monkeypatch.setattr(training._steps, "run", busy)
    ended = rescued(training, busy)
    record = read_record(tmp_path / "run")
    assert (ended.outcome, ended.reason, record["ended"], record["steps"]) == ("stopped", "SIGTERM", "SIGTERM", place)
    continued(tmp_path, *changes, "epochs=5")
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.parametrize("patient", [True, False])
def test_without_a_copy_the_last_checkpoint_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, patient: bool
) -> None:
    """Steps that never end are not waited for."""
    if not patient:
        monkeypatch.delattr(safe_point.SafePoint, "_wait_for_a_rest")
    training = execution(tmp_path)
    busy = Busy(training._steps.run, 1)
    monkeypatch.setattr(training._steps, "run", busy)
    rescued(training, busy, patient=patient)
    record = read_record(tmp_path / "run")
    assert (record["ended"], record["epochs"], record["steps"]) == ("SIGTERM", 0, 0)
    list(execution(tmp_path, run="whole").events())
    continued(tmp_path)
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_a_validation_is_left_with_the_steps_of_its_epoch_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(execution(tmp_path, run="whole").events())
    busy = Busy(Measure.validated, 1)
    with monkeypatch.context() as patch:
        patch.setattr(Measure, "validated", lambda *arguments: busy(*arguments))
        rescued(execution(tmp_path), busy)
    record = read_record(tmp_path / "run")
    assert (record["epochs"], record["steps"]) == (1, 4)
    continued(tmp_path)
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_parameters_of_an_unfinished_epoch_have_no_metrics_of_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = Busy(assess_model, 0)
    with monkeypatch.context() as patch:
        patch.setattr(pace, "perf_counter", count().__next__)  # a second between any two looks at the clock
        patch.setattr(execution_module, "assess_model", busy)
        rescued(execution(tmp_path, "keep=last", "max_seconds=5.5"), busy)
    record = read_record(tmp_path / "run")
    assert record["kept"]["epoch"] >= 1
    assert record["kept"]["examples"] > 0
    assert record["final"] == {}


def test_an_evaluation_of_the_test_part_is_left_with_the_training_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(execution(tmp_path, run="whole").events())
    busy = Busy(assess_model, 0)
    with monkeypatch.context() as patch:
        patch.setattr(execution_module, "assess_model", busy)
        rescued(execution(tmp_path), busy)
    record = read_record(tmp_path / "run")
    assert (record["ended"], record["epochs"], "test_loss" in record["final"]) == ("SIGTERM", 3, False)
    continued(tmp_path)
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_a_reader_of_events_that_waits_does_not_keep_the_run_from_being_saved(tmp_path: Path) -> None:
    training = execution(tmp_path)
    events = training.events()
    for _ in range(4):
        next(events)
    ended: list[RunEnded | None] = []
    thread = threading.Thread(target=lambda: ended.append(training.rescue("SIGTERM")))
    thread.start()
    thread.join()
    assert ended[0] is not None
    record = read_record(tmp_path / "run")
    assert (record["ended"], record["steps"]) == ("SIGTERM", 3)
    threading.Thread(target=lambda: next(events), daemon=True).start()  # which waits for the end of the process


def test_a_run_that_has_ended_is_not_saved_again(tmp_path: Path) -> None:
    training = execution(tmp_path)
    (*_, last) = training.events()
    before = contents(tmp_path / "run")
    assert training.rescue("SIGTERM") is last
    assert contents(tmp_path / "run") == before
