"""What ``bp train``, ``config show``, ``predict`` and ``data convert`` make of columns as people have them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.cli.support import bp, good, write_config
from tests.data.support import csv

COLUMNS = {
    "zip": ["01234", "1234"] * 6,
    "pay": ["1.234,5", "2,25", "?"] * 4,
    "day": [f"2024-0{1 + i % 9}-1{i % 7}" for i in range(12)],
    "y": [*"ab"] * 6,
}
CONFIG = """
    data: {path: t.csv, types: {zip: category}, decimal: ",", thousands: "."}
    loss: cross_entropy
    epochs: 1
"""


def trained(folder: Path, *words: str) -> str:
    (folder / "t.csv").write_text(csv(COLUMNS, ";"))
    write_config(folder / "t.yaml", CONFIG)
    return good("train", "t.yaml", *words, cwd=folder).err


def test_train_says_what_columns_became_and_which_key_mends_them(tmp_path: Path) -> None:
    said = trained(tmp_path)
    assert "; 3 columns became 7 inputs: 5 indicators of 2 category columns, 2 parts of 1 date column; assumed" in said
    told = "column 'pay' is text because of '?' at t.csv:4 (4 of 12 cells); if it means missing: data.missing: ['?']"
    assert told in said.replace(f"{tmp_path}/", "")

    said = trained(tmp_path, 'data.missing="?"', "--run", "mended")
    assert "3 columns became 5 inputs: 2 indicators of 1 category column, 1 number, 2 parts of 1 date column" in said


def test_inputs_are_listed_in_order_with_what_is_learned(tmp_path: Path) -> None:
    trained(tmp_path)
    shown = good("config", "show", "t.yaml", "--inputs", 'data.missing="?"', "data.scale=minmax", cwd=tmp_path).out

    assert [line.split() for line in shown.splitlines()[1:]] == [
        ["input", "column", "kind", "part", "if", "missing", "shift", "width"],
        ["0", "zip", "category", "01234"],
        ["1", "zip", "category", "1234"],
        ["2", "pay", "number", "618.4", "2.25", "1232"],
        ["3", "day", "date", "day", "of", "year", "89", "10", "245"],
        ["4", "day", "date", "weekday", "2.5", "1", "5"],
    ]


def test_predictions_read_the_file_as_training_did(tmp_path: Path) -> None:
    trained(tmp_path, 'data.missing="?"')
    other = {"zip": ["01234", "x"], "pay": ["1.234,5", "1234.5"], "day": ["2024-01-10", "10.1.2024"]}
    (tmp_path / "later.csv").write_text(csv(other, ";"))
    result = good("predict", "runs/t-001", "--data", "later.csv", "--keep", "pay", cwd=tmp_path)

    assert [row["pay"] for row in result.rows] == other["pay"]
    assert [line.partition(" (1 of 2 cells)")[0] for line in result.errors] == [
        "warning: 1 missing number imputed by the training median: pay (1)",
        "warning: 1 missing date imputed by the training medians of their parts: day (1)",
        "warning: 1 value of categories unseen in training, encoded as zeros: zip (1)",
        "warning: column 'pay', of numbers in training, holds '1234.5' at later.csv:3",
        "warning: column 'day', of dates in training, holds '10.1.2024' at later.csv:3",
    ]
    good("evaluate", "runs/t-001", cwd=tmp_path)


def test_conversion_takes_numerals_and_writes_the_parts_of_dates(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("pay;day;y\n1.234,5;2024-03-01 00:00:07;1\n2;;2\n")
    marks = ("--decimal", ",", "--thousands", ".", "--dtype", "float64")
    result = good("data", "convert", "t.csv", "t.npy", *marks, cwd=tmp_path)

    assert "1 day=year, 2 day=day of year, 3 day=weekday, 4 day=seconds of day" in result.err
    np.testing.assert_array_equal(
        np.load(tmp_path / "t.npy"), [[1234.5, 2024, 61, 4, 7, 1], [2, np.nan, np.nan, np.nan, np.nan, 2]]
    )
    for words in (("--decimal", ";"), ("--thousands", "."), ("--thousands", "_")):
        both = words if words[0] == "--decimal" else ("--decimal", ".", *words)
        assert bp("data", "convert", "t.csv", "u.npy", *both, cwd=tmp_path).status == 2


def test_overrides_reach_a_column_even_one_called_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("name,b,y\n1,1,p\n2,2,q\n")
    write_config(tmp_path / "t.yaml", "data: {path: t.csv, types: {b: category}}\nloss: cross_entropy\n")

    for words in (["data.types.name=category"], ["data.types.name.name=category", "data.types.b=category"]):
        shown = good("config", "show", "t.yaml", *words, cwd=tmp_path).out
        assert "types: {b: category, name: category}" in shown
    assert "types" not in good("config", "show", "t.yaml", "data.types=null", cwd=tmp_path).out


def test_contradictions_are_refused_before_the_data_are_read(tmp_path: Path) -> None:
    write_config(
        tmp_path / "t.yaml",
        """
        data:
          path: absent.csv
          thousands: "."
          types:
            day: {name: date, format: "%d.%m"}
        loss: cross_entropy
        """,
    )
    result = bp("config", "check", "t.yaml", cwd=tmp_path)

    assert result.status == 2
    assert result.errors == [
        "error: t.yaml:3: data.thousands is '.', which is the decimal mark too",
        "hint: data.decimal: ',', or another mark between thousands",
        "error: t.yaml:5: data.types.day.format is '%d.%m', which has days and no year",
        'hint: the directives are those of Python\'s strptime: "%d.%m.%Y %H:%M" reads 31.12.2024 23:59',
    ]
