"""The trace holds what the engine computed, to the bit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from bpcli.explaining.trace import Trace
from bpcli.explaining.tracing import trace
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, Activation
from bpcli.nn.network import Network
from bpcli.nn.optimizers import start, update
from bpcli.nn.parameters import Parameters
from tests.each import each
from tests.nn import support
from tests.nn.support import STEP_RULES


@dataclass(frozen=True)
class Recording:
    """An activation that keeps a copy of every dA that backward hands it."""

    inner: Activation
    seen: list[Array] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def backward(self, dA: Array, *rest: Any) -> None:
        self.seen.append(dA.copy())
        self.inner.backward(dA, *rest)


def recorded(output: str, loss: str) -> tuple[Network, list[Recording]]:
    hidden = [Recording(support.activation(name)) for name in ("tanh", "relu", "sigmoid")]
    head: Any = support.activation(output)
    return support.network((3, 5, 4, 6, 2), tuple(hidden), head, support.loss(loss)), hidden


def follow(network: Network, optimizer: str = "gradient_descent", m: int = 7) -> tuple[support.Case, Trace]:
    case = support.draw(network, m, np.random.default_rng(5))
    rule = support.optimizer(optimizer)
    theta = case.theta.copy()
    return case, trace(support.recipe(network, rule), start(rule, theta), theta, case.X, case.Y, "batch")


@each(("output", "loss"), support.pairs())
def test_activation_gradients_are_those_that_backward_used(output: str, loss: str) -> None:
    network, hidden = recorded(output, loss)
    _, found = follow(network)
    for l, activation in enumerate(hidden, start=1):
        assert np.array_equal(activation.seen[0], found.dA[l])


@each(("output", "loss"), support.pairs())
def test_output_gradient_and_slope_multiply_to_the_engines_error(output: str, loss: str) -> None:
    network, _ = recorded(output, loss)
    _, found = follow(network)
    if found.slopes[-1] is None:
        assert output == "softmax"
    else:
        assert np.allclose(found.dA[-1] * found.slopes[-1], found.dZ[-1], 1e-12, 1e-15)


@each(("output", "loss"), support.pairs())
def test_forward_backward_and_loss_are_the_engines(output: str, loss: str) -> None:
    network = support.network((3, 4, 2), (support.activation("tanh"),), support.activation(output), support.loss(loss))
    case, found = follow(network)
    ws = support.filled(case)
    gradient = Parameters(network.layout, np.empty(network.layout.count))
    network.forward(case.parameters, ws)
    total = support.total(network, ws)
    network.backward(case.parameters, gradient, ws, network.scale(7))
    for l in (1, 2):
        assert np.array_equal(found.Z[l], ws.Z[l])
        assert np.array_equal(found.A[l], ws.A[l])
        assert np.array_equal(found.dZ[l], ws.dZ[l])
    assert np.array_equal(found.gradient.theta, gradient.theta)
    assert found.loss == total * network.scale(7)


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "softmax"])
def test_slopes_are_the_derivative(name: str) -> None:
    network = support.network(
        (3, 4, 2), (support.activation(name),), support.activation("tanh"), support.loss("half_squared_error")
    )
    _, found = follow(network)
    above, below = np.empty_like(found.Z[1]), np.empty_like(found.Z[1])
    scratch = support.filled(support.draw(network, 7, np.random.default_rng(0))).scratch[1]
    support.activation(name).forward(found.Z[1] + 1e-6, found.before.own[1], above, scratch)
    support.activation(name).forward(found.Z[1] - 1e-6, found.before.own[1], below, scratch)
    assert found.slopes[1] is not None
    assert np.allclose(found.slopes[1], (above - below) / 2e-6, 1e-8, 1e-8)


@pytest.mark.parametrize("name", STEP_RULES)
def test_the_update_is_the_rules_own(name: str) -> None:
    network = support.network(
        (3, 4, 2), (support.activation("tanh"),), support.activation("softmax"), support.loss("cross_entropy")
    )
    case, found = follow(network, name)
    theta = case.theta.copy()
    rule = support.optimizer(name)
    state = start(rule, theta)

    def gradient(at: Array, out: Array, factor: float) -> float:
        out[...] = factor * support.Case(network, at, case.X, case.Y).gradient
        return 0.0

    update(rule, theta, state, gradient, rule.learning_rate)
    assert np.array_equal(found.before.theta, case.theta)
    np.testing.assert_allclose(found.after.theta, theta, rtol=1e-13)
    assert found.memory_after.keys() == state.memory.keys()
    for key, vector in found.memory_after.items():
        np.testing.assert_allclose(vector, state.memory[key], rtol=1e-13)
    for key, (_, first) in rule.memory(1).items():
        assert (found.memory_before[key] == first).all()
    assert found.number == 1


def test_class_indices_become_one_hot_columns() -> None:
    network = support.network((3, 4), (), support.activation("softmax"), support.loss("cross_entropy"))
    _, found = follow(network)
    assert found.targets.shape == (4, 7)
    assert np.array_equal(found.targets.argmax(axis=0), found.Y)
    assert (found.targets.sum(axis=0) == 1).all()
