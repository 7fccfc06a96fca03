"""CSV and JSON that read back as they were, in the same bytes for equal values."""

from __future__ import annotations

import csv
import io
import json

from bpcli.storage.text import to_csv, to_json


def test_csv_reads_back_exactly_whatever_its_cells_hold() -> None:
    cells = ["a,b", 'q"uote', "line\nbreak", "carriage\rreturn", "both\r\n", "\r", "", " x ", "'", "ß\u2028\x1b"]
    text = to_csv([cells, cells[::-1]])
    assert list(csv.reader(io.StringIO(text, newline=""))) == [cells, cells[::-1]]
    assert to_csv([["a", 1, 0.1, None], ["b", 2, 1e-7, ""]]) == "a,1,0.1,\nb,2,1e-07,\n"


def test_equal_values_give_equal_json() -> None:
    one, other = {"b": [1, {"d": 0.1, "c": None}], "a": "ß"}, {"a": "ß", "b": [1, {"c": None, "d": 0.1}]}
    assert to_json(one) == to_json(other) == '{"a": "ß", "b": [1, {"c": null, "d": 0.1}]}'


def test_numbers_that_are_not_finite_become_null_in_json() -> None:
    value = {"a": float("nan"), "b": [1.0, float("inf")], "c": {"d": (-float("inf"), 2)}, "e": True, "f": "nan"}
    assert json.loads(to_json(value)) == {
        "a": None,
        "b": [1.0, None],
        "c": {"d": [None, 2]},
        "e": True,
        "f": "nan",
    }
