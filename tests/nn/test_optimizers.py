"""Update rules: each worked by hand, and all of them on the same quadratic, of which no entry decays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.optimizers import (
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    AMSGrad,
    GradientDescent,
    Lion,
    Momentum,
    NAdam,
    Nesterov,
    Optimizer,
    RAdam,
    RMSprop,
    Rprop,
    start,
    update,
)

from .plain_optimizers import PLAIN
from .support import PRECISIONS, STEP_RULES, optimizer

every_optimizer = pytest.mark.parametrize("name", STEP_RULES)
every_precision = pytest.mark.parametrize("dtype", PRECISIONS)

FORMS: dict[str, list[dict[str, Any]]] = {
    "momentum": [{"rate_in": "step"}, {"momentum": 0.0}],
    "nesterov": [{"rate_in": "step"}],
    "adagrad": [{"initial_sum": 0.3, "epsilon": 0.01}],
    "rmsprop": [{"centered": True, "decay": 0.8}, {"momentum": 0.7}, {"centered": True, "momentum": 0.7}],
    "adadelta": [{"decay": 0.5, "epsilon": 0.01}],
    "adam": [{"epsilon_at": "uncorrected", "epsilon": 0.01}, {"beta1": 0.0, "beta2": 0.5}],
    "amsgrad": [{"beta1": 0.5, "beta2": 0.6, "epsilon": 0.01}],
    "adamw": [{"weight_decay": 0.5, "epsilon": 0.01}],
    "nadam": [{"momentum_decay": 0.5, "beta2": 0.8}],
    "radam": [{"beta2": 0.8, "epsilon": 0.01}, {"beta1": 0.0}],
    "lion": [{"weight_decay": 0.5, "beta1": 0.6, "beta2": 0.7}],
    "rprop": [{"increase": 1.5, "decrease": 0.25, "max_step": 0.08, "min_step": 0.004}],
}
"""Settings other than the defaults, by rule."""


def forms(name: str) -> Iterator[Optimizer]:
    """A rule with its defaults, then in its other forms."""
    for settings in ({}, *FORMS.get(name, [])):
        yield optimizer(name, **{"learning_rate": 0.05, **settings})


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


def rosenbrock(theta: Array, out: Array, factor: float) -> float:
    """(1 − x)² + 100 (y − x²)², whose minimum is at (1, 1), at the end of a narrow bent valley."""
    x, y = theta.tolist()
    out[0], out[1] = factor * (-2 * (1 - x) - 400 * x * (y - x * x)), factor * 200 * (y - x * x)
    return float((1 - x) ** 2 + 100 * (y - x * x) ** 2)


class Way(NamedTuple):
    """The learning rate and other settings with which a rule gets to a minimum; ``falling``, where η falls to 0."""

    rate: float
    falling: bool = False
    settings: Mapping[str, Any] = {}

    def end(self, name: str, theta: Array, gradient: Any, steps: int) -> Array:
        """θ after so many steps; η falls in a straight line, if it falls."""
        rule = optimizer(name, learning_rate=self.rate, **self.settings)
        state = start(rule, theta, ())
        for k in range(steps):
            update(rule, theta, state, gradient, self.rate * (1 - k / steps if self.falling else 1))
        return theta


QUADRATIC_WAYS = dict.fromkeys(STEP_RULES, Way(0.1)) | {
    "adagrad": Way(0.3),
    "rmsprop": Way(0.1, falling=True),
    "adadelta": Way(10.0),
    "nadam": Way(0.1, falling=True),
    "lion": Way(0.01, falling=True),
}
ROSENBROCK_WAYS = {
    "gradient_descent": Way(0.001),
    "momentum": Way(0.001),
    "nesterov": Way(0.001),
    "adagrad": Way(0.3),
    "rmsprop": Way(0.003, falling=True),
    "adadelta": Way(1.0, falling=True),
    "adam": Way(0.003),
    "amsgrad": Way(0.03),
    "adamw": Way(0.003),
    "nadam": Way(0.003),
    "radam": Way(0.003),
    "lion": Way(0.003, falling=True),
    "rprop": Way(0.01, settings={"min_step": 1e-8}),
}


@every_optimizer
def test_every_rule_reaches_the_minimum_of_a_quadratic(name: str) -> None:
    for dtype in PRECISIONS:
        theta = QUADRATIC_WAYS[name].end(name, np.zeros(3, dtype), quadratic, 2000)
        np.testing.assert_allclose(theta, MINIMUM, atol=2e-5)


@every_optimizer
def test_every_rule_comes_near_rosenbrocks_minimum_within_20_000_steps(name: str) -> None:
    theta = ROSENBROCK_WAYS[name].end(name, np.array([-1.2, 1.0]), rosenbrock, 20_000)
    np.testing.assert_allclose(theta, [1, 1], rtol=0, atol=1e-3)


@every_optimizer
def test_every_rule_is_that_of_a_plain_program_one_number_at_a_time(name: str) -> None:
    rng = np.random.default_rng(2)
    gradients = rng.normal(0, 0.5, (40, 4)) * [1, 1e-3, 30, 1]
    gradients[:, 3] = np.abs(gradients[:, 3])  # an entry whose sign never turns
    gradients[5:9, 2] = 0
    for rule in forms(name):
        theta, remembered = rng.normal(0, 1, 4), [dict[str, float]() for _ in range(4)]
        plain, state = theta.tolist(), start(rule, theta)
        for t, g in enumerate(gradients, start=1):
            rate = 0.05 / t**0.5
            update(rule, theta, state, lambda _, out, factor, g=g: np.copyto(out, factor * g), rate)  # type: ignore[misc]
            plain = [
                PLAIN[name](x, gi, rate, t, rule, own) for x, gi, own in zip(plain, g.tolist(), remembered, strict=True)
            ]
            np.testing.assert_allclose(theta, plain, rtol=1e-12, atol=1e-14, err_msg=str((rule, t)))


@every_optimizer
def test_weights_alone_decay(name: str) -> None:
    """And by as much as the plain program says, where a rule decays at all."""
    for rule in forms(name):
        decay = getattr(rule, "weight_decay", 0.0)
        theta = np.array([3.0, 1.0, -2.0, 0.5])
        before = theta.copy()
        state = start(rule, theta, (theta[:2].reshape(1, 2), theta[2:3]))
        update(rule, theta, state, lambda _, out, factor: out.fill(0.0), 0.05)
        np.testing.assert_array_equal(theta[3:], before[3:])
        np.testing.assert_allclose(theta[:3], (1 - 0.05 * decay) * before[:3], rtol=1e-15)


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
        assert array.dtype == theta.dtype
        assert array.shape in (theta.shape, (1,))
        assert not np.shares_memory(array, theta)


@every_optimizer
def test_memory_and_step_are_all_that_a_rule_needs_to_continue(name: str) -> None:
    for rule, dtype in product(forms(name), PRECISIONS):
        theta = np.zeros(3, dtype)
        state = start(rule, theta)
        for _ in range(4):
            update(rule, theta, state, quadratic, rule.learning_rate)
        resumed = theta.copy()
        saved = start(rule, resumed)
        saved.step = state.step
        for key, array in state.memory.items():
            saved.memory[key][...] = array
        for array in saved.buffers.values():
            array.fill(np.nan)
        for _ in range(9):
            update(rule, theta, state, quadratic, rule.learning_rate)
            update(rule, resumed, saved, quadratic, rule.learning_rate)
        assert resumed.tobytes() == theta.tobytes()
        assert all(array.tobytes() == saved.memory[key].tobytes() for key, array in state.memory.items())


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


@pytest.mark.parametrize("kind", [Momentum, Nesterov])
def test_with_a_constant_rate_it_makes_no_difference_where_it_is_and_with_another_it_does(kind: Any) -> None:
    rules = [kind(learning_rate=0.05, momentum=0.8, rate_in=place) for place in ("velocity", "step")]
    np.testing.assert_allclose(walk(rules[0], 25), walk(rules[1], 25), rtol=1e-12)
    ends = []
    for rule in rules:
        theta = np.zeros(3)
        state = start(rule, theta)
        for k in range(25):
            update(rule, theta, state, quadratic, 0.05 * 0.9**k)
        ends.append(theta)
    assert np.abs(ends[0] - ends[1]).max() > 0.01


def test_nesterovs_two_forms_are_one_path_seen_from_two_points() -> None:
    """Where the literal form takes the gradient, the other form is (Bengio et al. 2013, eq. 6–7)."""
    for place in ("velocity", "step"):
        ahead, here = (Nesterov(0.05, 0.8, place, look_ahead=literal) for literal in (True, False))
        literal, shifted = np.zeros(3), np.zeros(3)
        states = start(ahead, literal), start(here, shifted)
        points: list[Array] = []

        def seen(at: Array, out: Array, factor: float, points: list[Array] = points) -> float:
            points.append(at.copy())
            return quadratic(at, out, factor)

        for _ in range(12):
            update(ahead, literal, states[0], seen, 0.05)
            update(here, shifted, states[1], seen, 0.05)
        np.testing.assert_allclose(points[::2], points[1::2], rtol=1e-12, atol=1e-15)
        assert not np.allclose(literal, shifted)


def test_radams_first_steps_are_not_divided() -> None:
    """ρ is 1, 2.0, 3.0, 4.0, 5.0 − … for β₂ = 0.999: the sixth update is the first above 5."""
    rule, steps = RAdam(learning_rate=0.1, beta1=0.0), []
    theta = np.zeros(1)
    state = start(rule, theta)
    for _ in range(7):
        before = theta.copy()
        update(rule, theta, state, lambda _, out, factor: out.fill(4.0), 0.1)
        steps.append(float((before - theta)[0]))
    assert steps[:5] == pytest.approx([0.4] * 5)
    most, rho = 1999.0, 1999 - 12 * 0.999**6 / (1 - 0.999**6)
    assert 5 < rho < 6
    r = sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
    assert steps[5] == pytest.approx(0.1 * r, rel=1e-7)


def test_rprop_worked_by_hand() -> None:
    theta, rule = np.array([1.0]), Rprop(learning_rate=0.4, increase=1.5, decrease=0.5)
    state, seen = start(rule, theta), []
    for g in (2.0, 0.1, -3.0, -1.0, -1.0):
        update(rule, theta, state, lambda _, out, factor, g=g: out.fill(g), 0.4)  # type: ignore[misc]
        seen.append((round(theta[0], 12), round(state.memory["steps"][0], 12), state.memory["previous"][0]))
    assert seen == [
        (0.6, 0.4, 2.0),  # no sign before: the first step
        (0.0, 0.6, 0.1),  # the same sign: 1.5 times as long, 0.6 − 0.6
        (0.0, 0.3, 0.0),  # it turned: half as long, not taken, forgotten
        (0.3, 0.3, -1.0),
        (0.75, 0.45, -1.0),
    ]


def test_lion_moves_every_entry_by_the_rate_or_not_at_all() -> None:
    theta, rule = np.array([5.0, -1e-9, 0.0]), Lion(learning_rate=0.25)
    state = start(rule, theta)
    update(rule, theta, state, square, 0.25)
    np.testing.assert_array_equal(theta, [4.75, -1e-9 + 0.25, 0.0])
    np.testing.assert_allclose(state.memory["mean"], [0.1, -2e-11, 0], rtol=1e-14)  # (1 − 0.99) · 2θ


def test_centered_rmsprop_takes_no_root_of_a_negative_number() -> None:
    """With the same gradient in every step m² approaches v, and rounding passes it."""
    for dtype in PRECISIONS:
        theta = np.zeros(64, dtype)
        rule = RMSprop(centered=True, decay=0.5)
        state = start(rule, theta)
        g = np.random.default_rng(0).normal(0, 1, 64).astype(dtype)
        below = 0
        for _ in range(80):
            update(rule, theta, state, lambda _, out, factor: np.copyto(out, g), 1e-9)  # noqa: B023
            below += int((state.memory["square"] < state.memory["mean"] ** 2).sum())
        assert below
        assert np.isfinite(theta).all()


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
    assert Nesterov() == Nesterov(learning_rate=0.01, momentum=0.9, rate_in="velocity", look_ahead=False)
    assert Adagrad() == Adagrad(learning_rate=0.01, epsilon=1e-10, initial_sum=0.0)
    assert RMSprop() == RMSprop(learning_rate=0.001, decay=0.99, epsilon=1e-8, momentum=0.0, centered=False)
    assert Adadelta() == Adadelta(learning_rate=1.0, decay=0.9, epsilon=1e-6)
    assert Adam() == Adam(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, epsilon_at="corrected")
    assert AMSGrad() == AMSGrad(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8)
    assert AdamW() == AdamW(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01)
    assert NAdam() == NAdam(learning_rate=0.002, beta1=0.9, beta2=0.999, epsilon=1e-8, momentum_decay=0.004)
    assert RAdam() == RAdam(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8)
    assert Lion() == Lion(learning_rate=0.0001, beta1=0.9, beta2=0.99, weight_decay=0.0)
    assert Rprop() == Rprop(learning_rate=0.01, increase=1.2, decrease=0.5, min_step=1e-6, max_step=50.0)
