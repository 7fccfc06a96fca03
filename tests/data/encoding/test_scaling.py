"""Scaling: what each kind makes of the training values, and what it makes of others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bpcli.data.encoding.scaling import SCALINGS, Scaling, in_precision, learn_scaling
from bpcli.errors import DataError
from bpcli.nn import Array

from ..support import SCALES, deterministic, refusal, summarised

every_scale = pytest.mark.parametrize("scale", SCALES)

tables = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(1, 3)),
    elements=st.floats(-1e6, 1e6).map(lambda x: round(x, 3)),
)


def learned(scale: str, values: Array) -> Scaling:
    return learn_scaling(scale, summarised(values), [str(i) for i in range(values.shape[1])], "f")


def test_every_scale_is_listed() -> None:
    assert tuple(SCALINGS) == SCALES


@every_scale
@deterministic
@given(values=tables)
def test_undoing_a_scaling_gives_the_values_back(scale: str, values: Array) -> None:
    scaling = learned(scale, values)

    np.testing.assert_allclose(scaling.undo(scaling.apply(values)), values, rtol=1e-9, atol=1e-9)


@deterministic
@given(values=tables)
def test_standard_gives_mean_0_and_deviation_1_and_constant_columns_0(values: Array) -> None:
    scaled = learned("standard", values).apply(values)
    constant = (values == values[0]).all(axis=0)

    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(axis=0), np.where(constant, 0, 1), rtol=1e-6)
    assert (scaled[:, constant] == 0).all()


@deterministic
@given(values=tables)
def test_minmax_gives_0_to_1_and_constant_columns_0(values: Array) -> None:
    scaled = learned("minmax", values).apply(values)
    constant = (values == values[0]).all(axis=0)

    np.testing.assert_array_equal(scaled.min(axis=0), 0)
    np.testing.assert_allclose(scaled.max(axis=0), np.where(constant, 0, 1))


@deterministic
@given(values=tables)
def test_none_leaves_values_alone(values: Array) -> None:
    np.testing.assert_array_equal(learned("none", values).apply(values), values)


def test_scaled_by_hand() -> None:
    values = np.array([[1.0, 7], [2, 7], [6, 7]])
    others = np.array([[-2.0, 9], [11, 7]])

    np.testing.assert_allclose(
        learned("standard", values).apply(others), [[-5 / np.sqrt(14 / 3), 0], [8 / np.sqrt(14 / 3), 0]]
    )
    np.testing.assert_allclose(learned("minmax", values).apply(others), [[-0.6, 0.0], [2.0, 0.0]])


@pytest.mark.parametrize("scale", ["standard", "minmax"])
def test_column_of_equal_numbers_is_constant_however_its_mean_is_rounded(scale: str) -> None:
    values = np.full((10, 1), 0.1)

    np.testing.assert_array_equal(learned(scale, values).apply(values), 0)


@pytest.mark.parametrize(
    ("scale", "low", "high", "shown"),
    [
        ("standard", -1e308, 1e308, "-1e+308 to 1e+308"),
        ("minmax", -1e308, 1e308, "-1e+308 to 1e+308"),
        ("minmax", 0.0, 5e-324, "0 to 4.94066e-324"),
        ("standard", -1e-170, 1e-170, "-1e-170 to 1e-170"),
    ],
)
def test_column_that_no_width_of_float64_fits_is_refused(scale: str, low: float, high: float, shown: str) -> None:
    values = np.array([[1, low], [2, high], [3, high]])

    assert refusal(lambda: learn_scaling(scale, summarised(values), ["a", "b"], "t.csv"), DataError) == (
        f"error: t.csv: column 'b' runs from {shown}, which can't be scaled\nhint: correct its numbers, or leave it out"
    )


def test_number_out_of_the_range_of_the_precision_is_refused_with_its_place() -> None:
    values = np.array([[1.0, 2], [3, 1e39], [4, np.nan]])

    assert in_precision(values, np.dtype("float64"), ["a", "b"], str) is not values
    assert refusal(
        lambda: in_precision(values, np.dtype("float32"), ["a", "b"], lambda row: f"t.csv:{row + 2}"), DataError
    ) == (
        "error: t.csv:3: column 'b', scaled, is 1e+39, out of the range of float32\n"
        "hint: correct the number, or choose another scale or dtype: float64"
    )
