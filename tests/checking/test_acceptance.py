"""Right gradients of other programs are never wrong: at kinks, at zero weights, in saturated units, by underflow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpcli.checking.acceptance import Acceptance, ArrayVerdict
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, Activation
from bpcli.nn.gradient_check import Probe
from bpcli.nn.heads import join
from bpcli.nn.losses import LOSSES
from bpcli.nn.network import Network, dense
from bpcli.nn.parameters import Layout, Parameters


def network(sizes: tuple[int, ...], hidden: tuple[str, ...], output: str, loss: str) -> Network:
    activations: tuple[Activation, ...] = tuple(ACTIVATIONS[name]() for name in hidden)
    return dense(sizes, activations, join(ACTIVATIONS[output](), LOSSES[loss]()))


def verdicts(net: Network, theta: Array, X: Array, Y: Array, given: Array) -> dict[str, ArrayVerdict]:
    """The verdict on each array of a gradient, (P,), in the precision of ``given``."""
    ws = net.workspace(X.shape[1], np.float64)
    ws.X[...], ws.Y[...] = X, Y
    theta, named = theta.astype(np.float64), Parameters(net.layout, given)
    layers = range(1, len(net.sizes))
    arrays = {f"d{kind}{l}": getattr(named, kind)[l] for l in layers for kind in "Wb"}
    acceptance = Acceptance(net, net.parameters(theta), ws, arrays)
    return {name: acceptance.of(name) for name in arrays}


def worst(net: Network, theta: Array, X: Array, Y: Array, given: Array) -> str:
    found = {one.verdict for one in verdicts(net, theta, X, Y, given).values()}
    return "wrong" if "wrong" in found else "not judgeable" if "not judgeable" in found else "agrees"


def with_slope_at_kinks(theta: Array, X: Array, Y: Array, sizes: tuple[int, ...], slope: float) -> Array:
    """The gradient of ReLU layers and an identity output under half squared error, relu′(0) = ``slope``."""
    at, dtheta = Parameters(Layout(sizes), theta), Parameters(Layout(sizes), np.empty_like(theta))
    A, Z, last = [X], [X], len(sizes) - 1
    for l in range(1, last + 1):
        Z.append(at.W[l] @ A[-1] + at.b[l])
        A.append(np.maximum(Z[l], 0) if l < last else Z[l])
    dZ = (A[-1] - Y) / Y.size
    for l in range(last, 0, -1):
        dtheta.W[l][...], dtheta.b[l][...] = dZ @ A[l - 1].T, dZ.sum(axis=1, keepdims=True)
        dZ = (at.W[l].T @ dZ) * np.where(Z[l - 1] == 0, slope, Z[l - 1] > 0)
    return dtheta.theta


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_any_slope_at_kinks_in_several_layers_is_accepted_and_no_other(slope: float) -> None:
    sizes, rng = (2, 4, 4, 1), np.random.default_rng(0)
    net = network(sizes, ("relu", "relu"), "identity", "half_squared_error")
    at = Parameters(net.layout, np.zeros(37))
    for W in at.W[1:]:
        W[...] = rng.normal(size=W.shape)
    X, Y = np.array([[0.0, 0, 1, 1], [0, 1, 0, 1]]), np.array([[1.0, 1, 1, 0]])
    given = with_slope_at_kinks(at.theta, X, Y, sizes, slope)
    assert worst(net, at.theta, X, Y, given) == "agrees"
    beyond = with_slope_at_kinks(at.theta, X, Y, sizes, 1.5)
    assert worst(net, at.theta, X, Y, beyond) == "wrong"


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_sums_that_cancel_where_weights_are_zero_agree(dtype: Any) -> None:
    rng = np.random.default_rng(1)
    X: Array = rng.normal(size=(3, 20)).astype(dtype)
    Y: Array = rng.normal(size=(1, 20)).astype(dtype)
    Y -= Y.mean()
    net, theta = network((3, 1), (), "identity", "half_squared_error"), np.zeros(4)
    given: Array = np.concatenate([(-Y @ X.T / 20).ravel(), (-Y / 20).sum(axis=1)]).astype(dtype)
    assert worst(net, theta, X, Y, given) == "agrees"
    assert worst(net, theta, X, Y, np.concatenate([1.01 * given[:3], given[3:]])) == "wrong"


def test_a_program_that_loses_1_minus_a_is_not_wrong() -> None:
    net, theta = network((1, 2), (), "sigmoid", "cross_entropy"), np.array([18.0, -2, 1, 0.5])
    X, Y = np.array([[1.0, 1.2, 0.9]]), np.array([0, 0, 0])
    z = np.outer([18.0, -2], X) + np.array([[1], [0.5]])
    dZ = np.zeros((2, 3))
    dZ[0] = (1 / (1 + np.exp(-z[0])) - 1) / 3
    given = np.concatenate([(dZ @ X.T).ravel(), dZ.sum(axis=1)])
    exact = Probe(net, X, Y).gradient(theta)
    assert np.abs(given[[0, 2]] / exact[[0, 2]] - 1).max() > 1e-9
    assert worst(net, theta, X, Y, given) == "agrees"
    assert worst(net, theta, X, Y, 0 * given) != "agrees"


def test_a_gradient_that_underflows_is_not_wrong() -> None:
    net, theta = network((1, 1), (), "sigmoid", "half_squared_error"), np.array([1.0, -100.0], np.float32)
    X, Y = np.array([[1.0]], np.float32), np.array([[0.0]], np.float32)
    given = Probe(net, X, Y).gradient(theta)
    assert worst(net, theta, X, Y, given) != "wrong"
    assert worst(net, theta, X, Y, given + np.float32(1)) == "wrong"


def test_a_derivative_of_zero_excuses_rounding_alone() -> None:
    net = network((2, 3, 2), ("softmax",), "identity", "half_squared_error")
    at = Parameters(net.layout, np.zeros(17))
    at.W[2][...] = 0.3
    X, Y = np.random.default_rng(2).normal(size=(2, 4)), np.random.default_rng(3).normal(size=(2, 4))
    given = Probe(net, X, Y).gradient(at.theta)
    given[:6] = 1e-17
    assert worst(net, at.theta, X, Y, given) == "agrees"
    given[:6] = 1e-9
    assert worst(net, at.theta, X, Y, given) == "wrong"


GARBAGE = {"zeros": 0.0, "two thousandths": 1.002, "the sign": -1.0, "1e200": 1e200}


@pytest.mark.parametrize("factor", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("gap", [1.0, 300.0, 1000.0])
def test_far_apart_logits_hide_no_garbage(gap: float, factor: float) -> None:
    net, theta = network((1, 3), (), "softmax", "binary_cross_entropy"), np.array([0.0, 0, 0, gap, 0, -0.15 * gap])
    X, Y = np.array([[1.0]]), np.array([[0.0], [1.0], [0.0]])
    right = Probe(net, X, Y).gradient(theta)
    assert worst(net, theta, X, Y, right) == "agrees"
    assert worst(net, theta, X, Y, factor * right) == "wrong"
