"""Iterations: one an epoch, judged before it, resumable to the same bytes; weights are rows given so often."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.data.sources import Columns, Examples, Rows
from bpcli.errors import DivergedError
from bpcli.nn import Array
from bpcli.nn.activations import Identity, Tanh
from bpcli.nn.heads import join
from bpcli.nn.losses import HalfSquaredError
from bpcli.nn.metrics import METRICS, tallies_for
from bpcli.nn.network import dense, initial
from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.nn.optimizers.second_order.rule import is_second_order
from bpcli.nn.penalties import L2
from bpcli.nn.tallies import Judging, Tallies
from bpcli.storage.tensors import read_tensors, write_tensors
from bpcli.training import loop
from bpcli.training.engines import Engine
from bpcli.training.iteration_steps import IterationSteps
from bpcli.training.loop import Epoch, Stopped
from bpcli.training.measure import Measure
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.state import TrainingState, start

RULES = [name for name, kind in OPTIMIZERS.items() if is_second_order(kind)]
every_rule = pytest.mark.parametrize("name", RULES)
SIZE = 30
NETWORK = dense((2, 4, 2), (Tanh(),), join(Identity(), HalfSquaredError()))


class Task:
    """A rule on a regression of two targets."""

    def __init__(self, name: str, counts: Any = None, *, repeat: bool = False, dtype: str = "float64") -> None:
        rng = np.random.default_rng(8)
        X, Y = rng.normal(size=(SIZE, 2)), rng.normal(size=(SIZE, 2))
        weights = None if counts is None else np.asarray(counts, dtype)
        if repeat:
            X, Y, weights = np.repeat(X, counts, 0), np.repeat(Y, counts, 0), None
        self.examples = Examples(Rows(X.astype(dtype)), Columns(np.ascontiguousarray(Y.T, dtype)), weights=weights)
        self.recipe = Recipe(NETWORK, OPTIMIZERS[name](), Plan(12, len(X), shuffle=False, seed=0))
        self.metrics = {"mse": METRICS["mse"]()}
        self.theta = initial(NETWORK, np.dtype(dtype), np.random.default_rng(0)).theta

    def state(self) -> TrainingState:
        return start(self.recipe, self.theta.copy(), Tallies(()))

    def train(self, state: TrainingState) -> Any:
        steps = Engine().steps(self.recipe, state, self.examples)
        assert isinstance(steps, IterationSteps)
        return loop.train(steps, self.recipe.plan, state, Measure(NETWORK, {}))


def contents(state: TrainingState) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in state.tensors().items()} | {"": repr(state.counters()).encode()}


@every_rule
def test_an_epoch_is_one_iteration_judged_at_its_first_parameters(name: str) -> None:
    task = Task(name)
    state = task.state()
    objective = IterationSteps(task.recipe, state, task.examples).objective
    expected = objective.loss(state.theta)
    for event in task.train(state):
        assert event.values["loss"] == expected
        assert (event.step, event.epoch) == (state.epoch, state.epoch)
        assert event.learning_rate > 0
        expected = objective.loss(state.theta)
    assert state.epoch == 12


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_rule
def test_a_state_saved_after_any_epoch_goes_on_to_the_same_bytes(name: str, dtype: str, tmp_path: Path) -> None:
    task = Task(name, dtype=dtype)
    whole = task.state()
    rows = [event.values for event in task.train(whole)]
    for cut in (1, 5, 11):
        state = task.state()
        for event in task.train(state):
            if event.epoch == cut:
                break
        write_tensors(tmp_path / "c.safetensors", state.tensors(), state.counters())
        tensors, counters = read_tensors(tmp_path / "c.safetensors")
        again = task.state()
        assert counters is not None
        again.restore(tensors, counters)
        assert [event.values for event in task.train(again)] == rows[cut:]
        assert contents(again) == contents(whole)


@every_rule
def test_weight_2_is_the_row_twice_and_weight_0_no_row(name: str) -> None:
    counts = np.random.default_rng(1).integers(0, 4, SIZE)
    ends: list[Array] = []
    for task in (Task(name, counts), Task(name, counts, repeat=True), Task(name)):
        state = task.state()
        losses = [event.values["loss"] for event in islice(task.train(state), 6)]
        ends.append(np.array([*state.theta, *losses]))
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-12, atol=1e-12)
    assert not np.allclose(ends[0], ends[2], rtol=1e-3)


@every_rule
def test_a_rule_with_nothing_left_to_do_ends_the_training_and_stays_ended(name: str) -> None:
    task = Task(name)
    still = task.recipe.optimizer
    task.recipe = Recipe(NETWORK, type(still)(gradient_tolerance=1e3), Plan(40, SIZE, shuffle=False, seed=0))  # type: ignore[call-arg]
    state = task.state()
    events = list(task.train(state))
    assert isinstance(events[-1], Stopped)
    assert events[-1].reason == "converged: no entry of the gradient is larger than 1000"
    ended = len(events) - 1
    assert ended < 40
    assert [event.reason for event in task.train(state)] == [events[-1].reason]  # no further iteration
    assert state.epoch == ended


@every_rule
def test_metrics_are_counted_with_the_loss(name: str) -> None:
    task = Task(name)
    tallies = tallies_for(task.metrics, Judging(2, "residuals", units=np.ones(2)))
    state = start(task.recipe, task.theta.copy(), tallies)
    steps = IterationSteps(task.recipe, state, task.examples)
    measure = Measure(NETWORK, task.metrics)
    (first, *_) = loop.train(steps, task.recipe.plan, state, measure)
    assert isinstance(first, Epoch)
    assert first.values["mse"] == pytest.approx(2 * first.values["loss"], rel=1e-12)


@every_rule
def test_a_loss_that_is_not_finite_is_a_divergence(name: str) -> None:
    task = Task(name)
    task.theta[0] = np.nan
    with pytest.raises(DivergedError) as caught:
        list(task.train(task.state()))
    assert caught.value.message == (
        "training diverged: the loss (nan) is no longer finite at epoch 1, step 1; "
        "first in step 1: Z of layer 1, whose weights reach nan and whose inputs 2.5"
    )


def test_penalties_are_part_of_what_is_minimised_and_shown() -> None:
    for name in ("lbfgs", "levenberg_marquardt"):
        task = Task(name)
        plain = task.state()
        without = [event.values["loss"] for event in task.train(plain)]
        task.recipe = Recipe(NETWORK, task.recipe.optimizer, task.recipe.plan, penalties=(L2(0.5),))
        state = task.state()
        losses = [event.values["loss"] for event in task.train(state)]
        weights = sum(float(np.sum(W * W)) for W in NETWORK.parameters(task.theta).W[1:])
        assert losses[0] == pytest.approx(without[0] + 0.25 * weights, rel=1e-12)
        assert (np.diff(losses) < 0).all()
        assert np.linalg.norm(state.theta) < 0.5 * np.linalg.norm(plain.theta)
