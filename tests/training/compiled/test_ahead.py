"""Epochs taken ahead: whatever is looked at between two of them is as if each had been taken when its turn came."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from bpcli.errors import DivergedError
from bpcli.nn.metrics import METRICS
from bpcli.nn.optimizers import Adam, GradientDescent
from bpcli.nn.schedules import SCHEDULES, ReduceOnPlateau, Schedule
from bpcli.training import loop
from bpcli.training.compiled import ahead
from bpcli.training.compiled import steps as compiled
from bpcli.training.compiled.steps import CompiledSteps
from bpcli.training.control import PLAIN, Control
from bpcli.training.keeping import Best
from bpcli.training.loop import Epoch, TrainingEvent
from bpcli.training.measure import Measure
from bpcli.training.recipe import Plan
from bpcli.training.state import TrainingState
from bpcli.training.stopping import EarlyStopping
from tests.nn.support import loss

from .support import N, Task, interpreted, numbers, residuals, task

EPOCHS = 21

REDUCING = ReduceOnPlateau("loss", factor=0.5, patience=0, min_delta=0.3, relative=True)

Row = tuple[Any, ...]


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs run as plain Python, and time does not count."""
    monkeypatch.setattr(compiled, "load_kernel", interpreted)
    monkeypatch.setattr(ahead, "SECONDS", inf)


class Trained:
    """A training of a task in batches of some size, event by event."""

    def __init__(
        self,
        one: Task,
        batch_size: int,
        control: Control = PLAIN,
        schedule: Schedule | None = None,
        state: TrainingState | None = None,
        epochs: int = EPOCHS,
        *,
        validated: bool = True,
        shuffle: bool = True,
    ) -> None:
        plan = Plan(epochs, batch_size, shuffle=shuffle, seed=3)
        recipe = one.recipe(plan)
        recipe = recipe if schedule is None else replace(recipe, schedule=schedule)
        self.state, examples = state or one.state(), one.examples()
        self.steps = CompiledSteps(recipe, self.state, examples)
        measure = Measure(one.network, {"accuracy": METRICS["accuracy"]()}, examples if validated else None)
        self.events: Iterator[TrainingEvent] = loop.train(self.steps, plan, self.state, measure, control)

    def rows(self) -> list[Row]:
        """Every event without its times, with all that a checkpoint would have at that point."""
        return [self.row(event) for event in self.events]

    def row(self, event: TrainingEvent) -> Row:
        what = event[:4] if isinstance(event, Epoch) else event
        saved = {name: array.tobytes() for name, array in numbers(self.state).items()}
        return str(what), saved


def one_by_one(monkeypatch: pytest.MonkeyPatch, train: Callable[[], list[Row]]) -> list[Row]:
    """The same with no epoch taken ahead."""
    with monkeypatch.context() as patched:
        patched.setattr(ahead, "MOST", 1)
        return train()


CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "not validated": {"validated": False},
    "in the file's order": {"shuffle": False},
    "schedule": {"schedule": SCHEDULES["cosine"]()},
    "plateau": {"control": Control(reducing=REDUCING), "schedule": REDUCING},
    "stopping": {"control": Control(Best("loss"), EarlyStopping("loss", 1, min_delta=0.02))},
}


@pytest.mark.parametrize("batch_size", [N, 4, 5, 1, 100])
@pytest.mark.parametrize("case", CASES)
def test_every_epoch_is_as_if_it_were_taken_alone(case: str, batch_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    one = replace(task(), optimizer=Adam(0.05))
    made = Trained(one, batch_size, **CASES[case])
    found = made.rows()
    assert found == one_by_one(monkeypatch, Trained(one, batch_size, **CASES[case]).rows)
    assert made.steps.ahead.seconds > 0
    if case == "plateau":
        assert made.state.plateau.reductions > 1
    if case == "stopping":
        assert made.state.epoch < EPOCHS


def test_a_state_saved_at_any_epoch_goes_on_to_the_same_numbers() -> None:
    one = replace(task(), optimizer=Adam(0.05))
    whole = Trained(one, 4).rows()
    for place in (0, 1, 2, 5, 6, 7, EPOCHS):
        first = Trained(one, 4)
        taken = [first.row(next(first.events)) for _ in range(place)]
        state = one.state()
        state.restore(
            {name: array.copy() for name, array in first.state.tensors().items()},
            json.loads(json.dumps(first.state.counters()).replace("NaN", "null")),
        )
        assert taken + Trained(one, 4, state=state).rows() == whole


def test_a_state_that_was_changed_does_not_get_the_epochs_of_another() -> None:
    one = task()
    made = Trained(one, 4)
    for _ in range(4):
        next(made.events)
    made.state.begin_epoch(0)
    made.state.optimizer.step = 0
    rest = made.rows()
    assert len(rest) == EPOCHS
    assert made.state.optimizer.step == 3 * EPOCHS


@pytest.mark.parametrize("batch_size", [N, 4, 1])
def test_a_divergence_is_where_it_is_without(batch_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    regression = task(
        "identity", loss("half_squared_error"), hidden=(), widths=(3, 1), dtype="float32", tallies=residuals
    )

    def diverged() -> list[Row]:
        made = Trained(replace(regression, optimizer=GradientDescent(40.0)), batch_size, epochs=10**4)
        made.events = train_without_metrics(made)
        rows: list[Row] = []
        with pytest.raises(DivergedError) as caught, np.errstate(all="ignore"):
            rows += (made.row(event) for event in made.events)
        return [*rows, (caught.value.message, caught.value.hint), made.row(loop.Stopped("")), (rows != [],)]

    assert diverged() == one_by_one(monkeypatch, diverged)


def train_without_metrics(made: Trained) -> Iterator[TrainingEvent]:
    return loop.train(made.steps, made.steps.recipe.plan, made.state, Measure(made.steps.network, {}))


def test_what_needs_python_between_updates_is_not_taken_ahead() -> None:
    noisy = task()
    layers = tuple(replace(layer, dropout=0.5) for layer in noisy.network.layers[:-1])  # type: ignore[type-var]
    network = replace(noisy.network, layers=(*layers, noisy.network.layers[-1]))
    assert Trained(noisy, 4).steps.ahead.room > 1
    assert Trained(replace(noisy, network=network), 4).steps.ahead.room == 0
    assert Trained(replace(noisy, size=10**5), 4).steps.ahead.room <= 1


def test_the_seconds_of_a_call_are_shared_out_among_its_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "perf_counter", iter(range(0, 10**6, 8)).__next__)
    spent = [round(event.train_seconds) for event in Trained(task(), 4).events if isinstance(event, Epoch)]
    assert len(spent) == EPOCHS
    assert spent[:2] == [4 - 8, 4]
    assert spent[2:6] == [2 - 8, 2, 2, 2]


def test_calls_that_take_long_take_fewer_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "SECONDS", 2.0)
    made = ahead.Ahead(task().state(), 100, N, 3)
    asked: list[int] = []

    def take(count: int, rows: list[Any]) -> tuple[int, list[float]]:
        asked.append(count)
        return 0, []

    for seconds in (0.5, 0.5, 2.0, 8.0, 1.0, 100.0, 1.0):
        monkeypatch.setattr(ahead, "perf_counter", iter([0.0, seconds]).__next__)
        made.take(1000, take)
    assert asked == [2, 4, 8, 8, 2, 4]
