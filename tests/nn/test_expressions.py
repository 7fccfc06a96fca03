"""Formulas in markup are parsed, evaluated and differentiated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpcli.nn.expressions import Floats, FormulaError, Function, Symbol, evaluate, pull_back, symbol_names
from bpcli.nn.formulas import parse
from bpcli.nn.markup import closing_brace

VALUES: dict[str, Any] = {
    "x": np.array([[0.3, -1.2, 2.0], [0.7, 0.0, -0.4]]),
    "y": np.array([[1.5, 0.25, -2.0], [0.5, 3.0, 1.0]]),
    "w": np.array([[0.5, 2.0, -1.0]]),
    "c": 1.75,
}

FORMULAS: dict[str, Any] = {
    "x y - c x / y": lambda x, y, w, c: x * y - c * x / y,
    r"-x + \frac{1}{2} (x - y)^2": lambda x, y, w, c: -x + 0.5 * (x - y) ** 2,
    r"\frac{e^{x}}{\sum e^{x}}": lambda x, y, w, c: np.exp(x) / np.exp(x).sum(axis=0),
    r"w \odot x + w": lambda x, y, w, c: w * x + w,
    r"\sum x y": lambda x, y, w, c: (x * y).sum(axis=0, keepdims=True),
    r"\log (1 + e^{x}) + \sqrt{1 + (x)^2}": lambda x, y, w, c: np.log(1 + np.exp(x)) + np.sqrt(1 + x**2),
    r"\tanh x + \arctan y": lambda x, y, w, c: np.tanh(x) + np.arctan(y),
    r"x \text{ where } x > y \text{, else } c \cdot y": lambda x, y, w, c: np.where(x.real > y.real, x, c * y),
    r"2 \left[ x + c \right] y": lambda x, y, w, c: 2 * (x + c) * y,
    r"c \cdot 10^{-2} x": lambda x, y, w, c: c * 1e-2 * x,
    r"2^{x} c^{y}": lambda x, y, w, c: 2**x * c**y,
    r"\sin x + c \cos (\pi y)": lambda x, y, w, c: np.sin(x) + c * np.cos(np.pi * y),
    r"\sum_{j \neq i} x y": lambda x, y, w, c: (x * y)[::-1],
    r"x \text{ where } c > 1 \text{, else } y": lambda x, y, w, c: np.where(np.real(c) > 1, x, y),
    r"x y \text{ where } \sum x > 1 \text{, else } c": lambda x, y, w, c: np.where(
        x.real.sum(axis=0) > 1, x * y, c + 0 * x
    ),
}


def at(values: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(values[name] for name in "xywc")


@pytest.mark.parametrize("markup", FORMULAS)
def test_a_formula_has_its_value(markup: str) -> None:
    np.testing.assert_allclose(evaluate(parse(markup), VALUES, Floats()), FORMULAS[markup](*at(VALUES)), rtol=1e-14)


@pytest.mark.parametrize("markup", FORMULAS)
def test_pulling_back_gives_every_symbols_derivative(markup: str) -> None:
    value, back = pull_back(parse(markup), VALUES, Floats())
    adjoint = np.random.default_rng(1).normal(size=value.shape)
    slopes, h = back(adjoint), 1e-30
    assert slopes.keys() <= symbol_names(parse(markup))
    for name in symbol_names(parse(markup)):
        slopes.setdefault(name, np.zeros(np.shape(VALUES[name])))
        assert np.shape(slopes[name]) == np.shape(VALUES[name])
        for place in np.ndindex(np.shape(VALUES[name])):
            moved = np.array(VALUES[name], complex)
            moved[place] += 1j * h
            stepped = FORMULAS[markup](*at(VALUES | {name: moved})).imag / h
            assert np.asarray(slopes[name])[place] == pytest.approx((adjoint * stepped).sum(), rel=1e-12, abs=1e-13)


def test_zero_times_a_logarithm_of_zero_is_zero_and_has_no_slope() -> None:
    values = {"y": np.array([[0.0, 1.0]]), "a": np.array([[0.0, 0.5]])}
    with np.errstate(divide="ignore"):
        value, back = pull_back(parse(r"y \log a"), values, Floats())
        assert value.tolist() == [[0.0, np.log(0.5)]]
        assert back(np.ones((1, 2)))["a"].tolist() == [[0.0, 2.0]]


def test_a_case_is_computed_only_where_it_holds() -> None:
    values = {"z": np.array([[-1.0, 0.0, 4.0]])}
    value, back = pull_back(parse(r"\sqrt{z} \text{ where } z > 0 \text{, else } 3 z"), values, Floats())
    assert value.tolist() == [[-3.0, 0.0, 2.0]]
    assert back(np.ones((1, 3)))["z"].tolist() == [[3.0, 3.0, 0.25]]


def test_a_name_in_brackets_is_a_symbol_and_so_is_a_letter_with_an_index() -> None:
    assert parse("<slope>") == Symbol("slope")
    assert parse(r"\beta_1") == Symbol(r"\beta_1")
    assert parse("e^{z}") == Function(r"\exp", Symbol("z"))


@pytest.mark.parametrize("markup", ["a + ", "(a", r"\frac{a}", "a) + 1", r"\left( a \right]", "+"])
def test_markup_that_is_no_formula_is_refused(markup: str) -> None:
    with pytest.raises(FormulaError):
        parse(markup)


def test_a_symbol_without_a_value_is_refused() -> None:
    with pytest.raises(FormulaError, match="b has no value"):
        evaluate(parse("a b"), {"a": 1.0}, Floats())


def test_a_condition_on_numbers_alone_gives_a_number() -> None:
    warm_up = parse(r"<rate> <update> / <steps> \text{ where } <steps> > <update> \text{, else } <rate>")
    values = {"rate": 0.5, "steps": 4.0}
    assert [evaluate(warm_up, {**values, "update": u}, Floats()) for u in (0.0, 2.0, 4.0, 9.0)] == [0, 0.25, 0.5, 0.5]


def test_to_the_power_of_1_a_base_of_0_has_the_slope_1() -> None:
    _, back = pull_back(parse("(w)^{<p>}"), {"w": np.array([0.0, 2.0]), "p": 1.0}, Floats())
    assert back(np.ones(2))["w"].tolist() == [1, 1]


def test_a_group_ends_at_the_brace_that_closes_it_and_one_without_is_refused() -> None:
    assert closing_brace("e^{a_{1} + {b}} c", 3) == 14
    with pytest.raises(ValueError, match="a brace is not closed"):
        closing_brace("e^{a_{1}", 3)
