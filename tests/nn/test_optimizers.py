"""Update rules: each worked by hand, and all of them on the same quadratic, of which no entry decays."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.optimizers import OPTIMIZERS, Adam, GradientDescent, Momentum, Optimizer, start, update

from .support import PRECISIONS, optimizer

every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)
every_precision = pytest.mark.parametrize("dtype", PRECISIONS)

CURVATURE = np.array([1.0, 4.0, 0.5])
MINIMUM = np.array([1.0, -2.0, 0.5])


def quadratic(theta: Array, out: Array, factor: float = 1.0) -> float:
    """½ Σ c_i (θ_i − t_i)²."""
    out[...] = factor * CURVATURE * (theta - MINIMUM)
    return float(0.5 * np.sum(CURVATURE * (theta - MINIMUM) ** 2))


def square(theta: Array, out: Array, factor: float) -> float:
    """Σ θ_i²."""
    out[...] = factor * 2 * theta
    return float(np.sum(theta * theta))


def walk(rule: Optimizer, steps: int, dtype: str = "float64") -> Array:
    """θ after some steps down the quadratic from 0."""
    theta = np.zeros(3, dtype)
    state = start(rule, theta, ())
    for _ in range(steps):
        update(rule, theta, state, quadratic, rule.learning_rate)
    return theta


@every_optimizer
@every_precision
def test_every_rule_reaches_the_minimum_of_a_quadratic(name: str, dtype: str) -> None:
    theta = walk(optimizer(name, learning_rate=0.05), 2000, dtype)
    np.testing.assert_allclose(theta, MINIMUM, atol=1e-5)


@every_optimizer
def test_a_rule_stays_at_the_minimum(name: str) -> None:
    theta, rule = MINIMUM.copy(), optimizer(name)
    state = start(rule, theta, ())
    for _ in range(5):
        update(rule, theta, state, quadratic, rule.learning_rate)
    np.testing.assert_array_equal(theta, MINIMUM)


@every_optimizer
def test_the_first_step_goes_downhill(name: str) -> None:
    theta, rule = np.zeros(3), optimizer(name, learning_rate=1e-3)
    before = quadratic(theta, np.empty(3))
    update(rule, theta, start(rule, theta), quadratic, rule.learning_rate)
    assert quadratic(theta, np.empty(3)) < before


@every_optimizer
def test_step_asks_for_one_gradient_at_the_parameters_it_was_given(name: str) -> None:
    theta, rule, asked = np.array([3.0, 1.0, 2.0]), optimizer(name), []

    def gradient(at: Array, out: Array, factor: float) -> float:
        asked.append(at.copy())
        assert at is theta
        assert (out.shape, out.dtype) == (theta.shape, theta.dtype)
        return quadratic(at, out, factor)

    state = start(rule, theta, ())
    for count in (1, 2, 3):
        before = theta.copy()
        update(rule, theta, state, gradient, rule.learning_rate)
        assert len(asked) == count
        np.testing.assert_array_equal(asked[-1], before)


@every_optimizer
def test_gradient_is_written_into_the_same_memory_at_every_step(name: str) -> None:
    theta, rule, places = np.zeros(3), optimizer(name), set()

    def gradient(at: Array, out: Array, factor: float) -> float:
        places.add(id(out))
        return quadratic(at, out, factor)

    state = start(rule, theta, ())
    for _ in range(3):
        update(rule, theta, state, gradient, rule.learning_rate)
    assert places == {id(state.dtheta)}


@every_optimizer
def test_step_returns_the_loss_before_the_update(name: str) -> None:
    theta, rule = np.array([3.0, 1.0, 2.0]), optimizer(name)
    state = start(rule, theta, ())
    for _ in range(3):
        before = quadratic(theta, np.empty(3))
        assert update(rule, theta, state, quadratic, rule.learning_rate) == before


@every_optimizer
def test_state_counts_the_steps(name: str) -> None:
    theta, rule = np.zeros(3), optimizer(name)
    state = start(rule, theta, ())
    assert state.step == 0
    for count in (1, 2, 3):
        update(rule, theta, state, quadratic, rule.learning_rate)
        assert state.step == count


@every_optimizer
def test_parameters_change_in_place_and_start_leaves_them_alone(name: str) -> None:
    theta, rule = np.array([3.0, 1.0, 2.0]), optimizer(name)
    view = theta[:]
    state = start(rule, theta, ())
    np.testing.assert_array_equal(view, [3, 1, 2])
    update(rule, theta, state, quadratic, rule.learning_rate)
    assert (view != [3, 1, 2]).all()


@every_optimizer
@every_precision
def test_memory_holds_arrays_of_the_parameters_length_and_precision(name: str, dtype: str) -> None:
    theta = np.zeros(3, dtype)
    for array in start(optimizer(name), theta).memory.values():
        assert (array.shape, array.dtype) == (theta.shape, theta.dtype)
        assert not np.shares_memory(array, theta)


@every_optimizer
def test_memory_and_step_are_all_that_a_rule_needs_to_continue(name: str) -> None:
    theta, rule = np.zeros(3), optimizer(name)
    state = start(rule, theta, ())
    for _ in range(4):
        update(rule, theta, state, quadratic, rule.learning_rate)
    resumed = theta.copy()
    saved = start(rule, resumed, ())
    saved.step = state.step
    for key, array in state.memory.items():
        saved.memory[key][...] = array
    for _ in range(3):
        update(rule, theta, state, quadratic, rule.learning_rate)
        update(rule, resumed, saved, quadratic, rule.learning_rate)
    np.testing.assert_array_equal(resumed, theta)


@every_optimizer
def test_two_starts_share_nothing(name: str) -> None:
    rule = optimizer(name)
    alone = walk(rule, 3)
    first, second = np.zeros(3), np.zeros(3)
    states = start(rule, first, ()), start(rule, second, ())
    for _ in range(3):
        update(rule, first, states[0], quadratic, rule.learning_rate)
        update(rule, second, states[1], quadratic, rule.learning_rate)
    np.testing.assert_array_equal(first, alone)
    np.testing.assert_array_equal(second, alone)


@every_optimizer
def test_float32_follows_float64(name: str) -> None:
    narrow = walk(optimizer(name), 20, "float32")
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, walk(optimizer(name), 20), rtol=1e-4)


def test_gradient_descent_worked_by_hand() -> None:
    theta, rule = np.array([1.0, -2.0]), GradientDescent(learning_rate=0.25)
    state = start(rule, theta, ())
    assert update(rule, theta, state, square, rule.learning_rate) == 5
    np.testing.assert_array_equal(theta, [0.5, -1.0])  # 1 − ¼·2, −2 + ¼·4
    assert update(rule, theta, state, square, rule.learning_rate) == 1.25
    np.testing.assert_array_equal(theta, [0.25, -0.5])
    assert update(rule, theta, state, square, rule.learning_rate) == 0.3125
    np.testing.assert_array_equal(theta, [0.125, -0.25])


def test_momentum_worked_by_hand() -> None:
    theta, rule = np.array([1.0, -2.0]), Momentum(learning_rate=0.25, momentum=0.5)
    state = start(rule, theta, ())
    update(rule, theta, state, square, rule.learning_rate)
    np.testing.assert_array_equal(state.memory["velocity"], [-0.5, 1.0])  # 0 − ¼·2
    np.testing.assert_array_equal(theta, [0.5, -1.0])
    update(rule, theta, state, square, rule.learning_rate)
    np.testing.assert_array_equal(state.memory["velocity"], [-0.5, 1.0])  # ½·(−½) − ¼·1
    np.testing.assert_array_equal(theta, [0.0, 0.0])
    update(rule, theta, state, square, rule.learning_rate)
    np.testing.assert_array_equal(state.memory["velocity"], [-0.25, 0.5])  # ½·(−½) − ¼·0
    np.testing.assert_array_equal(theta, [-0.25, 0.5])


def test_adam_worked_by_hand() -> None:
    theta, rule = np.array([1.0]), Adam(learning_rate=0.3, beta1=0.5, beta2=0.75, epsilon=1.0)
    state = start(rule, theta, ())
    update(rule, theta, state, square, rule.learning_rate)
    # g = 2: m = ½·2, v = ¼·4; m̂ = 1/½ = 2, v̂ = 1/¼ = 4; θ = 1 − 0.3·2/(2 + 1)
    assert state.memory["mean"][0] == 1
    assert state.memory["square"][0] == 1
    assert theta[0] == pytest.approx(0.8, rel=1e-15)
    update(rule, theta, state, square, rule.learning_rate)
    # g = 1.6: m = ½·1 + ½·1.6 = 1.3, v = ¾·1 + ¼·2.56 = 1.39; m̂ = 1.3/¾, v̂ = 1.39/(1 − 9/16)
    assert state.memory["mean"][0] == pytest.approx(1.3, rel=1e-15)
    assert state.memory["square"][0] == pytest.approx(1.39, rel=1e-15)
    assert theta[0] == pytest.approx(0.8 - 0.3 * (1.3 / 0.75) / (sqrt(1.39 / 0.4375) + 1), rel=1e-15)
    assert theta[0] == pytest.approx(0.613115, abs=1e-6)


def test_adam_starts_with_a_step_of_the_learning_rate_against_the_sign() -> None:
    theta, rule = np.array([1e-3, -5.0, 2e4]), Adam(learning_rate=0.125)
    before = theta.copy()
    update(rule, theta, start(rule, theta), square, rule.learning_rate)
    np.testing.assert_allclose(theta - before, [-0.125, 0.125, -0.125], rtol=1e-5)


def test_momentum_of_zero_is_gradient_descent() -> None:
    plain, heavy = GradientDescent(learning_rate=0.05), Momentum(learning_rate=0.05, momentum=0.0)
    np.testing.assert_array_equal(walk(heavy, 25), walk(plain, 25))


def test_momentum_with_the_rate_outside_the_velocity_takes_the_same_path() -> None:
    rule, theta, velocity, gradient = Momentum(learning_rate=0.05, momentum=0.8), np.zeros(3), np.zeros(3), np.empty(3)
    for _ in range(25):
        quadratic(theta, gradient)
        velocity = 0.8 * velocity + gradient
        theta = theta - 0.05 * velocity
    np.testing.assert_allclose(walk(rule, 25), theta, rtol=1e-12)


def test_adam_matches_the_published_algorithm() -> None:
    rule, theta, m, v, gradient = Adam(), np.zeros(3), np.zeros(3), np.zeros(3), np.empty(3)
    for t in range(1, 51):
        quadratic(theta, gradient)
        m = 0.9 * m + 0.1 * gradient
        v = 0.999 * v + 0.001 * gradient**2
        theta = theta - 0.001 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    np.testing.assert_allclose(walk(rule, 50), theta, rtol=1e-12)


def test_adam_ignores_the_scale_of_the_loss() -> None:
    def enlarged(theta: Array, out: Array, factor: float) -> float:
        value = quadratic(theta, out, factor)
        out *= 1024
        return 1024 * value

    rule = replace(Adam(), epsilon=1e-30)
    plain, scaled = np.zeros(3), np.zeros(3)
    states = start(rule, plain), start(rule, scaled)
    for _ in range(10):
        update(rule, plain, states[0], quadratic, rule.learning_rate)
        update(rule, scaled, states[1], enlarged, rule.learning_rate)
    np.testing.assert_allclose(scaled, plain, rtol=1e-12)


def test_defaults_are_the_documented_ones() -> None:
    assert GradientDescent() == GradientDescent(learning_rate=0.1)
    assert Momentum() == Momentum(learning_rate=0.01, momentum=0.9)
    assert Adam() == Adam(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8)
