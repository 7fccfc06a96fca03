"""Bounds contain what floats compute, in either precision and any order, and nothing that is wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from bpcli.checking.decimals import exact, precision
from bpcli.checking.updates.bounds import Bounded, bounded, exactly, precision_of
from bpcli.nn.expressions import Floats, FormulaError, Total, evaluate
from bpcli.nn.formulas import parse

N = 400

FORMULAS = [
    "x + y",
    "x - y + z",
    r"0.3 \cdot x \cdot y",
    r"\frac{x}{z}",
    "(x)^2",
    r"\sqrt{z}",
    r"\sqrt{(x - y)^2} + z",
    r"\frac{x / (1 - 0.9^{3})}{\sqrt{z / (1 - 0.999^{3})} + 0.00000001}",
    r"\tanh(x) + \exp(y)",
    r"\log(z)",
    "|x| - |y|",
    r"x \text{ where } x > y \text{, else } y",
    r"\frac{x}{\sqrt{\sum (y)^2}}",
]
"""Formulas in x and y of either sign and z, which is positive."""

every_formula = pytest.mark.parametrize("formula", FORMULAS)
every_precision = pytest.mark.parametrize("dtype", ["float64", "float32"])


def values(dtype: str) -> dict[str, Any]:
    """Entries of very different size, some of them 0 and some nearly equal."""
    rng = np.random.default_rng(9)
    x, y = (rng.normal(0, 1, N) * 10.0 ** rng.uniform(-6, 1, N) for _ in range(2))
    x[:20] = 0
    y[10:30] = 0
    y[30:60] = x[30:60] * (1 + 1e-6)
    z = np.abs(rng.normal(0, 1, N)) * 10.0 ** rng.uniform(-6, 1, N)
    return {name: array.astype(dtype) for name, array in (("x", x), ("y", y), ("z", z))}


def compared(formula: str, dtype: str) -> tuple[Any, Bounded]:
    """What floats compute, and the decimals with their bounds."""
    given, expression = values(dtype), parse(formula)
    found = evaluate(expression, given, Floats())
    assert found.dtype == dtype
    with precision(50), np.errstate(all="ignore"):
        right = bounded(expression, {name: exactly(array) for name, array in given.items()}, precision_of(dtype))
    return found, right


def distance(found: Any, right: Bounded) -> Any:
    return np.abs(np.asarray(exact(found) - right.value, np.float64))


@every_formula
@every_precision
def test_what_floats_compute_lies_within_the_bound(formula: str, dtype: str) -> None:
    found, right = compared(formula, dtype)
    last_digits = 1e-45 * np.abs(found)
    assert (distance(found, right) <= np.broadcast_to(right.error, found.shape) + last_digits).all()


@every_formula
@every_precision
def test_the_bound_is_some_roundings_of_the_largest_values(formula: str, dtype: str) -> None:
    found, right = compared(formula, dtype)
    largest = max(float(np.abs(array).max()) for array in (found, *values(dtype).values()))
    assert np.median(right.error) <= 1e3 * np.finfo(dtype).eps * largest


@every_formula
def test_a_thousandth_more_lies_outside(formula: str) -> None:
    found, right = compared(formula, "float32")
    wrong = np.abs(found) > 1e-2 * np.abs(found).max()
    assert wrong.any()
    error = np.broadcast_to(right.error, found.shape)
    assert (distance(found * np.float32(1.001), right) > error)[wrong].mean() > 0.9


def test_exact_zeros_have_no_bound() -> None:
    given = {"x": exactly(np.zeros(3)), "y": exactly(np.array([1.0, -2.0, 0.1]))}
    with precision(50):
        for formula in ("x y", r"\frac{x}{y}", "y - x", r"\frac{x y}{y + 1}"):
            assert not np.any(bounded(parse(formula), given, precision_of("float32")).error)


def test_a_division_by_what_may_be_0_has_no_bound() -> None:
    given = {"x": Bounded(Decimal(1)), "y": Bounded(Decimal("1e-9"), 1e-8)}
    with precision(50):
        assert np.isinf(bounded(parse(r"\frac{x}{y}"), given, precision_of("float64")).error)


def test_where_rounding_may_choose_either_case_both_are_within_the_bound() -> None:
    given = {"x": Bounded(np.array([Decimal(1), Decimal(3)]), np.full(2, 0.1)), "y": exactly(np.array([1.05, 1.05]))}
    with precision(50):
        found = bounded(parse(r"5 \text{ where } x > y \text{, else } 7"), given, precision_of("float64"))
    np.testing.assert_array_equal(np.asarray(found.value, float), [7, 5])
    np.testing.assert_array_equal(found.error, [2, 0])


def test_a_number_among_entries_of_less_precision_is_converted() -> None:
    x = np.nextafter(np.float32(0.05), np.array([0, 0.05, 1], np.float32))
    clipped = np.minimum(x, 0.05)
    with precision(50):
        given = {"x": exactly(x), "c": Bounded(Decimal("0.05"))}
        right = bounded(parse(r"c \text{ where } x > c \text{, else } x"), given, precision_of("float32"))
    assert (distance(clipped, right) <= right.error).all()
    assert (np.asarray(right.error) <= 2 * np.spacing(x)).all()


def test_what_is_no_expression_is_refused() -> None:
    thing: Any = object()
    with pytest.raises(FormulaError, match="object is not computed in decimals"):
        bounded(Total(thing), {}, precision_of("float64"))
