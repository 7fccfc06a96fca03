"""Decimals compute the functions of formulas to every digit asked for."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from bpcli.checking.decimals import Decimals, exact, precision, rounded
from bpcli.nn.expressions import FormulaError

REFERENCES = {
    r"\log": mpmath.log,
    r"\ln": mpmath.log,
    r"\exp": mpmath.exp,
    r"\log1p": mpmath.log1p,
    r"\sqrt": mpmath.sqrt,
    r"\tanh": mpmath.tanh,
    r"\arctan": mpmath.atan,
    r"\sin": mpmath.sin,
    r"\cos": mpmath.cos,
    r"\Phi": mpmath.ncdf,
    "|": abs,
}


@pytest.mark.parametrize("function", Decimals.FUNCTIONS)
@pytest.mark.parametrize("digits", [30, 200])
def test_a_function_has_its_digits(function: str, digits: int) -> None:
    points = np.array([1e-30, 0.017, 0.75, 3.0, 1234.5])
    points = points if function in (r"\log", r"\ln", r"\log1p", r"\sqrt") else np.append(points, -points)
    with precision(digits + 40), mpmath.workdps(digits + 60):
        for x, found in zip(points, Decimals().apply(function, exact(points)), strict=True):
            right = REFERENCES[function](mpmath.mpf(float(x)))
            assert abs(mpmath.mpf(str(found)) - right) <= abs(right) * mpmath.mpf(10) ** -digits


def test_a_float_has_an_exact_decimal() -> None:
    numbers = np.array([0.1, -1e308, 5e-324, np.float32(0.1)])
    assert np.array_equal(rounded(exact(numbers)), numbers)
    numerator, denominator = (0.1).as_integer_ratio()
    assert exact(np.array([0.1]))[0] * denominator == numerator


def test_exponents_have_no_bound_and_an_impossible_value_is_no_error() -> None:
    with precision(20):
        tiny = Decimals().apply(r"\exp", exact(np.array([-1e6])))
        assert tiny[0] > 0
        assert float(Decimals().apply(r"\log", tiny)[0]) == -1e6
        assert Decimals().apply(r"\log", exact(np.array([-1.0])))[0].is_nan()


def test_a_function_without_decimals_is_refused() -> None:
    with pytest.raises(FormulaError, match="not computed in decimals"):
        Decimals().apply(r"\gamma", exact(np.array([1.0])))
