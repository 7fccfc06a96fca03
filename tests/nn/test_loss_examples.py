"""Losses worked by hand, and the derivative that each takes at its kink or joint."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.activations import ExponentialOutput, Sigmoid, Softmax
from bpcli.nn.heads import join
from bpcli.nn.losses import (
    LOSSES,
    AbsoluteError,
    CategoricalFocal,
    CrossEntropy,
    Focal,
    Gamma,
    Hinge,
    Huber,
    KullbackLeibler,
    LogCosh,
    Loss,
    Poisson,
    Quantile,
    SquaredHinge,
)

from .support import PRECISIONS, loss, output_scratch
from .test_heads import backward as head_backward
from .test_heads import total as head_total
from .test_losses import backward, total

LOG = math.log

EXAMPLES: dict[str, tuple[Loss, list[float], list[float], float, list[float]]] = {
    "absolute error": (AbsoluteError(), [5, 1, 2], [2, 5, 2], 3 + 4 + 0, [1, -1, -1]),
    "huber, within and beyond": (Huber(delta=2), [1, 5, -3], [0, 0, 0], 0.5 + 2 * 4 + 2 * 2, [1, 2, -2]),
    "huber, where its parts join": (Huber(delta=2), [2, -2], [0, 0], 2 + 2, [2, -2]),
    "log cosh": (LogCosh(), [1, 0], [0, 0], LOG(math.cosh(1)), [math.tanh(1), 0]),
    "log cosh, far": (LogCosh(), [700], [-300], 1000 - LOG(2), [1]),
    "quantile 0.9": (Quantile(levels=(0.9,)), [3, 1, 2], [1, 2, 2], 0.2 + 0.9, [0.1, -0.9, -0.9]),
    "poisson": (Poisson(), [2, 1, 3], [0, 1, 6], 2 + 0 + (3 - 6 + 6 * LOG(2)), [1, 0, -1]),
    "gamma": (Gamma(), [2, 1], [2, 3], 0 + (3 - 1 - LOG(3)), [0, -2]),
    "hinge": (Hinge(), [0.5, -2, 1, 0.25], [1, 1, 1, -1], 0.5 + 3 + 0 + 1.25, [-1, -1, 0, 1]),
    "squared hinge": (SquaredHinge(), [0.5, -2, 1, 0.25], [1, 1, 1, -1], 0.25 + 9 + 1.5625, [-1, -6, 0, 2.5]),
    "focal": (
        Focal(gamma=2, alpha=0.25),
        [0.5, 0.5],
        [1, 0],
        0.25 * 0.25 * LOG(2) + 0.75 * 0.25 * LOG(2),
        [0.25 * (-LOG(2) - 0.5), 0.75 * (LOG(2) + 0.5)],
    ),
    "kullback-leibler": (KullbackLeibler(), [0.25, 0.75], [0.5, 0.5], LOG(2) / 2 + LOG(2 / 3) / 2, [-2, -2 / 3]),
}
"""A loss, outputs, targets, the terms' sum and dA of single outputs."""


def column(numbers: list[float], dtype: str = "float64") -> Array:
    return np.array([numbers], dtype).T.copy()


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize(("of", "a", "y", "expected", "slopes"), EXAMPLES.values(), ids=EXAMPLES)
def test_worked_by_hand(
    of: Loss, a: list[float], y: list[float], expected: float, slopes: list[float], dtype: str
) -> None:
    A, Y, digits = column(a, dtype), column(y, dtype), {"float32": 3e-6, "float64": 1e-14}[dtype]
    assert total(of, A, Y).real == pytest.approx(expected, rel=digits)
    np.testing.assert_allclose(backward(of, A, Y)[:, 0], slopes, rtol=digits, atol=digits)


def test_categorical_focal_of_an_even_chance() -> None:
    A, Y = np.array([[0.5, 0.2], [0.5, 0.8]]), np.array([0, 1])
    assert total(CategoricalFocal(), A, Y).real == pytest.approx(LOG(2) / 4 + 0.04 * -LOG(0.8), rel=1e-14)
    np.testing.assert_allclose(
        backward(CategoricalFocal(), A, Y), [[-LOG(2) - 0.5, 0], [0, 0.04 * (2 * LOG(0.8) / 0.2 - 1.25)]], rtol=1e-14
    )


def test_categorical_focal_without_focus_is_the_cross_entropy() -> None:
    rng = np.random.default_rng(0)
    Z, Y = rng.normal(0, 3, (4, 6)), rng.integers(0, 4, 6)
    own, other = join(Softmax(), CategoricalFocal(gamma=0.0)), join(Softmax(), CrossEntropy())
    assert head_total(own, Z, Y) == pytest.approx(head_total(other, Z, Y), rel=1e-14)
    np.testing.assert_allclose(head_backward(own, Z, Y), head_backward(other, Z, Y), rtol=1e-13, atol=1e-15)


def test_focal_without_focus_and_weights_is_half_the_binary_cross_entropy() -> None:
    rng = np.random.default_rng(1)
    Z, Y = rng.normal(0, 3, (3, 6)), rng.uniform(size=(3, 6))
    own, other = join(Sigmoid(), Focal(gamma=0.0, alpha=0.5)), join(Sigmoid(), loss("binary_cross_entropy"))
    assert head_total(own, Z, Y).real == pytest.approx(head_total(other, Z, Y).real / 2, rel=1e-14)
    np.testing.assert_allclose(head_backward(own, Z, Y), head_backward(other, Z, Y) / 2, rtol=1e-13, atol=1e-15)


def test_kullback_leibler_is_the_soft_cross_entropy_less_the_targets_entropy() -> None:
    rng = np.random.default_rng(2)
    Z, Y = rng.normal(0, 2, (4, 5)), rng.dirichlet([1, 1, 2, 3], 5).T.copy()
    head = join(Softmax(), KullbackLeibler())
    A = np.exp(Z) / np.exp(Z).sum(axis=0)
    difference = -(Y * np.log(A)).sum() + (Y * np.log(Y)).sum()
    assert head_total(head, Z, Y).real == pytest.approx(difference, rel=1e-12)
    np.testing.assert_allclose(head_backward(head, Z, Y), A - Y, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ["poisson", "gamma"])
def test_pairs_of_the_exponential_have_dz_of_one_subtraction(name: str) -> None:
    rng = np.random.default_rng(3)
    Z, Y = rng.normal(0, 2, (3, 5)), rng.gamma(2, 1, (3, 5))
    expected = np.exp(Z) - Y if name == "poisson" else 1 - Y / np.exp(Z)
    np.testing.assert_allclose(head_backward(join(ExponentialOutput(), loss(name)), Z, Y), expected, rtol=1e-14)


KINKED = [name for name, kind in LOSSES.items() if kind().sides is not None]


@pytest.mark.parametrize("name", KINKED)
def test_sides_change_where_the_slope_jumps_and_nowhere_else(name: str) -> None:
    of, y = loss(name), 1.0
    outputs = np.linspace(-2, 4, 121)[None, :]  # a = 1 is among them, the kink of each
    Y = np.full_like(outputs, y)
    assert of.sides is not None
    slopes, sides = backward(of, outputs, Y)[0], of.sides(outputs, Y)[0]
    np.testing.assert_array_equal(np.flatnonzero(np.diff(slopes)), np.flatnonzero(np.diff(sides)))
    assert len(np.flatnonzero(np.diff(sides))) == 1


@pytest.mark.parametrize("name", [name for name, kind in LOSSES.items() if kind().sides is None])
def test_a_loss_without_a_kink_has_no_jump_in_its_slope(name: str) -> None:
    of = loss(name)
    if of.targets.class_indices or of.domain != (-np.inf, np.inf):
        return  # smooth in the whole of its domain
    outputs = np.linspace(-4, 4, 80_001)[None, :]
    slopes = backward(of, outputs, np.full_like(outputs, 1.0))[0]
    assert np.abs(np.diff(slopes)).max() < 1e-3


def test_log_cosh_has_all_digits_of_a_small_difference_and_of_a_large_one() -> None:
    for d in (1e-160, 1e-9, 1e-3, 0.5, 19.9, 20.1, 300.0):
        exact = d * d / 2 if d < 1e-5 else math.log1p(2 * math.sinh(d / 2) ** 2)
        assert total(LogCosh(), column([d]), column([0.0])).real == pytest.approx(exact, rel=1e-13, abs=1e-320)


def test_a_perfect_fit_of_large_counts_costs_nothing_to_rounding() -> None:
    head, Y = join(ExponentialOutput(), Poisson()), column([1e6, 3.0])
    assert abs(head_total(head, np.log(Y), Y).real) < 1e-14 * 1e6 * 20
    np.testing.assert_allclose(head_backward(head, np.log(Y), Y), 0, atol=1e-8)


def test_hinge_of_several_outputs_is_one_class_against_the_rest() -> None:
    A = np.array([[2.0], [-0.5], [0.25]])
    Y = np.array([[1.0], [-1.0], [-1.0]])
    alone = sum(total(Hinge(), A[[k]], Y[[k]]).real for k in range(3))
    assert total(Hinge(), A, Y).real == alone == 0 + 0.5 + 1.25
    scratch = output_scratch(A)
    out = np.empty_like(A)
    Hinge().backward(A, Y, 0.5, out, scratch)
    np.testing.assert_array_equal(out[:, 0], [0, 0.5, 0.5])
