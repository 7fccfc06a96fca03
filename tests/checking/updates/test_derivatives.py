"""The derivative of an expression is an expression with the values of the chain rule."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.checking.updates.derivatives import ZERO, derivative
from bpcli.nn.expressions import Floats, FormulaError, evaluate, pull_back
from bpcli.nn.formulas import parse

FORMULAS = [
    r"\frac{1}{2} \cdot <strength> \cdot (w)^2",
    r"<strength> \cdot |w|",
    r"\sqrt{1 + (w)^2} - w / (2 + w)",
    r"e^{-w} \log (1 + e^{w}) + \tanh w",
    r"w \cdot \Phi(w)",
    r"(w)^3 \text{ where } w > 0 \text{, else } -2 w",
    "w <strength> - w",
]
VALUES = {"w": np.array([0.3, -1.2, 2.0, -0.1]), "strength": 0.7}


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_derivative_has_the_values_of_the_chain_rule(formula: str) -> None:
    expression = parse(formula)
    value, back = pull_back(expression, VALUES, Floats())
    expected = back(np.ones_like(value))["w"]
    found = np.broadcast_to(evaluate(derivative(expression, "w"), VALUES, Floats()), expected.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert np.abs(expected).max() > 0


def test_what_does_not_contain_the_symbol_has_the_derivative_0() -> None:
    assert derivative(parse(r"<strength> \cdot 3 + \log x"), "w") == ZERO


def test_a_sum_over_units_has_no_derivative_here() -> None:
    with pytest.raises(FormulaError, match="no derivative"):
        derivative(parse(r"\sum w"), "w")
