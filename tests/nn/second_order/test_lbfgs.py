"""L-BFGS: the recursion against the matrices that it stands for, its minima against SciPy's and scikit-learn's."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from bpcli.nn import Array, optimizers
from bpcli.nn.activations import Identity, Sigmoid, Softmax, Tanh
from bpcli.nn.heads import join
from bpcli.nn.losses import BinaryCrossEntropy, CrossEntropy, HalfSquaredError
from bpcli.nn.network import Network, dense, initial
from bpcli.nn.optimizers.second_order.lbfgs import Lbfgs
from bpcli.nn.parameters import Parameters
from bpcli.nn.penalties import L2

from .support import Analytic, linear, minimise, rosenbrock, whole_loss


def inverse_hessian(steps: list[Array], changes: list[Array]) -> Array:
    """H by the BFGS formula, Nocedal & Wright 2006, eq. 6.17, oldest pair first."""
    s, y = steps[-1], changes[-1]
    H = np.eye(len(s)) * (s @ y) / (y @ y)
    for s, y in zip(steps, changes, strict=True):
        V = np.eye(len(s)) - np.outer(y, s) / (s @ y)
        H = V.T @ H @ V + np.outer(s, s) / (s @ y)
    return np.asarray(H)


def test_the_two_loops_are_the_product_with_the_matrix_of_the_formula() -> None:
    rng, rule, P = np.random.default_rng(0), Lbfgs(history=4), 6
    curvature = np.diag(rng.uniform(0.5, 3, P))
    state = optimizers.start(rule, np.zeros(P))
    steps: list[Array] = []
    changes: list[Array] = []
    for _ in range(7):  # the first three are overwritten
        s = rng.normal(size=P)
        state.memory["gradient"][...] = 0
        state.buffers["trial"][...], state.dtheta[...] = s, curvature @ s
        rule._keep_pair(np.zeros(P), state)
        steps, changes = [*steps, s][-4:], [*changes, curvature @ s][-4:]
    g = state.memory["gradient"]
    g[...] = rng.normal(size=P)
    rule._direct(state)
    np.testing.assert_allclose(state.buffers["direction"], -inverse_hessian(steps, changes) @ g, rtol=1e-12)


def test_a_quadratic_of_few_parameters_is_minimised_in_a_few_iterations() -> None:
    A, b = np.diag([1.0, 10.0, 100.0]), np.array([1.0, -2.0, 3.0])
    objective = Analytic(lambda t: float(0.5 * t @ A @ t - b @ t), lambda t: np.asarray(A @ t - b))
    theta = np.zeros(3)
    _, iterations = minimise(Lbfgs(gradient_tolerance=1e-10), theta, objective)
    np.testing.assert_allclose(theta, np.linalg.solve(A, b), rtol=1e-9)
    assert iterations < 25


def test_rosenbrocks_valley_is_left_at_its_minimum() -> None:
    theta, objective = np.array([-1.2, 1.0]), rosenbrock()
    state, iterations = minimise(Lbfgs(), theta, objective)
    np.testing.assert_allclose(theta, 1, rtol=1e-7)
    assert iterations < 60
    assert Lbfgs().ended(state) == "converged: no entry of the gradient is larger than 1e-08"


def test_every_iteration_lowers_the_loss() -> None:
    rule, theta, objective = Lbfgs(), np.array([-1.2, 1.0]), rosenbrock()
    state = optimizers.start(rule, theta)
    losses = [objective.loss(theta)]
    for state.step in range(1, 20):
        rule.iterate(theta, state, objective, losses[-1])
        losses.append(objective.loss(theta))
    assert (np.diff(losses) < 0).all()


def test_where_no_step_lowers_the_loss_training_ends() -> None:
    wrong = Analytic(lambda t: float(t @ t), lambda t: np.asarray(-2 * t))
    theta = np.array([1.0, 2.0])
    state, iterations = minimise(Lbfgs(), theta, wrong)
    assert iterations == 1
    assert Lbfgs().ended(state) == "converged: no step lowers the loss any further"
    assert theta.tolist() == [1.0, 2.0]


def convex(name: str) -> tuple[Network, Array, Array]:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(90, 4))
    noisy = X @ rng.normal(size=(4, 3)) + 2 * rng.normal(size=(90, 3))
    if name == "softmax":
        return linear(4, 3, Softmax(), CrossEntropy()), X, noisy.argmax(1)
    if name == "sigmoid":
        return linear(4, 1, Sigmoid(), BinaryCrossEntropy()), X, (noisy[:, :1] > 0).astype(float)
    return linear(4, 2, Identity(), HalfSquaredError()), X, noisy[:, :2]


@pytest.mark.parametrize("name", ["softmax", "sigmoid", "identity"])
def test_convex_problems_end_at_scipys_minimum(name: str) -> None:
    objective = whole_loss(*convex(name))
    size = objective.network.layout.count
    theta, g = np.zeros(size), np.zeros(size)
    minimise(Lbfgs(), theta, objective)

    def value(t: Array) -> tuple[float, Array]:
        return objective.gradient(t, g), g.copy()

    options = {"ftol": 1e-16, "gtol": 1e-10, "maxiter": 1000}
    peer = minimize(value, np.zeros(size), jac=True, method="L-BFGS-B", options=options)
    assert abs(objective.loss(theta) - peer.fun) < 1e-8 * peer.fun
    if name != "softmax":  # whose minima are a line: a number may be added to every output
        np.testing.assert_allclose(theta, peer.x, atol=1e-6)


def trained_from(peer: Any, start: Parameters, X: Array, Y: Array) -> Array:
    """The θ at which scikit-learn's network ends, from these parameters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        peer.set_params(warm_start=True, max_iter=1).fit(X, Y)  # which makes the arrays
    peer.coefs_ = [W.T.copy() for W in start.W[1:]]
    peer.intercepts_ = [b[:, 0].copy() for b in start.b[1:]]
    peer.set_params(max_iter=20000, max_fun=40000, tol=1e-9).fit(X, Y)
    reached = Parameters(start.layout, np.zeros_like(start.theta))
    for W, b, coefs, intercepts in zip(reached.W[1:], reached.b[1:], peer.coefs_, peer.intercepts_, strict=True):
        W[...], b[:, 0] = coefs.T, intercepts
    return reached.theta


@pytest.mark.parametrize("kind", ["classes", "reals"])
def test_a_network_ends_at_scikit_learns_minimum_from_the_same_parameters(kind: str) -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(150, 2))
    settings = {"hidden_layer_sizes": (2,), "activation": "tanh", "solver": "lbfgs", "alpha": 1.0}
    if kind == "classes":
        Y: Array = (X[:, 0] + 0.5 * X[:, 1] ** 2 + 1.5 * rng.normal(size=150) > 0.5).astype(int)
        head, peer = join(Sigmoid(), BinaryCrossEntropy()), MLPClassifier(**settings)
    else:
        Y = np.sin(X[:, 0]) + 0.3 * X[:, 1] + 0.2 * rng.normal(size=150)
        head, peer = join(Identity(), HalfSquaredError()), MLPRegressor(**settings)
    network = dense((2, 2, 1), (Tanh(),), head)
    penalty = L2(1.0, per_example=True)
    objective = whole_loss(network, X, Y[:, None].astype(float), penalties=(penalty,))
    for seed in range(3):
        start = initial(network, np.dtype(float), np.random.default_rng(seed))
        theta, reached = start.theta.copy(), trained_from(peer, start, X, Y)
        minimise(Lbfgs(), theta, objective)
        assert objective.loss(theta) == pytest.approx(objective.loss(reached), rel=1e-6)
