"""Objectives with known minima, networks on small regressions, and iterations until a rule ends."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bpcli.data.sources import ClassIndices, Columns, Examples, Rows
from bpcli.nn import Array, optimizers
from bpcli.nn.activations import Activation, Identity, Tanh
from bpcli.nn.heads import join
from bpcli.nn.losses import HalfSquaredError, Loss
from bpcli.nn.network import Network, dense, initial
from bpcli.nn.optimizers import GradientDescent, OptimizerState
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.whole_loss import WholeLoss

DIABETES = Path(__file__).parents[3] / "datasets" / "diabetes.csv"


@dataclass
class Analytic:
    """An objective given by formulas: L and its gradient, and r with J for least squares."""

    value: Callable[[Array], float]
    slope: Callable[[Array], Array]
    of_r: Callable[[Array], tuple[Array, Array]] | None = None
    looks: int = field(default=0, init=False)

    rounding = float(np.finfo(float).eps)
    residuals = 1.0
    scale = 1.0

    def loss(self, theta: Array) -> float:
        return self.value(theta)

    def gradient(self, theta: Array, out: Array) -> float:
        self.looks += 1
        out[...] = self.slope(theta)
        return self.value(theta)

    def normal_equations(self, theta: Array) -> tuple[Array, Array]:
        assert self.of_r is not None
        r, J = self.of_r(theta)
        return J.T @ J, J.T @ r


def rosenbrock() -> Analytic:
    """½ rᵀr with r = (10 (y − x²), 1 − x): half of Rosenbrock's function, 0 at (1, 1)."""

    def of_r(theta: Array) -> tuple[Array, Array]:
        x, y = theta
        return np.array([10 * (y - x * x), 1 - x]), np.array([[-20 * x, 10.0], [-1.0, 0.0]])

    def value(theta: Array) -> float:
        r, _ = of_r(theta)
        return float(0.5 * r @ r)

    def slope(theta: Array) -> Array:
        r, J = of_r(theta)
        return np.asarray(J.T @ r)

    return Analytic(value, slope, of_r)


def minimise(rule: Any, theta: Array, objective: Any, most: int = 2000) -> tuple[OptimizerState, int]:
    """Iterate from ``theta``, which is changed, until the rule ends; the state and the number of iterations."""
    state = optimizers.start(rule, theta)
    with np.errstate(all="ignore"):
        while state.step < most and not rule.ended(state):
            state.step += 1
            rule.iterate(theta, state, objective, objective.loss(theta))
    return state, state.step


@dataclass(frozen=True)
class Regression:
    """A small regression: rows of features, columns of targets, and the units of a hidden layer of tanh."""

    X: Array
    Y: Array
    hidden: int

    def network(self) -> Network:
        sizes = (self.X.shape[1], self.hidden, self.Y.shape[1])
        return dense(sizes, (Tanh(),), join(Identity(), HalfSquaredError()))

    def start(self, seed: int) -> Array:
        return initial(self.network(), np.dtype(float), np.random.default_rng(seed)).theta

    def objective(self, weights: Array | None = None) -> WholeLoss:
        return whole_loss(self.network(), self.X, self.Y, weights)


def whole_loss(
    network: Network, X: Array, Y: Array, weights: Array | None = None, penalties: tuple[Any, ...] = ()
) -> WholeLoss:
    """The loss on rows of features with rows of targets, or with class indices."""
    targets = ClassIndices(Y) if Y.ndim == 1 else Columns(np.ascontiguousarray(Y.T))
    recipe = Recipe(network, GradientDescent(), Plan(1, len(X), shuffle=False, seed=0), penalties=penalties)
    return WholeLoss(recipe, Examples(Rows(X), targets, weights=weights), np.zeros(network.layout.count))


def linear(inputs: int, outputs: int, activation: Activation, loss: Loss) -> Network:
    """A network without hidden layers, on which common losses are convex."""
    return dense((inputs, outputs), (), join(activation, loss))


def standard(columns: Array) -> Array:
    """Columns of mean 0 and deviation 1."""
    return np.asarray((columns - columns.mean(0)) / columns.std(0))


def regressions() -> dict[str, Regression]:
    """The five on which Levenberg–Marquardt is compared with SciPy's."""
    rng = np.random.default_rng(1)
    with DIABETES.open() as file:
        table = np.array(list(csv.reader(file))[1:], float)
    x = np.linspace(-1, 1, 80)[:, None]
    sine = np.sin(2 * np.pi * x) + 0.1 * rng.normal(size=x.shape)
    mix = rng.uniform(0, 1, (300, 8))
    strength = 30 * mix[:, 0] ** 0.5 * (1 - mix[:, 3]) + 20 * np.log1p(5 * mix[:, 7]) - 10 * mix[:, 3] * mix[:, 4]
    strength = (strength + 5 * mix[:, 1] + rng.normal(size=300))[:, None]
    Z = rng.normal(size=(120, 3))
    two = np.stack([np.sin(Z[:, 0]) + Z[:, 1] * Z[:, 2], np.cos(Z[:, 1]) - Z[:, 0]], 1)
    two = two + 0.05 * rng.normal(size=(120, 2))
    v = rng.uniform(-1, 1, (100, 2))
    nearly_equal = np.c_[v[:, 0], v[:, 0] + 1e-4 * v[:, 1], 1e3 * v[:, 1]]
    return {
        "diabetes": Regression(standard(table[:, :-1]), standard(table[:, -1:]), 4),
        "noisy sine": Regression(x, sine, 6),
        "concrete-like": Regression(standard(mix), standard(strength), 5),
        "two outputs": Regression(Z, standard(two), 5),
        "ill-conditioned": Regression(nearly_equal, standard(v[:, :1] ** 2 + np.tanh(3 * v[:, 1:])), 4),
    }
