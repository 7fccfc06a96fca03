"""Initializers: their spread follows the formula, and the draws depend on the generator alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.initializers import INITIALIZERS, Glorot, He, Initializer, Lecun, Normal, Uniform

from .support import initializer

every_initializer = pytest.mark.parametrize("name", INITIALIZERS)

VARIANCES: dict[str, Callable[[int, int], float]] = {
    "zeros": lambda fan_in, fan_out: 0.0,
    "normal": lambda fan_in, fan_out: 0.05**2,
    "uniform": lambda fan_in, fan_out: 0.05**2 / 3,
    "glorot": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he": lambda fan_in, fan_out: 2 / fan_in,
    "lecun": lambda fan_in, fan_out: 1 / fan_in,
}


def drawn(by: Initializer, shape: tuple[int, int] = (400, 100), seed: int = 0, dtype: str = "float64") -> Array:
    W = np.full(shape, np.nan, dtype)
    by.draw(W, np.random.default_rng(seed))
    return W


@every_initializer
@pytest.mark.parametrize("shape", [(400, 100), (100, 400), (3, 10_000)])
def test_variance_is_near_its_formula(name: str, shape: tuple[int, int]) -> None:
    fan_out, fan_in = shape
    W = drawn(initializer(name), shape)
    assert W.var() == pytest.approx(VARIANCES[name](fan_in, fan_out), rel=0.04)


@every_initializer
def test_mean_is_near_zero(name: str) -> None:
    W = drawn(initializer(name))
    assert abs(W.mean()) <= 4 * W.std() / np.sqrt(W.size)


@every_initializer
def test_every_weight_is_filled_and_finite(name: str) -> None:
    assert np.isfinite(drawn(initializer(name))).all()


@every_initializer
def test_the_same_seed_gives_the_same_weights(name: str) -> None:
    np.testing.assert_array_equal(drawn(initializer(name), seed=5), drawn(initializer(name), seed=5))


@every_initializer
def test_float32_weights_are_the_float64_ones_rounded(name: str) -> None:
    wide = drawn(initializer(name), seed=6)
    np.testing.assert_array_equal(drawn(initializer(name), seed=6, dtype="float32"), wide.astype(np.float32))


@pytest.mark.parametrize("name", [name for name in INITIALIZERS if name != "zeros"])
def test_another_seed_gives_other_weights(name: str) -> None:
    assert (drawn(initializer(name), seed=7) != drawn(initializer(name), seed=8)).all()


@pytest.mark.parametrize("name", [name for name in INITIALIZERS if name != "zeros"])
def test_a_generator_used_twice_gives_other_weights(name: str) -> None:
    rng, first, second = np.random.default_rng(9), np.empty((4, 3)), np.empty((4, 3))
    initializer(name).draw(first, rng)
    initializer(name).draw(second, rng)
    assert (first != second).all()


@every_initializer
def test_a_view_of_a_longer_vector_is_filled_alone(name: str) -> None:
    theta = np.full(20, 9.0)
    initializer(name).draw(theta[4:16].reshape(4, 3), np.random.default_rng(10))
    np.testing.assert_array_equal(theta[[0, 1, 2, 3, 16, 17, 18, 19]], 9)
    assert (theta[4:16] != 9).all()


def test_zeros_are_zeros() -> None:
    assert not drawn(initializer("zeros")).any()


def test_uniform_weights_fill_the_interval_and_stay_inside() -> None:
    W = drawn(Uniform(limit=0.5))
    assert 0.499 < W.max() <= 0.5
    assert -0.5 <= W.min() < -0.499


@pytest.mark.parametrize("rule", [Normal(std=2.0), He(), Glorot(), Lecun()], ids=lambda rule: type(rule).__name__)
def test_normal_rules_have_normal_tails(rule: Initializer) -> None:
    W = drawn(rule)
    within = [float(np.mean(np.abs(W) < k * W.std())) for k in (1, 2, 3)]
    assert within == pytest.approx([0.6827, 0.9545, 0.9973], abs=0.01)


def test_std_of_normal_is_its_setting() -> None:
    assert drawn(Normal(std=2.0)).std() == pytest.approx(2.0, rel=0.02)
