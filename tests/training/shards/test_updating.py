"""Updates piece by piece give the bits of updates of whole vectors, whatever the rule, the chain and the threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.clipping import ByNorm
from bpcli.nn.optimizers import OPTIMIZERS, AdamW, GradientDescent, Memory, Nesterov
from bpcli.nn.optimizers.rule import Gradient, OptimizerState
from bpcli.nn.optimizers.second_order.rule import is_second_order
from bpcli.nn.penalties import L2
from bpcli.team import SERIAL
from bpcli.training.numpy_steps import NumpySteps
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.shards import Division, cutting, gradients, updating
from bpcli.training.shards.updating import elementwise
from tests.training.compiled.support import PLAN, Task, numbers, task
from tests.training.shards.test_gradients import in_ranks, same

RULES = {name: kind for name, kind in OPTIMIZERS.items() if not is_second_order(kind)}


@dataclass
class Chained(Task):
    """With a penalty and a clipping between the gradient and the rule."""

    def recipe(self, plan: Plan = PLAN) -> Recipe:
        return replace(super().recipe(plan), penalties=(L2(0.01),), clip=ByNorm(0.5))


def tasks(name: str) -> list[Task]:
    """The rule in both precisions, and with a chain; its settings such that all parts of a step have an effect."""
    rule = RULES[name](learning_rate=0.01)
    if hasattr(rule, "weight_decay"):
        rule = replace(rule, weight_decay=0.1)
    network = task().network
    return [Task(network, rule, "float64"), Task(network, rule, "float32"), Chained(network, rule, "float32")]


@pytest.mark.parametrize("name", RULES)
def test_pieces_give_the_bits_of_whole_vectors(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradients, "WORTH_A_THREAD", 0)
    for one in tasks(name):
        monkeypatch.setattr(cutting, "PIECE", 1 << 20)
        whole = {shards: numbers(one.trained(divided(shards), 5)) for shards in (1, 3)}
        monkeypatch.setattr(cutting, "PIECE", 7)
        for shards, threads in ((1, 1), (1, 2), (3, 1), (3, 2), (3, 5)):
            same(numbers(one.trained(divided(shards, threads), 5)), whole[shards])


@pytest.mark.parametrize("name", RULES)
def test_processes_that_update_their_own_entries_give_the_bits_of_one(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "PIECE", 7)
    for one in tasks(name):
        alone = numbers(one.trained(divided(4), 5))
        for found in in_ranks(one, 4, 3):
            same(found, alone)


def divided(shards: int, threads: int = 1) -> Callable[..., NumpySteps]:
    return partial(NumpySteps, division=Division(shards, threads))


@dataclass(frozen=True)
class ByLength:
    """A step of length η, which no entry can take by itself; it says nothing of that."""

    learning_rate: float = 0.1
    batch_only: ClassVar[bool] = False

    def memory(self, size: int) -> Mapping[str, Memory]:
        return {"velocity": Memory((size,))}

    def buffers(self, size: int) -> Mapping[str, tuple[int, ...]]:
        return {}

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient, rate: Any) -> Any:
        added = gradient(theta, state.dtheta, 1.0)
        np.multiply(state.dtheta, rate / np.sqrt(np.dot(state.dtheta, state.dtheta)), state.dtheta)
        np.subtract(theta, state.dtheta, theta)
        return added


def test_only_rules_that_say_so_are_elementwise_and_only_at_theta() -> None:
    assert {name for name, kind in RULES.items() if not elementwise(kind(), 100)} == {"nadam"}
    assert elementwise(Nesterov(), 100)
    assert not elementwise(Nesterov(look_ahead=True), 100)
    assert not elementwise(ByLength(), 100)


def test_a_rule_that_says_nothing_sees_whole_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Task(task().network, ByLength())
    whole = numbers(one.trained(divided(1), 5))
    monkeypatch.setattr(cutting, "PIECE", 7)
    same(numbers(one.trained(divided(1), 5)), whole)


def test_a_vector_that_fits_into_the_cache_is_one_piece() -> None:
    one = task()
    state = one.state()
    steps = NumpySteps(one.recipe(), state, one.examples())
    assert steps.updates.buckets == []


def test_decay_reaches_the_weights_of_every_piece_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a gradient, W shrinks and b stays."""
    monkeypatch.setattr(cutting, "PIECE", 4)
    network = task().network
    theta = np.arange(1.0, network.layout.count + 1)
    parameters = network.parameters(theta)
    rule = AdamW(learning_rate=0.5, weight_decay=1.0)
    from bpcli.nn.optimizers import start

    updates = updating.Updates(rule, theta, start(rule, theta), network.layout.weights, SERIAL)
    expected = network.parameters(theta.copy())
    for W in expected.W[1:]:
        W *= 0.5

    class NoGradient:
        leaves_sums, summing = False, SimpleNamespace(levels=1)

        def begin(self, theta: Array, out: Array, factor: Any) -> float:
            out.fill(0)
            return 0.0

    updates.make(NoGradient(), 0.5)  # type: ignore[arg-type]
    assert len(updates.buckets[0]) > 3
    np.testing.assert_array_equal(parameters.theta, expected.theta)


def test_gradient_descent_remembers_nothing() -> None:
    assert elementwise(GradientDescent(), 10)
