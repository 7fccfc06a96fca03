"""Levenberg–Marquardt: a step by hand, laws, and its minima beside SciPy's on five regressions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares

from bpcli.nn import Array, optimizers
from bpcli.nn.activations import Identity
from bpcli.nn.losses import HalfSquaredError
from bpcli.nn.optimizers.second_order.levenberg_marquardt import LevenbergMarquardt
from bpcli.nn.penalties import L2

from .support import Analytic, Regression, linear, minimise, regressions, rosenbrock, whole_loss

SEED, MOST = 1, 500


def test_a_step_by_hand() -> None:
    """r = (2θ₁ − 2, θ₂ − 3) at θ = 0: J = diag(2, 1), JᵀJ = diag(4, 1), Jᵀr = (−4, −3), λ = 0.25 · 4 = 1."""
    J = np.diag([2.0, 1.0])

    def of_r(theta: Array) -> tuple[Array, Array]:
        return J @ theta - np.array([2.0, 3.0]), J

    def value(theta: Array) -> float:
        r, _ = of_r(theta)
        return float(0.5 * r @ r)

    rule, theta = LevenbergMarquardt(damping=0.25), np.zeros(2)
    state = optimizers.start(rule, theta)
    state.step = 1
    shown = rule.iterate(theta, state, Analytic(value, lambda _: theta, of_r), value(theta))
    np.testing.assert_allclose(theta, [4 / 5, 3 / 2], rtol=1e-15)
    assert shown == 1.0  # 1/λ
    # L falls from 6.5 to ½ (0.4² + 1.5²) = 1.205, as foretold but for ½ sᵀ diag(4, 1) s: gain 5.295/(½(λ sᵀs − sᵀJᵀr)),
    # = 5.295/(½(2.89 + 7.7)) = 1, so λ is divided by 3.
    assert state.memory["damping"].tolist() == [pytest.approx(1 / 3, rel=1e-14)]


def test_a_step_that_lowers_nothing_is_damped_until_one_does() -> None:
    """r = (10 (y − x²), 1 − x) from (−1.2, 1): Newton's step overshoots; λ grows 2, 4, 8 … times."""
    rule, theta, objective = LevenbergMarquardt(damping=1e-8), np.array([-1.2, 1.0]), rosenbrock()
    before = objective.loss(theta)
    state = optimizers.start(rule, theta)
    state.step = 1
    rule.iterate(theta, state, objective, before)
    first = 1e-8 * max((20 * 1.2) ** 2 + 1, 100)
    tried = [first * 2 ** (k * (k + 1) / 2) for k in range(20)]
    assert any(state.memory["damping"][0] == pytest.approx(each / 3, rel=1e-9) for each in tried[1:])
    assert objective.loss(theta) < before


def test_rosenbrocks_valley_is_left_at_its_minimum() -> None:
    theta = np.array([-1.2, 1.0])
    _, iterations = minimise(LevenbergMarquardt(), theta, rosenbrock())
    np.testing.assert_allclose(theta, 1, rtol=1e-7)
    assert iterations < 30


def test_a_linear_network_ends_at_the_normal_equations_in_a_few_iterations() -> None:
    rng = np.random.default_rng(4)
    X, Y, weights = rng.normal(size=(40, 3)), rng.normal(size=(40, 2)), rng.uniform(0.2, 3, 40)
    network = linear(3, 2, Identity(), HalfSquaredError())
    for given, strength in ((None, 0.0), (weights, 0.0), (weights, 0.3)):
        penalties = (L2(strength),) if strength else ()
        objective = whole_loss(network, X, Y, given, penalties)
        theta = np.ones(8)
        state, iterations = minimise(LevenbergMarquardt(gradient_tolerance=1e-13), theta, objective)
        w = np.ones(40) if given is None else given
        design = np.c_[X, np.ones(40)]
        ridge = strength * np.diag([1, 1, 1, 0]) / objective.scale
        right = np.linalg.solve(design.T @ (w[:, None] * design) + ridge, design.T @ (w[:, None] * Y))
        found = network.parameters(theta)
        np.testing.assert_allclose(np.c_[found.W[1], found.b[1]], right.T, rtol=1e-9)
        assert iterations < 20
        assert LevenbergMarquardt().ended(state)


def test_numbers_that_are_not_finite_end_the_training() -> None:
    def of_r(theta: Array) -> tuple[Array, Array]:
        return np.array([1.0]), np.array([[np.nan]])

    theta = np.ones(1)
    state, _ = minimise(LevenbergMarquardt(), theta, Analytic(lambda _: 0.5, lambda _: theta, of_r))
    assert LevenbergMarquardt().ended(state) == "converged: no step lowers the loss any further"
    assert theta.tolist() == [1.0]


def scipys(one: Regression, theta: Array) -> tuple[float, int]:
    """The loss at which SciPy's Levenberg–Marquardt (MINPACK) ends, and how many Jacobians it took."""
    m, n, h, inputs = len(one.X), one.Y.shape[1], one.hidden, one.X.shape[1]
    root = 1 / np.sqrt(m * n)

    def split(t: Array) -> tuple[Array, ...]:
        W1, b1, W2, b2 = np.split(t, np.cumsum([h * inputs, h, n * h]))
        return W1.reshape(h, inputs), b1, W2.reshape(n, h), b2

    def r(t: Array) -> Array:
        W1, b1, W2, b2 = split(t)
        return np.asarray(root * (np.tanh(one.X @ W1.T + b1) @ W2.T + b2 - one.Y).ravel())

    def jacobian(t: Array) -> Array:
        W1, b1, W2, _ = split(t)
        A = np.tanh(one.X @ W1.T + b1)
        dZ = W2[None] * (1 - A * A)[:, None]  # (m, n, h)
        by_W1 = np.einsum("jkh,ji->jkhi", dZ, one.X).reshape(m * n, -1)
        by_W2 = np.einsum("jh,kl->jklh", A, np.eye(n)).reshape(m * n, -1)
        by_b2 = np.tile(np.eye(n), (m, 1))
        return np.asarray(root * np.c_[by_W1, dZ.reshape(m * n, -1), by_W2, by_b2])

    found = least_squares(r, theta, jacobian, method="lm", ftol=1e-8, xtol=1e-8, gtol=1e-8, max_nfev=2000)
    return float(found.cost), int(found.njev)


LONG = {"diabetes", "concrete-like"}
"""Those whose least squares take SciPy a second."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in regressions()]
)
def test_the_loss_is_no_higher_than_scipys_from_the_same_start(name: str) -> None:
    one = regressions()[name]
    theta = one.start(SEED)
    cost, jacobians = scipys(one, theta)
    objective = one.objective()
    assert objective.loss(theta) == pytest.approx(scipys_start(one, theta), rel=1e-12)
    rule = LevenbergMarquardt()
    state = optimizers.start(rule, theta)
    losses = [objective.loss(theta)]
    while state.step < MOST and not rule.ended(state):
        state.step += 1
        rule.iterate(theta, state, objective, losses[-1])
        losses.append(objective.loss(theta))
    level = next((k for k, loss in enumerate(losses) if loss <= cost * (1 + 1e-6)), None)
    row = name, theta.size, f"{losses[-1]:.8g}", state.step, level, f"{cost:.8g}", jacobians
    print("|", *(f"{cell} |" for cell in row))  # noqa: T201
    assert losses[-1] <= cost * (1 + 1e-6)
    assert (np.diff(losses) <= 1e-12).all()


def scipys_start(one: Regression, theta: Array) -> float:
    """L at θ, by the residuals that SciPy gets."""
    W1, b1, W2, b2 = np.split(theta, np.cumsum([one.hidden * one.X.shape[1], one.hidden, one.Y.shape[1] * one.hidden]))
    A = np.tanh(one.X @ W1.reshape(one.hidden, -1).T + b1) @ W2.reshape(-1, one.hidden).T + b2
    return float(0.5 * np.mean((A - one.Y) ** 2))
