"""Formulas with names, and numbers in markup."""

from __future__ import annotations

import pytest

from bpcli.nn.activations import LeakyRelu, Sigmoid
from bpcli.nn.markup import decimal, filled, scientific


def test_names_become_symbols_and_settings() -> None:
    found = filled(r"<slope> \cdot <z>", LeakyRelu(0.25), z="z_{<l>}")
    assert found == r"0.25 \cdot z_{<l>}"


def test_a_symbol_comes_before_a_setting_and_may_be_empty() -> None:
    assert filled("<slope><z>", LeakyRelu(), slope="", z="z") == "z"


def test_a_name_that_is_neither_symbol_nor_setting_is_an_error() -> None:
    with pytest.raises(AttributeError, match="height"):
        filled("<height>", Sigmoid())


@pytest.mark.parametrize(
    ("value", "markup"),
    [(1, "1"), (0.01, "0.01"), (0.0, "0"), (1 / 3, "0.3333333333333333"), (1e-5, r"1 \cdot 10^{-5}")],
)
def test_a_setting_is_written_with_every_digit(value: float, markup: str) -> None:
    assert decimal(value) == markup


@pytest.mark.parametrize(
    ("figure", "markup"), [("2.5e-07", r"2.5 \cdot 10^{-7}"), ("1e+20", r"1 \cdot 10^{20}"), ("0.5", "0.5")]
)
def test_a_number_in_powers_of_ten_is_a_product(figure: str, markup: str) -> None:
    assert scientific(figure) == markup
