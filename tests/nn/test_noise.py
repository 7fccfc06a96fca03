"""Noise: masks keep the mean, inputs get what was drawn, and numbers come in the precision of their array."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.noise import INPUT_NOISES, Gaussian, Masking, inverted_mask

COUNT = 40_000
"""Numbers drawn: means then lie within 5 standard errors, 5/200 of a deviation."""

every_precision = pytest.mark.parametrize("dtype", ["float32", "float64"])


@every_precision
@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 0.9])
def test_a_mask_drops_its_share_and_keeps_the_mean(rate: float, dtype: str) -> None:
    mask = np.full((200, 200), np.nan, dtype)
    inverted_mask(mask, rate, np.random.default_rng(3))
    scale = np.dtype(dtype).type(1 / (1 - rate))
    assert set(np.unique(mask).tolist()) <= {0.0, float(scale)}
    deviation = np.sqrt(rate * (1 - rate))
    assert abs(float(np.mean(mask == 0)) - rate) <= 5 * deviation / np.sqrt(COUNT)
    assert abs(float(np.mean(mask, dtype=np.float64)) - 1) <= 5 * deviation / (1 - rate) / np.sqrt(COUNT) + 1e-6


@every_precision
def test_gaussian_noise_is_added_with_its_deviation(dtype: str) -> None:
    X, noise = np.full((COUNT, 1), 3, dtype), np.empty((COUNT, 1), dtype)
    Gaussian(0.5).draw(noise, np.random.default_rng(4))
    Gaussian(0.5).apply(X, noise)
    assert X.dtype == dtype
    assert abs(float(np.mean(X)) - 3) <= 5 * 0.5 / np.sqrt(COUNT)
    assert float(np.std(X)) == pytest.approx(0.5, rel=5 / np.sqrt(2 * COUNT))


def test_masked_inputs_are_0_or_enlarged() -> None:
    X, mask = np.array([[1.0, 2], [3, 4]]), np.array([[0, 1.25], [1.25, 0]])
    Masking(0.2).apply(X, mask)
    np.testing.assert_array_equal(X, [[0, 2.5], [3.75, 0]])


@pytest.mark.parametrize("name", INPUT_NOISES)
def test_what_is_drawn_for_several_steps_fills_every_one(name: str) -> None:
    noise: Array = np.full((3, 4, 5), np.nan)
    INPUT_NOISES[name]().draw(noise, np.random.default_rng(5))
    assert np.isfinite(noise).all()
    assert len(np.unique(noise.reshape(3, -1), axis=0)) == 3
