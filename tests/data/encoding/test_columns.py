"""Kinds of columns: declared or recognised, learned, saved, and what does not fit them."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.data.encoding import columns
from bpcli.data.encoding.category_columns import Category
from bpcli.data.encoding.columns import COLUMN_KINDS, Drop
from bpcli.data.encoding.features import TableFeatures, features_from_json
from bpcli.data.encoding.number_columns import Number
from bpcli.data.files import pandas_reader, tables
from bpcli.data.files.dataset import Format
from bpcli.data.files.reading import FilePair
from bpcli.data.loading import Loaded, load_with_encoding
from bpcli.errors import ConfigError
from bpcli.storage.strict_json import Saved

from ..support import csv, features, loaded, npy, refusal, write

COLUMNS = {
    "zip": ["01234", "1234", "1234", "01234"],
    "size": ["3", "1", "", "7"],
    "day": ["2024-01-01", "2024-01-05", "2024-02-01", ""],
    "word": ["b", "a", "b", "b"],
    "y": ["p", "q", "p", "q"],
}
"""A table with a column of each kind; y is the target."""


def read(folder: Path, columns: dict[str, list[str]] | None = None, **wanted: Any) -> Loaded:
    return loaded(write(folder, "t.csv", csv(columns or COLUMNS)), scale="none", **wanted)


def test_kinds_are_recognised_by_the_training_cells(tmp_path: Path) -> None:
    of = read(tmp_path)

    assert isinstance(of.features, TableFeatures)
    assert [encoder.kind for encoder in of.features.encoders] == ["number", "number", "date", "category"]
    assert of.features.summary == (
        "4 columns became 6 inputs: 2 numbers, 2 parts of 1 date column, 2 indicators of 1 category column"
    )


def test_declared_category_keeps_numbers_to_the_letter(tmp_path: Path) -> None:
    of = read(tmp_path, types={"zip": Category()})

    #                                    01234, 1234
    assert features(of)[:, :2].tolist() == [[1, 0], [0, 1], [0, 1], [1, 0]]
    later = write(tmp_path, "later.csv", csv({**COLUMNS, "zip": ["01234", "1234", "x", ""]}))
    part, warnings = load_with_encoding(FilePair(later), Format(), of.features, of.targets, np.dtype("f8"))
    out = np.empty((of.features.size, 4), order="F")
    part.features.gather(np.arange(4), out)
    assert out[:2].T.tolist() == [[1, 0], [0, 1], [0, 0], [0, 0]]
    assert warnings.unseen == {"zip": 1}


def test_kinds_are_the_same_in_large_tables_and_in_files_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = {"zip": Category(), "size": Number()}
    other = write(
        tmp_path, "other.csv", csv({**COLUMNS, "size": ["9", "x", "", "1"], "day": ["", "x", "2024-01-05", ""]})
    )
    small = read(tmp_path, validation=other, types=kinds)
    monkeypatch.setattr(tables, "SMALL", 0)
    monkeypatch.setattr(pandas_reader, "CHUNK", 1)
    monkeypatch.setattr(pandas_reader, "LEAST", 2)
    large = read(tmp_path, validation=other, types=kinds)

    assert large.features == small.features
    assert large.warnings.lines() == small.warnings.lines()
    for part in ("train", "validation"):
        np.testing.assert_array_equal(features(large, part), features(small, part))
    #                                                           9, what is no number, missing, 1
    assert features(large, "validation")[:, 2].tolist() == [9, 3, 3, 1]


@pytest.mark.parametrize("left_out", [{"drop": ["zip", "day"]}, {"types": {"zip": Drop(), "day": Drop()}}])
def test_dropped_columns_are_no_features(left_out: dict[str, Any], tmp_path: Path) -> None:
    assert read(tmp_path, **left_out).feature_names == ["size", "word"]


def test_declared_numbers_take_a_few_slips_for_missing_and_refuse_more(tmp_path: Path) -> None:
    few = {"n": [*map(str, range(19)), "x"], "y": [*"ab"] * 10}
    assert features(read(tmp_path, few, types={"n": Number()}))[19, 0] == 9
    assert len(read(tmp_path, few, types={"n": Number()}).warnings.strays) == 1

    with_more = partial(read, tmp_path, {**few, "n": [*map(str, range(16)), *"xyxy"]}, types={"n": Number()})
    assert refusal(with_more, ConfigError) == (
        "error: column 'n' is to hold numbers, but holds 'x' at t.csv:18 (4 of 20 cells)\n"
        "hint: leave data.types out for it, or say category"
    )


def test_what_data_types_cannot_say_is_refused(tmp_path: Path) -> None:
    assert refusal(partial(read, tmp_path, types={"y": Category()}), ConfigError) == (
        "error: column 'y' is the target, which data.types does not speak of\n"
        "hint: data.task: classification or regression says what targets are"
    )
    assert refusal(partial(read, tmp_path, types={"wrod": Category()}), ConfigError).endswith(
        "t.csv has no column 'wrod'\nhint: did you mean 'word'? (its columns are zip, size, day, word, y)"
    )
    array = write(tmp_path, "t.npy", npy(np.arange(12.0).reshape(4, 3)))
    kept = loaded(array, "half_squared_error", types={"0": Drop(), "1": Number()})
    assert kept.feature_names == ["1"]
    refused = partial(loaded, array, "half_squared_error", types={"0": Category()})
    assert refusal(refused, ConfigError) == (
        "error: t.npy is an array: its column '0' holds numbers\n"
        "hint: write it as a CSV table, whose columns can be of any kind"
    )


def test_every_kind_that_encodes_is_met_here_and_comes_back_from_plain_data(tmp_path: Path) -> None:
    of = read(tmp_path)
    assert isinstance(of.features, TableFeatures)

    assert {type(encoder) for encoder in of.features.encoders} == {
        kind.encoder for kind in COLUMN_KINDS.values() if kind.encoder is not None
    }
    again = features_from_json(Saved(json.loads(json.dumps(of.features.to_json()))))
    assert again == of.features
    assert [each.column for each in again.inputs] == ["zip", "size", "day", "day", "word", "word"]
    assert features(of).shape == (4, len(again.inputs))


def test_inputs_say_what_the_encoding_does(tmp_path: Path) -> None:
    of = loaded(write(tmp_path, "t.csv", csv(COLUMNS)), scale="minmax")
    made = features(of)

    for place, each in enumerate(of.features.inputs):
        if each.kind == "category":
            assert made[:, place].tolist() == [cell == each.part for cell in COLUMNS[each.column]]
        elif each.column == "size":
            assert (each.fill, each.shift, each.width) == (3, 1, 6)
            assert made[:, place].tolist() == [(float(cell or 3) - 1) / 6 for cell in COLUMNS["size"]]


def test_columns_of_an_array_are_inputs_of_numbers(tmp_path: Path) -> None:
    of = loaded(write(tmp_path, "t.npy", npy(np.array([[1.0, 2, 0], [3, 8, 1]]))), "half_squared_error", scale="minmax")

    assert of.features.summary == "2 columns became 2 inputs: 2 numbers"
    assert [(each.column, each.fill, each.shift, each.width) for each in of.features.inputs] == [
        ("0", 2, 1, 2),
        ("1", 5, 2, 6),
    ]


@pytest.mark.parametrize(
    ("cells", "remedy"),
    [
        (["1,234", "500", "12,000", "7"], 'data.thousands: ",", or data.decimal: "," if the comma is the decimal mark'),
        (["1,234,567", "1", "2", "3"], 'data.thousands: ","'),
        (["1,5", "2,25", "3", "4"], 'data.decimal: ","'),
        (["1.234,5", "1", "2", "3"], 'data.decimal: ",", data.thousands: "."'),
        (["1'234", "1", "2", "3"], 'data.thousands: "\'"'),
        (["1 234,5", "1", "2", "3"], 'data.decimal: ",", data.thousands: " "'),
    ],
)
def test_numbers_written_in_another_way_are_told_with_the_keys_that_mend_it(
    cells: list[str], remedy: str, tmp_path: Path
) -> None:
    path = write(tmp_path, "t.csv", csv({"n": cells, "y": [*"abab"]}, ";"))
    (line,) = loaded(path).warnings.lines()

    assert line.startswith(f"column 'n' is text because of {cells[0]!r} at {path}:2 (")
    assert line.endswith(f": {remedy}")
    keys: dict[str, str] = dict(part.split(": ") for part in remedy.split(", or")[0].split(", data."))
    marks: dict[str, Any] = {key.removeprefix("data."): mark.strip('"') for key, mark in keys.items()}
    assert loaded(path, form=replace(Format(), **marks)).warnings.lines() == []


@pytest.mark.parametrize("words", [["?"], ["n/a", "-"], ["none", "unknown", "N/A", "--"]])
def test_words_that_mean_missing_are_told_however_many_there_are(words: list[str], tmp_path: Path) -> None:
    cells = [*words, *words, "1", "2", "3", "4"]
    path = write(tmp_path, "t.csv", csv({"n": cells, "y": [*"ab"] * (len(cells) // 2)}))

    (line,) = loaded(path).warnings.lines()
    assert line.endswith(f"missing: data.missing: {words}")
    assert loaded(path, form=Format(missing=tuple(words))).warnings.imputed == {"n": 2 * len(words)}


def test_words_that_mean_missing_are_told_with_those_that_are_listed_already(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", csv({"n": ["?", "n/a", "1", "2"], "y": [*"abab"]}))

    (line,) = loaded(path, form=Format(missing=("?",))).warnings.lines()
    assert line.endswith("if it means missing: data.missing: ['?', 'n/a']")


def test_other_words_are_categories(tmp_path: Path) -> None:
    cells = ["low", "mid", "high", "1", "2", "none"]

    assert loaded(write(tmp_path, "t.csv", csv({"n": cells, "y": [*"ababab"]}))).warnings.lines() == []


def test_a_kind_is_recognised_by_one_line_in_the_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Shouted(Category):
        """Text in capitals."""

        def recognises(self, column: Any) -> bool:
            return not column.holds_numbers and all(map(str.isupper, column.present))

    monkeypatch.setattr(columns, "COLUMN_KINDS", {"shouted": Shouted, **COLUMN_KINDS})
    of = read(tmp_path, {"loud": [*"ABAB"], "low": [*"abab"], "y": [*"pqpq"]})

    assert [each.part for each in of.features.inputs] == ["A", "B", "a", "b"]
