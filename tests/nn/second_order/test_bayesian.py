"""Bayesian regularization: α, β and γ against their equations, computed another way."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.nn import Array, optimizers
from bpcli.nn.activations import Identity
from bpcli.nn.losses import HalfSquaredError
from bpcli.nn.optimizers.second_order.bayesian import (
    BayesianRegularization,
    effective_parameters,
    strengths,
)

from .support import Regression, linear, minimise, regressions, whole_loss


def foresee_hagan(design: Array, y: Array, iterations: int) -> tuple[Array, list[float]]:
    """Foresee & Hagan 1997, §3, literally, for a model linear in θ, whose minimum is found exactly."""
    n, P = design.shape
    theta: Array = np.zeros(P)
    alpha, beta, gamma = 1e-3, 1.0, float(P)
    for _ in range(iterations):
        hessian = 2 * beta * design.T @ design + 2 * alpha * np.eye(P)  # ∇²F = 2βJᵀJ + 2αI
        theta = np.linalg.solve(hessian, 2 * beta * design.T @ y)
        gamma = P - 2 * alpha * np.trace(np.linalg.inv(hessian))
        E_D, E_W = float(np.sum((design @ theta - y) ** 2)), float(np.sum(theta**2))
        alpha, beta = gamma / (2 * E_W), (n - gamma) / (2 * E_D)
    return theta, [alpha, beta, gamma]


def test_a_linear_network_ends_where_the_literal_algorithm_does() -> None:
    rng = np.random.default_rng(7)
    X = rng.normal(size=(50, 4))
    y = X @ np.array([1.0, 0.5, 0.0, 0.0]) + 0.3 + 0.8 * rng.normal(size=50)
    objective = whole_loss(linear(4, 1, Identity(), HalfSquaredError()), X, y[:, None])
    rule, theta = BayesianRegularization(gradient_tolerance=1e-12), np.full(5, 0.1)
    state, _ = minimise(rule, theta, objective)
    literal, figures = foresee_hagan(np.c_[X, np.ones(50)], y, 200)
    np.testing.assert_allclose(theta, literal, rtol=1e-6)
    np.testing.assert_allclose(list(rule.figures(state).values()), figures, rtol=1e-7)


@pytest.mark.parametrize("name", ["noisy sine", "two outputs"])
def test_a_network_ends_where_the_equations_hold(name: str) -> None:
    one = regressions()[name]
    objective, theta = one.objective(), one.start(0)
    rule = BayesianRegularization(gradient_tolerance=1e-10)
    state, _ = minimise(rule, theta, objective)
    alpha, beta, gamma = rule.figures(state).values()
    P, n = theta.size, one.Y.size
    E_D, E_W = 2 * n * objective.loss(theta), float(theta @ theta)
    J = numeric_jacobian(one, theta)
    hessian = 2 * beta * J.T @ J + 2 * alpha * np.eye(P)
    assert gamma == pytest.approx(P - 2 * alpha * np.trace(np.linalg.inv(hessian)), rel=1e-5)
    assert alpha == pytest.approx(gamma / (2 * E_W), rel=1e-5)
    assert beta == pytest.approx((n - gamma) / (2 * E_D), rel=1e-5)
    slope = np.empty(P)
    objective.gradient(theta, slope)
    np.testing.assert_allclose(slope, -alpha / (beta * n) * theta, rtol=1e-3, atol=2e-9)  # ∇(βE_D + αE_W) = 0
    assert 0 < gamma < P


def numeric_jacobian(one: Regression, theta: Array) -> Array:
    """The derivatives of all outputs by central differences, (m · n, P)."""

    def outputs(t: Array) -> Array:
        at = one.network().parameters(t)
        return np.asarray((np.tanh(one.X @ at.W[1].T + at.b[1].T) @ at.W[2].T + at.b[2].T).ravel())

    step = 1e-6
    return np.stack(
        [(outputs(theta + step * e) - outputs(theta - step * e)) / (2 * step) for e in np.eye(theta.size)], 1
    )


def test_gamma_is_a_sum_over_eigenvalues_whether_the_matrix_has_a_factor_or_not() -> None:
    rng = np.random.default_rng(2)
    J = rng.normal(size=(4, 9))  # of rank 4
    values = np.linalg.eigvalsh(J.T @ J)
    assert effective_parameters(J.T @ J, 0.5) == pytest.approx(np.sum(values / (values + 0.5)), rel=1e-12)
    assert effective_parameters(J.T @ J, 1e-30) == pytest.approx(4, abs=1e-6)


def test_alpha_and_beta_by_hand() -> None:
    """γ = 2, n = 10, E_D = 4, E_W = 0.5: α = 2/1 and β = 8/8; with no more targets than γ, β is 1."""
    assert strengths(2.0, 10, 4.0, 0.5) == (2.0, 1.0, 2.0)
    assert strengths(12.0, 10, 4.0, 0.5) == (12.0, 1.0, 12.0)


def test_noise_free_targets_give_a_large_beta_and_pure_noise_a_small_gamma() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    for Y, gamma_most, beta_least in (
        (np.tanh(X @ np.array([[1.0], [0.5], [-1.0]])), 16.0, 1e9),
        (rng.normal(size=(400, 1)), 8.0, 0.3),
    ):
        one = Regression(X, Y, 3)
        theta, rule = one.start(0), BayesianRegularization()
        state, _ = minimise(rule, theta, one.objective())
        alpha, beta, gamma = rule.figures(state).values()
        assert 0 < gamma <= gamma_most
        assert beta_least < beta
        assert np.isfinite([alpha, beta, *theta]).all()


def test_the_first_iterations_have_next_to_no_penalty() -> None:
    one = regressions()["noisy sine"]
    rule, theta, objective = BayesianRegularization(warm_up=3), one.start(0), one.objective()
    state = optimizers.start(rule, theta)
    alphas = []
    for state.step in range(1, 6):
        rule.iterate(theta, state, objective, objective.loss(theta))
        alphas.append(rule.figures(state)["alpha"])
    assert alphas[:3] == [1e-3] * 3
    assert alphas[3] != 1e-3


def test_without_a_warm_up_gamma_starts_at_every_parameter() -> None:
    one = regressions()["noisy sine"]
    rule, theta, objective = BayesianRegularization(warm_up=0), one.start(0), one.objective()
    weights, loss = float(theta @ theta), objective.loss(theta)
    state = optimizers.start(rule, theta)
    state.step = 1
    rule.iterate(theta, state, objective, loss)
    P, n = theta.size, one.Y.size
    expected = {"alpha": P / (2 * weights), "beta": (n - P) / (4 * n * loss), "effective_parameters": P}
    assert rule.figures(state) == pytest.approx(expected, rel=1e-12)
