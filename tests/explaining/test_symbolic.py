"""Derivatives as a reader sees them: shortened without another value, and written so that they read back the same."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.checking.updates.derivatives import derivative
from bpcli.explaining.documents.sums import replace_sums, sums_of, with_bounds
from bpcli.explaining.rendering.unicode import math
from bpcli.explaining.symbolic import markup, shortened, with_settings
from bpcli.nn.expressions import Expression, Floats, evaluate, symbol_names
from bpcli.nn.formulas import parse
from bpcli.nn.losses import LOSSES, in_symbols
from bpcli.nn.markup import filled
from tests.nn import support

SLOPES = {
    r"\frac{1}{1 + e^{-z}}": "e⁻ᶻ/((1 + e⁻ᶻ)²)",
    r"z \text{ where } z > 0 \text{, else } 0.01 \cdot z": "1 where z > 0, else 0.01",
    r"\frac{1}{2} (z - 3)^2": "z - 3",
    r"5 (z)^3": "15 · (z)²",
    r"\ln (1 + e^{z})": "eᶻ/(1 + eᶻ)",
    r"2 \cdot |z|": "2 · (1 where z > 0, else -1 where 0 > z, else 0)",
    r"z \cdot \Phi(z)": "Φ (z) + (z · e^{-0.5 · (z)²})/(√(2 · π))",
    r"\frac{z}{3} + 7": "1/3",
    r"-\frac{2}{z}": "2/((z)²)",
}
"""By formula: its derivative, as text."""


def same(left: Expression, right: Expression) -> None:
    rng = np.random.default_rng(3)
    names = sorted(symbol_names(left) | symbol_names(right))
    values = {name: rng.uniform(0.2, 0.8, 7) * rng.choice((1, -1 if name in "zw" else 1), 7) for name in names}
    found, expected = (evaluate(one, values, Floats()) for one in (left, right))
    np.testing.assert_allclose(found + np.zeros(7), expected + np.zeros(7), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("formula", SLOPES)
def test_a_derivative_is_written_as_by_hand(formula: str) -> None:
    assert math(markup(shortened(derivative(parse(formula), "z")), {"z": "z"})) == SLOPES[formula]


def formulas() -> list[str]:
    """Those of all choices whose units and outputs stand alone."""
    alone = [one for one in support.activations().values() if one.elementwise and not one.owned]
    losses = [support.loss(name) for name in LOSSES]
    return [
        *(filled(one.formula, one, z="z") for one in alone),
        *(in_symbols(one.term, one, 3, y="y", a="a") for one in losses),
    ]


def test_shortening_and_writing_leave_the_value() -> None:
    for formula in formulas():
        name = "z" if "z" in formula else "a"
        slope = derivative(parse(formula), name)
        short = shortened(slope)
        same(short, slope)
        symbols = {one: one for one in symbol_names(short)}
        same(parse(markup(short, symbols)), slope)
        arrays = markup(short, symbols, arrays=True)
        same(parse(arrays), slope)


def test_settings_become_numbers() -> None:
    expression = with_settings(r"\frac{1}{2} \cdot <strength> \cdot (<w>)^2", {"strength": 0.25})
    assert markup(shortened(derivative(expression, "w")), {"w": "W"}) == r"0.25 \cdot W"


def test_a_sum_without_bounds_adds_the_product_after_it() -> None:
    softmax = r"\frac{e^{<z>}}{\sum e^{<z>}}"
    bounded = with_bounds(softmax, "_{k=1}^{n}", lambda one: one.replace("<z>", "z_k"))
    assert bounded == r"\frac{e^{<z>}}{\sum_{k=1}^{n} e^{z_k}}"
    norm = r"\frac{2}{\sqrt{\sum (<g>)^2}} <g> \text{ where } \sqrt{\sum (<g>)^2} > 2 \text{, else } <g>"
    assert sums_of(norm) == ["(<g>)^2"]
    assert (
        replace_sums(norm, {"(<g>)^2": "S"}) == r"\frac{2}{\sqrt{S}} <g> \text{ where } \sqrt{S} > 2 \text{, else } <g>"
    )
    assert sums_of(r"\sum_{j=1}^{n} a + \sum b \cdot c - d") == [r"b \cdot c"]
