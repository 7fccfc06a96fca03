"""Clippings: what is too long is shortened, everything else keeps its bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.clipping import CLIPPINGS, ByNorm, ByValue
from bpcli.nn.parameters import Layout, Parameters
from bpcli.nn.transformations import Transformation

LAYOUT = Layout((2, 1))


def clipped(clipping: Transformation, entries: list[float], dtype: Any = np.float64) -> Array:
    """An entry of W, another, and one of b after the clipping."""
    parameters, gradient = (Parameters(LAYOUT, np.array(values, dtype)) for values in ([1, 2, 3], entries))
    spare = Parameters(LAYOUT, np.full(3, np.nan, dtype))
    with np.errstate(all="raise"):
        assert clipping.apply(parameters, gradient, spare, 7) == 0
    return gradient.theta


def test_a_gradient_longer_than_the_norm_is_brought_to_it() -> None:
    np.testing.assert_allclose(clipped(ByNorm(1.5), [2, -1, 2]), [1, -0.5, 1], rtol=1e-15)


@pytest.mark.parametrize("entries", [[2.0, -1.0, 2.0], [0.1, 0.2, -0.3], [0.0, 0.0, 0.0]])
def test_a_gradient_that_is_short_enough_keeps_its_bits(entries: list[float]) -> None:
    np.testing.assert_array_equal(clipped(ByNorm(3.0), entries), entries)


def test_entries_are_cut_at_the_value_and_no_others_change() -> None:
    np.testing.assert_array_equal(clipped(ByValue(0.25), [0.5, -0.125, -9]), [0.25, -0.125, -0.25])
    np.testing.assert_array_equal(clipped(ByValue(0.25), [0, 0.25, -0.25]), [0, 0.25, -0.25])


@pytest.mark.parametrize("name", CLIPPINGS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gradient_of_zeros_stays_one(name: str, dtype: str) -> None:
    found = clipped(CLIPPINGS[name](1e-3), [0, 0, 0], dtype)  # type: ignore[call-arg]
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, [0, 0, 0])
