"""The loss on all examples as a function of θ: against the engine's batch, and however it is cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bpcli.data.sources import ClassIndices, Columns, Examples, Rows
from bpcli.nn import Array
from bpcli.nn.activations import Tanh
from bpcli.nn.heads import join
from bpcli.nn.losses import LOSSES
from bpcli.nn.network import Network, dense, initial
from bpcli.nn.optimizers import GradientDescent
from bpcli.nn.penalties import L2
from bpcli.training import whole_loss
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.shards import Gradients
from bpcli.training.whole_loss import WholeLoss
from tests.nn.support import activation, loss

SIZE = 23


def task(name: str, reduction: Any = "mean") -> tuple[Recipe, Examples, Array]:
    """A network with this loss and an l2 penalty, weighted examples, and θ."""
    rng, of = np.random.default_rng(3), loss(name, examples=reduction)
    network = dense((3, 4, 3), (Tanh(),), join(activation(of.usual_output), of))
    form = of.targets
    low = form.low if np.isfinite(form.low) else (0.0 if np.isfinite(form.high) else -1.0)
    high = form.high if np.isfinite(form.high) else low + 2
    Y: Any = Columns(low + (high - low) * rng.uniform(0.1, 0.9, (3, SIZE)))
    if form.class_indices:
        Y = ClassIndices(rng.integers(0, 3, SIZE))
    examples = Examples(Rows(rng.normal(size=(SIZE, 3))), Y, weights=rng.uniform(0, 3, SIZE))
    recipe = Recipe(network, GradientDescent(), Plan(1, SIZE, shuffle=False, seed=0), penalties=(L2(0.1),))
    return recipe, examples, initial(network, np.dtype(float), rng).theta


@pytest.mark.parametrize("name", LOSSES)
def test_loss_and_gradient_are_those_of_a_batch_however_it_is_cut(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, examples, theta = task(name)
    expected = np.zeros_like(theta)
    batch = Gradients(recipe, theta, expected, examples).at(np.arange(SIZE))
    with np.errstate(all="ignore"):
        added = batch.gradient(theta, expected, 1.0)
        terms = recipe.network.terms(batch.workspaces[0])
    value = float(np.sum(terms)) * float(recipe.network.scale(batch.weigh())) + float(added)
    for chunk in (SIZE, 7, 1):
        monkeypatch.setattr(whole_loss, "CHUNK", chunk)
        objective, found = WholeLoss(recipe, examples, theta), np.empty_like(theta)
        with np.errstate(all="ignore"):
            assert objective.gradient(theta, found) == pytest.approx(value, rel=1e-12)
            assert objective.loss(theta) == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_normal_equations_hold_the_loss_and_its_gradient(reduction: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jᵀr is ∂L/∂θ; JᵀJ is the curvature of L where r is linear in θ: in the last layer's W and b."""
    recipe, examples, theta = task("half_squared_error", reduction)
    gradient = np.empty_like(theta)
    WholeLoss(recipe, examples, theta).gradient(theta, gradient)
    for entries in (1 << 21, 5 * theta.size, 1):
        monkeypatch.setattr(whole_loss, "JACOBIAN", entries)
        objective = WholeLoss(recipe, examples, theta)
        products, slope = objective.normal_equations(theta)
        np.testing.assert_allclose(slope, gradient, rtol=1e-11, atol=1e-14)
        np.testing.assert_allclose(products, products.T, rtol=1e-13)
        for place in range(16, theta.size):
            moved = theta.copy()
            moved[place] += 1.0
            second = objective.loss(moved) - objective.loss(theta) - gradient[place]
            assert products[place, place] == pytest.approx(2 * second, rel=1e-9)


def test_residuals_and_scale_are_those_of_the_sum_of_squares() -> None:
    recipe, examples, theta = task("half_squared_error")
    objective = WholeLoss(replace(recipe, penalties=()), examples, theta)
    network: Network = recipe.network
    ws = network.workspace(SIZE, float, weighted=True)
    examples.gather(np.arange(SIZE), ws.X, ws.Y, ws.weights)
    network.forward(network.parameters(theta), ws)
    assert ws.weights is not None
    squares = float(np.sum(ws.weights * (ws.A[-1] - ws.Y) ** 2))
    assert objective.loss(theta) == pytest.approx(0.5 * objective.scale * squares, rel=1e-13)
    assert objective.residuals == pytest.approx(3 * np.sum(ws.weights), rel=1e-14)
