"""What is kept: the best epoch's parameters by any monitor, the first of equal ones, or the last epoch's."""

from __future__ import annotations

from math import inf, nan

import pytest

from bpcli.nn.optimizers import GradientDescent
from bpcli.training import loop
from bpcli.training.control import Control
from bpcli.training.keeping import KEEPS, Best, Keep, Last
from bpcli.training.loop import Epoch
from bpcli.training.measure import Measure
from bpcli.training.numpy_steps import NumpySteps
from bpcli.training.recipe import Plan

from .test_loop import Task


def kept_epochs(keep: Keep, values: list[float], *, higher: bool) -> list[int]:
    """The epoch kept after each of so many, by their values of the monitor."""
    found, kept, value_kept = [], 0, nan
    for epoch, value in enumerate(values, start=1):
        if keep.prefers(value, value_kept, higher=higher):
            kept, value_kept = epoch, value
        found.append(kept)
    return found


@pytest.mark.parametrize(
    ("values", "lowest", "highest"),
    [
        ([3.0, 1.0, 2.0, 1.0, 0.5], [1, 2, 2, 2, 5], [1, 1, 1, 1, 1]),
        ([1.0, 1.0, 2.0, 2.0], [1, 1, 1, 1], [1, 1, 3, 3]),
        ([nan, nan, 2.0, nan, 1.0], [1, 2, 3, 3, 5], [1, 2, 3, 3, 3]),
        ([inf, 2.0, -inf, inf], [1, 2, 2, 2], [1, 2, 2, 2]),
    ],
)
def test_the_first_of_the_best_finite_values_is_kept(
    values: list[float], lowest: list[int], highest: list[int]
) -> None:
    assert kept_epochs(Best(), values, higher=False) == lowest
    assert kept_epochs(Best(), values, higher=True) == highest
    assert kept_epochs(Last(), values, higher=False) == [*range(1, len(values) + 1)]


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy", "loss", "accuracy"])
@pytest.mark.parametrize("name", KEEPS)
def test_training_keeps_the_parameters_of_that_epoch_in_the_same_array(name: str, monitor: str) -> None:
    task, rule, plan = Task(), GradientDescent(1.5), Plan(12, 6, shuffle=True, seed=4)
    keep = Best(monitor) if name == "best" else Last()
    state = task.state(rule)
    kept = state.kept.theta
    assert (kept.tobytes(), state.kept.epoch) == (task.start.tobytes(), 0)
    measure = Measure(task.network, task.metrics, task.validation)
    steps = NumpySteps(task.recipe(rule, plan), state, task.examples)
    ends, values = [task.start.tobytes()], []
    for event in loop.train(steps, plan, state, measure, Control(keep)):
        if isinstance(event, Epoch):
            ends.append(state.theta.tobytes())
            values.append(event.values[monitor])
            expected = kept_epochs(keep, values, higher="accuracy" in monitor)[-1]
            assert event.kept == state.kept.epoch == expected
            assert state.kept.theta is kept
            assert kept.tobytes() == ends[expected]
    if name == "best":
        assert 0 < state.kept.epoch < plan.epochs  # else the case shows nothing
        assert state.kept.value == values[state.kept.epoch - 1]
