"""Penalties: values and derivatives by hand, over weights alone, divided by the batch where asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bpcli.checking.reference import certify
from bpcli.nn import Array
from bpcli.nn.clipping import ByNorm, ByValue
from bpcli.nn.gradient_check import Probe, crossings
from bpcli.nn.parameters import Layout, Parameters
from bpcli.nn.penalties import L1, L2, PENALTIES, Elastic, Penalty
from bpcli.nn.transformations import Transformation

from .support import activation, loss, network

LAYOUT = Layout((2, 1, 1))
THETA = np.array([2.0, -3, 5, 0, 7])
"""W₁ = (2, −3), b₁ = 5, W₂ = 0, b₂ = 7."""


def applied(penalty: Penalty, theta: Array = THETA, weight: Any = 4) -> tuple[float, Array]:
    """What a penalty adds to the loss and to a gradient of zeros."""
    parameters, gradient, spare = (
        Parameters(LAYOUT, array) for array in (theta.copy(), np.zeros_like(theta), np.full_like(theta, np.nan))
    )
    added = penalty.apply(parameters, gradient, spare, weight)
    np.testing.assert_array_equal(parameters.theta, theta)
    return added, gradient.theta


WORKED: list[tuple[Penalty, float, list[float]]] = [
    (L1(0.5), 2.5, [0.5, -0.5, 0, 0, 0]),
    (L1(0.5, per_example=True), 0.625, [0.125, -0.125, 0, 0, 0]),
    (L2(0.5), 3.25, [1, -1.5, 0, 0, 0]),
    (L2(0.5, per_example=True), 0.8125, [0.25, -0.375, 0, 0, 0]),
    (Elastic(0.5, 0.25), 0.25 * 2.5 + 0.75 * 3.25, [0.125 + 0.75, -0.125 - 1.125, 0, 0, 0]),
]


@pytest.mark.parametrize(("penalty", "value", "slopes"), WORKED, ids=[str(case[0]) for case in WORKED])
def test_a_penalty_is_over_weights_and_a_weight_of_0_has_no_slope(
    penalty: Penalty, value: float, slopes: list[float]
) -> None:
    added, gradient = applied(penalty)
    assert added == pytest.approx(value, rel=1e-15)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-15)


@pytest.mark.parametrize("kind", PENALTIES.values())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_penalty_per_example_is_0_where_all_examples_weigh_0(kind: Callable[..., Penalty], dtype: Any) -> None:
    added, gradient = applied(kind(strength=0.5, per_example=True), THETA.astype(dtype), dtype(0))
    assert added == 0
    assert not gradient.any()


def test_elastic_lies_between_l2_and_l1() -> None:
    for ratio, other in ((1.0, L1(0.3)), (0.0, L2(0.3))):
        (added, gradient), (value, slopes) = applied(Elastic(0.3, ratio)), applied(other)
        assert added == pytest.approx(value, rel=1e-15)
        np.testing.assert_allclose(gradient, slopes, rtol=1e-15)


def probe_of(penalty: Penalty) -> tuple[Probe, Array]:
    """L with the penalty on 4 examples, at a θ with a weight of 0."""
    net = network((2, 3, 2), (activation("tanh"),), activation("identity"), loss("half_squared_error"))
    rng = np.random.default_rng(1)
    theta = rng.normal(size=net.layout.count)
    theta[1] = 0
    return Probe(net, rng.normal(size=(2, 4)), rng.normal(size=(2, 4)), penalties=[penalty]), theta


def error(penalty: Penalty) -> float:
    """How far the gradient is from the certified one, relative to the largest derivative."""
    probe, theta = probe_of(penalty)
    reference = certify(probe, theta)
    right = np.array(reference.gradient, float)
    return float(np.abs(probe.gradient(theta) - right).max() / np.abs(right).max())


EVERY = [kind(strength=0.3, per_example=flag) for kind in PENALTIES.values() for flag in (False, True)]  # type: ignore[call-arg]


@pytest.mark.parametrize("penalty", EVERY, ids=map(str, EVERY))
def test_the_gradient_is_that_of_the_stated_term_at_a_weight_of_0_too(penalty: Penalty) -> None:
    assert error(penalty) < 1e-14


def on_biases(penalty: Any, parameters: Parameters, gradient: Parameters, scratch: Parameters, weight: Any) -> float:
    gradient.theta += penalty.strength * parameters.theta
    return 0.0


def undivided(penalty: Any, parameters: Parameters, gradient: Parameters, scratch: Parameters, weight: Any) -> float:
    for W, dW in zip(parameters.W[1:], gradient.W[1:], strict=True):
        dW += penalty.strength * W
    return 0.0


def halved(penalty: Any, parameters: Parameters, gradient: Parameters, scratch: Parameters, weight: Any) -> float:
    for W, dW in zip(parameters.W[1:], gradient.W[1:], strict=True):
        dW += 0.5 * penalty.strength / weight * W
    return 0.0


@pytest.mark.parametrize("slip", [on_biases, undivided, halved])
def test_a_mistaken_penalty_is_found(slip: Callable[..., float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(L2, "apply", slip)
    assert error(L2(0.3, per_example=True)) > 1e-3


@pytest.mark.parametrize("penalty", [L1(0.3), Elastic(0.3)], ids=str)
def test_a_difference_across_the_kink_of_a_penalty_is_not_judged(penalty: Penalty) -> None:
    probe, theta = probe_of(penalty)
    assert crossings(probe, theta, 1) == [(1, 0, None)]
    assert crossings(probe, theta, 0) == []
    without = Probe(probe.network, probe.X, probe.Y, penalties=[L2(0.3)])
    assert crossings(without, theta, 1) == []


@pytest.mark.slow
def test_penalties_and_clippings_are_pytorchs() -> None:
    """Decay of W alone is l2; |W| by autograd; clip_grad_norm_ is off by its 1e-6 in the divisor."""
    torch: Any = pytest.importorskip("torch")
    rng, added = np.random.default_rng(7), np.zeros(5)
    theta, gradient = rng.normal(size=5), rng.normal(size=5)
    penalties: list[tuple[Penalty, Callable[[Any], Any]]] = [
        (L1(0.3), lambda W: 0.3 * W.abs().sum()),
        (L2(0.3), lambda W: 0.15 * (W**2).sum()),
        (Elastic(0.3, 0.2), lambda W: 0.06 * W.abs().sum() + 0.12 * (W**2).sum()),
    ]
    for penalty, of in penalties:
        leaf = torch.tensor(theta, requires_grad=True)
        value = of(leaf[[0, 1, 3]])
        value.backward()
        found, added = applied(penalty, theta)
        assert found == pytest.approx(float(value.detach()), rel=1e-14)
        np.testing.assert_allclose(added, leaf.grad.numpy(), rtol=1e-14)
    clippings: list[tuple[Transformation, Callable[[Any], Any], float]] = [
        (ByNorm(0.5), lambda leaf: torch.nn.utils.clip_grad_norm_([leaf], 0.5), 2e-6),
        (ByValue(0.4), lambda leaf: torch.nn.utils.clip_grad_value_([leaf], 0.4), 0),
    ]
    for clipping, clip, tolerance in clippings:
        leaf = torch.zeros(5, dtype=torch.float64, requires_grad=True)
        leaf.grad = torch.tensor(gradient)
        clip(leaf)
        own = Parameters(LAYOUT, gradient.copy())
        clipping.apply(Parameters(LAYOUT, theta), own, Parameters(LAYOUT, theta.copy()), 4)
        np.testing.assert_allclose(own.theta, leaf.grad.numpy(), rtol=tolerance)
