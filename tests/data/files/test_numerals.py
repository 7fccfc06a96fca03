"""Numbers as files write them: correctly rounded, and nothing else taken for one."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.data.files.byte_source import source_of_bytes
from bpcli.data.files.cells import as_numbers
from bpcli.data.files.dataset import Format
from bpcli.data.files.numerals import PLAIN, Numerals, numerals
from bpcli.data.files.sheet import examine
from bpcli.nn import Array

WAYS = [(".", None), (",", None), (",", "."), (".", ","), (".", "'"), (",", " "), (".", " ")]


def written(number: float, decimal: str, thousands: str | None) -> str:
    """A number in a way of writing, by Python's own grouping."""
    whole, point, fraction = f"{number:_.17f}".partition(".")
    return whole.replace("_", thousands or "") + point.replace(".", decimal) + fraction


@pytest.mark.parametrize(("decimal", "thousands"), WAYS)
def test_numbers_are_read_correctly_rounded_in_every_way_of_writing(decimal: str, thousands: str | None) -> None:
    rng = np.random.default_rng(0)
    way = numerals(decimal, thousands)
    for number in (rng.normal(size=300) * 10.0 ** rng.integers(-3, 9, 300)).tolist():
        text = written(number, decimal, thousands)
        assert way.is_number(text)
        assert way.value(text) == float(f"{number:.17f}")


@pytest.mark.parametrize(
    ("way", "numbers", "others"),
    [
        (PLAIN, {"1.5": 1.5, " -2e3 ": -2000.0, ".5": 0.5, "1.": 1.0}, ["1,5", "1,234", "", ".", "1e", "0x1", "1_0"]),
        (
            Numerals(","),
            {"1,5": 1.5, "-,5": -0.5, "2,": 2.0, "3": 3.0, "1,5e2": 150.0},
            ["1.5", "1,5,5", "1.234,5", ",", "1 234"],
        ),
        (
            Numerals(".", ","),
            {"1,234": 1234.0, "12,345,678.5": 12345678.5, "1234": 1234.0, "-1,000": -1000.0},
            ["1,23", "1,2345", ",123", "1234,567", "1,,234", "1,234,5", "1.5,000"],
        ),
        (
            Numerals(",", "."),
            {"1.234,5": 1234.5, "1.234": 1234.0, "1.234.567": 1234567.0, "7,25": 7.25},
            ["1.5", "12.34", "01.02.2020", "1,234.5"],
        ),
        (Numerals(".", "'"), {"1'234.5": 1234.5, "12": 12.0}, ["1'23", "'123"]),
        (Numerals(",", " "), {"1 234,5": 1234.5, "1\u202f234": 1234.0, "1\u00a0234": 1234.0}, ["1 23", "1 2 3"]),
    ],
)
def test_groups_are_of_three_digits_and_one_mark_decides(
    way: Numerals, numbers: dict[str, float], others: list[str]
) -> None:
    assert {text: way.value(text) for text in numbers if way.is_number(text)} == numbers
    assert [text for text in others if way.is_number(text)] == []


def test_infinite_numbers_look_like_numbers_in_every_way_of_writing() -> None:
    for decimal, thousands in WAYS:
        way = numerals(decimal, thousands)
        assert way.looks_like_number(" -Infinity ")
        assert np.isinf(way.value(" -Infinity "))


def test_a_column_is_numbers_only_if_every_cell_is() -> None:
    cells: Array = np.array(["1,5", None, "2"], object)

    assert as_numbers(cells, PLAIN) is None
    np.testing.assert_array_equal(as_numbers(cells, Numerals(",")), [1.5, np.nan, 2])


@pytest.mark.parametrize(
    ("start", "decimal", "delimiter"),
    [
        ("a,b\n", ".", ","),
        ("a\tb,c\n", ",", "\t"),
        ("a;b\n", ".", ";"),
        ("a;b\n", ",", ";"),
        ("a,b;c\n", ".", ","),
        ("a,b;c\n", ",", ";"),
        ("a,b\n", ",", ","),
        ("1,5;2,5\n", ",", ";"),
        ("a\n", ".", ","),
    ],
)
def test_a_semicolon_delimits_where_nothing_else_does_and_a_decimal_comma_last(
    start: str, decimal: str, delimiter: str
) -> None:
    sheet = examine(source_of_bytes((start * 2).encode(), "t.csv"), Format(header=False, decimal=decimal))

    assert sheet.delimiter == delimiter
