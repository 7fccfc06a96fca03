"""e^x and tanh x of float32, over all its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from numba import njit

from bpcli.nn import Array
from bpcli.training.compiled.elementary import LARGEST, LEAST, SMALL, exp_of_single, tanh_of_single

STRIDE = 99_991
"""Some 43,000 of the 2³² bit patterns: a prime, so that no bit is left out."""


@njit(error_model="numpy", fastmath={"nsz", "contract"})
def each(x, exponentials, tangents):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        exponentials[i] = exp_of_single(x[i])
        tangents[i] = tanh_of_single(x[i])


def both(x: Array) -> tuple[Array, Array]:
    found = np.empty_like(x), np.empty_like(x)
    each(x, *found)
    return found


def off(found: Array, exact: Array) -> float:
    """The largest error in units in the last place."""
    exact = exact.astype(np.float64)
    return float((np.abs(found - exact) / np.spacing(np.abs(exact).astype(np.float32))).max())


def test_they_are_right_to_half_a_unit_in_the_last_place() -> None:
    patterns = np.arange(0, 2**32, STRIDE).astype(np.uint32)
    edges = np.array([LEAST, LARGEST, SMALL, -SMALL, 88.7228, 88.7229, -103.97, -87.34], np.float32)
    near = np.concatenate([np.nextafter(edges, np.float32(end), dtype=np.float32) for end in (-200, 200)])
    x = np.concatenate([patterns.view(np.float32), edges, near, np.linspace(-104, 89, 20_001, dtype=np.float32)])
    with np.errstate(all="ignore"):
        wide: Any = x.astype(np.float64)
        expected = np.exp(wide), np.tanh(wide)
        nearest = [exact.astype(np.float32) for exact in expected]
    for found, exact, rounded in zip(both(x), expected, nearest, strict=True):
        np.testing.assert_array_equal(np.isnan(found), np.isnan(exact))
        np.testing.assert_array_equal(np.isinf(found), np.isinf(rounded))
        usual = np.isfinite(rounded) & (np.abs(rounded) >= np.finfo(np.float32).tiny)
        assert off(found[usual], exact[usual]) < 0.501
        np.testing.assert_allclose(found[~usual], rounded[~usual], rtol=0, atol=1.5e-45)


def test_signs_of_nothing_and_what_is_not_finite() -> None:
    exponentials, tangents = both(np.array([0.0, -0.0, np.inf, -np.inf, np.nan], np.float32))
    np.testing.assert_array_equal(exponentials, np.array([1, 1, np.inf, 0, np.nan], np.float32))
    np.testing.assert_array_equal(tangents, np.array([0, 0, 1, -1, np.nan], np.float32))
    assert np.signbit(tangents[:2]).tolist() == [False, True]
