"""Training that ends early, by results or by the clock, and rates that follow results: as by hand, and re-entered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from math import inf, nan
from typing import Any

import numpy as np
import pytest

from bpcli.nn.optimizers import GradientDescent
from bpcli.nn.schedules import ReduceOnPlateau, Warmup
from bpcli.storage.text import to_json
from bpcli.training import loop, numpy_steps
from bpcli.training.compiled import steps as compiled
from bpcli.training.compiled.steps import CompiledSteps
from bpcli.training.control import Control
from bpcli.training.keeping import Best, Keep, Last
from bpcli.training.loop import Epoch, Stopped, TrainingEvent
from bpcli.training.measure import Measure
from bpcli.training.numpy_steps import NumpySteps
from bpcli.training.recipe import Plan
from bpcli.training.state import TrainingState
from bpcli.training.stopping import EarlyStopping, Waiting
from tests.training.compiled.support import interpreted

from .test_loop import Task, contents, numbers

RULE = GradientDescent(1.5)
PLAN = Plan(30, 6, shuffle=True, seed=4)
STOPPING = EarlyStopping("val_loss", patience=3)
REDUCING = ReduceOnPlateau("val_loss", factor=0.5, patience=1, cooldown=1)


def trained(
    task: Task, state: TrainingState, control: Control, plan: Plan = PLAN, kind: Any = NumpySteps
) -> Iterator[TrainingEvent]:
    """A training under a control, its rates reduced as the control says."""
    recipe = task.recipe(RULE, plan)
    if control.reducing is not None:
        recipe = replace(recipe, schedule=Warmup(steps=2, then=control.reducing))
    measure = Measure(task.network, task.metrics, task.validation)
    return loop.train(kind(recipe, state, task.examples), plan, state, measure, control)


def ends_at(stopping: EarlyStopping, values: list[float], *, higher: bool = False) -> int:
    """The epoch after which training ends, by its values of the monitor; 0 if it does not."""
    waiting = Waiting()
    for epoch, value in enumerate(values, start=1):
        stopping.observe(waiting, value, higher=higher)
        if stopping.reason(waiting):
            return epoch
    return 0


def test_training_ends_after_patience_epochs_without_improvement() -> None:
    falls = [3.0, 2.0, 2.0, 2.5, 1.9, 1.9, 1.9]
    assert ends_at(EarlyStopping("loss", 2), falls) == 4
    assert ends_at(EarlyStopping("loss", 3), falls) == 0
    assert ends_at(EarlyStopping("loss", 1), falls) == 3
    assert ends_at(EarlyStopping("loss", 2), falls, higher=True) == 3
    slow = [1.0, 0.95, 0.85, 0.84, 0.80, 0.7]
    assert ends_at(EarlyStopping("loss", 2, 0.1), slow) == 5  # 1.0, then 0.85: the best moves by more than 0.1 alone
    assert ends_at(EarlyStopping("loss", 2, 0.5), slow) == 3
    assert ends_at(EarlyStopping("loss", 2), [1.0, nan, inf]) == 3
    assert ends_at(EarlyStopping("loss", 2), [nan, 1.0, nan, 0.5, nan]) == 0


def test_a_training_that_stops_early_is_the_beginning_of_one_that_does_not() -> None:
    task = Task()
    whole, short = (list(trained(task, task.state(RULE), Control(stopping=s))) for s in (None, STOPPING))
    count = len(numbers(short))
    assert isinstance(short[-1], Stopped)
    assert short[-1] == Stopped("early_stopping: val_loss has not improved for 3 epochs")
    assert 3 < count < PLAN.epochs
    assert numbers(short) == numbers(whole)[:count]
    losses = [values["val_loss"] for _, _, _, values in numbers(short)]
    assert min(losses) == losses[-4]


@pytest.mark.parametrize("control", [Control(Best(), STOPPING), Control(Last(), reducing=REDUCING)])
def test_a_state_saved_at_any_epoch_goes_on_to_the_same_numbers(control: Control) -> None:
    task, state = Task(), None
    whole = list(trained(task, task.state(RULE), control))
    count = len(numbers(whole))
    for place in range(count + 1):
        first = task.state(RULE)
        events = trained(task, first, control)
        taken = [next(events) for _ in range(place)]
        saved = json.loads(to_json(first.counters()))
        state = task.state(RULE)
        state.restore({name: array.copy() for name, array in first.tensors().items()}, saved)
        assert contents(state) == contents(first)
        rest = list(trained(task, state, control))
        assert numbers(taken + rest) == numbers(whole)
        assert [event for event in rest if isinstance(event, Stopped)] == [*whole[count:]]
    assert state is not None


@pytest.mark.parametrize("higher", [False, True])
def test_a_reduced_rate_holds_from_the_next_update_on(higher: bool) -> None:  # noqa: FBT001
    task, monitor = Task(), "val_accuracy" if higher else "val_loss"
    reducing = replace(REDUCING, monitor=monitor, min_delta=0.01)
    rows = numbers(list(trained(task, task.state(RULE), Control(reducing=reducing))))
    best, bad, cooling, rate, expected = nan, 0, 0, 1.5, []
    for _, _, _, values in rows:
        expected.append(rate)
        value = values[monitor]
        if np.isnan(best) or (value > best * 1.01 if higher else value < best * 0.99):
            best, bad = value, 0
        else:
            bad += 1
        if cooling:
            cooling, bad = cooling - 1, 0
        if bad > 1:
            rate, cooling, bad = rate / 2, 1, 0
    assert [row[2] for row in rows] == expected
    assert len(set(expected)) > 3


def test_compiled_steps_take_the_reduced_rates_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "load_kernel", interpreted)
    task, control = Task(dtype="float64"), Control(reducing=REDUCING)
    plain = numbers(list(trained(task, task.state(RULE), control)))
    found = numbers(list(trained(task, task.state(RULE), control, kind=CompiledSteps)))
    assert [row[:3] for row in found] == [row[:3] for row in plain]
    assert len({row[2] for row in found}) > 3


# The deadline.


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by a second whenever it is read, and an update at a time."""
    seconds = iter(range(10**6))
    for room in (loop, numpy_steps):
        monkeypatch.setattr(room, "perf_counter", lambda: float(next(seconds)))
    monkeypatch.setattr("bpcli.training.batch_results.MOST", 1)


@pytest.mark.usefixtures("ticking")
@pytest.mark.parametrize("seconds", range(1, 60))
@pytest.mark.parametrize("keep", [Last(), Best()], ids=["last", "best"])
def test_the_deadline_ends_training_anywhere_and_loses_no_work(keep: Keep, seconds: int) -> None:
    task = Task()
    state = task.state(RULE)
    events = list(trained(task, state, Control(keep, max_seconds=seconds), Plan(3, 6, shuffle=True, seed=4)))
    if state.epoch == 3:
        assert isinstance(events[-1], Epoch)
        return
    ended = events[-1]
    assert isinstance(ended, Stopped)
    assert ended.reason == f"max_seconds: {seconds} s are over"
    assert state.kept.examples == (state.position if isinstance(keep, Last) or state.epoch == 0 else 0)
    if state.kept.examples:
        assert state.kept.theta.tobytes() == state.theta.tobytes()
        assert ended.values["loss"] == state.losses.value()
        assert set(ended.values) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    else:
        assert ended.values == {}
        assert 0 <= state.kept.epoch <= state.epoch
    rest = numbers(list(trained(task, state, Control(keep), Plan(3, 6, shuffle=True, seed=4))))
    whole_state = task.state(RULE)
    whole = numbers(list(trained(task, whole_state, Control(keep), Plan(3, 6, shuffle=True, seed=4))))
    assert numbers(events) + rest == whole
    assert (state.kept.theta.tobytes(), state.kept.epoch) == (whole_state.kept.theta.tobytes(), whole_state.kept.epoch)


def test_parameters_that_are_not_finite_are_not_kept_at_the_deadline() -> None:
    task = Task()
    state = task.state(RULE)
    state.position, state.theta[0] = 6, nan
    assert not Control().keep_unfinished(state)
    assert state.kept.theta.tobytes() == task.start.tobytes()
