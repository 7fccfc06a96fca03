"""Expectations: read strictly, and met or not by final metrics."""

from __future__ import annotations

from math import inf, nan

import pytest

from bpcli.training.expectations import COMPARISONS, parse_expectation, shortfalls


@pytest.mark.parametrize("comparison", COMPARISONS)
def test_each_comparison_holds_as_its_sign_says(comparison: str) -> None:
    one = parse_expectation(f"val_loss{comparison}0.5")
    for value in (0.4, 0.5, 0.6, inf, -inf):
        assert one.result({"val_loss": value})["met"] is eval(f"{value} {comparison} 0.5", {"inf": inf})
    for final in ({"val_loss": nan}, {}):
        assert one.result(final)["met"] is False


def test_numbers_are_read_in_every_usual_form() -> None:
    for text, bound in (("-1", -1.0), ("+.5", 0.5), ("1.", 1.0), ("1e-3", 1e-3), ("2.5E+2", 250.0)):
        assert parse_expectation(f"  r2  >=  {text} ").bound == bound


@pytest.mark.parametrize(
    "text",
    ["", "loss", "loss 1", "loss == 1", "loss = 1", "1 > loss", "loss > x", "loss > nan", "loss > 1 %", "a b > 1"],
)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="METRIC >= NUMBER"):
        parse_expectation(text)


def test_what_fell_short_is_named_with_both_numbers() -> None:
    results = [parse_expectation(text).result({"loss": 0.1 + 0.2}) for text in ("loss > 0", "loss<0.3", "r2 > 0")]
    assert shortfalls(results) == [
        "expected loss<0.3, but it is 0.30000000000000004",
        "expected r2 > 0, but it is nan",
    ]
