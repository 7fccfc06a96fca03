"""Derivatives by differences, with an error that can be relied on, and kinks told from smooth places."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bpcli.checking.measured_slopes import Slope, measure, noise_of
from bpcli.nn import Array

LAST_BIT = float(np.finfo(np.float64).eps)

Real = Callable[[float], float]

SMOOTH: dict[str, tuple[Real, Real]] = {
    "exp": (np.exp, np.exp),
    "sine": (np.sin, np.cos),
    "steep": (lambda t: np.tanh(50 * t), lambda t: 50 * (1 - np.tanh(50 * t) ** 2)),
    "logarithm of a sum": (lambda t: np.log(1 + np.exp(t)), lambda t: 1 / (1 + np.exp(-t))),
    "on a large constant": (lambda t: 1e3 + t**3, lambda t: 3 * t**2),
    "linear": (lambda t: 3 * t - 1, lambda t: 3.0),
}

POINTS = (-1.3, -1e-3, 0.0, 0.02, 0.7)


def slope(f: Real, t: float, last_bit: float = LAST_BIT) -> Slope:
    def function(theta: Array) -> float:
        return float(f(float(theta[0])))

    theta, scale = np.array([t]), max(abs(t), 1.0)
    noise = noise_of(function, theta, np.array([scale]), last_bit, np.random.default_rng(0))
    return measure(function, theta, function(theta), 0, scale, noise)


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_functions_are_measured_within_the_error_that_is_given(name: str) -> None:
    f, derivative = SMOOTH[name]
    for t in POINTS:
        found, right = slope(f, t), derivative(t)
        assert abs(found.value - right) <= 4 * found.error + 1e-12, t
        assert found.error <= 1e-6 * max(1, abs(right)), t
        assert not found.at_kink, t


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_a_function_computed_in_less_precision_has_a_larger_error(kind: type) -> None:
    for t in POINTS:
        found = slope(lambda t: float(np.exp(kind(t))), t)
        assert abs(found.value - np.exp(t)) <= 4 * found.error, t
        assert found.error > 1e-7, t


def test_noise_is_measured() -> None:
    rng = np.random.default_rng(1)
    for size in (1e-12, 1e-8, 1e-4):
        found = slope(lambda t, size=size: np.sin(t) + size * rng.normal(), 0.7)  # type: ignore[misc]
        assert abs(found.value - np.cos(0.7)) <= 4 * found.error, size
        assert found.error > size


@pytest.mark.parametrize("distance", [0.0, 1e-9])
def test_at_a_kink_both_sides_are_given(distance: float) -> None:
    found = slope(lambda t: max(t - distance, 0.0) + 0.5 * t + t**2, 0.0)
    assert found.at_kink
    assert (found.low, found.high) == pytest.approx((0.5, 1.5), abs=1e-4)


def test_a_kink_nearby_is_kept_out_of_the_difference() -> None:
    for distance in (1e-4, 1e-3, 0.05, 1.0):
        found = slope(lambda t, distance=distance: max(t - distance, 0.0) + t**2 + t, 0.0)  # type: ignore[misc]
        assert not found.at_kink
        assert abs(found.value - 1) <= 4 * found.error + 1e-12
        assert found.error < 1e-6


def test_a_function_that_does_not_change_has_the_slope_0_exactly() -> None:
    assert slope(lambda t: 7.0, 0.3) == Slope(0.0, 0.0, 0.0, 0.0)


def test_a_jump_is_not_measured() -> None:
    assert not slope(lambda t: 1.0 if t > 0 else -1.0, 0.0).error < 1
