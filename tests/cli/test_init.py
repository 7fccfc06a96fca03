"""``bp init``: a table gets a config that trains as it is."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.config.reading import read_config
from tests.cli.support import Result, bp, good, points, refused
from tests.data.support import csv, idx, npz, parquet

DATASETS = sorted((Path(__file__).parents[2] / "datasets").glob("*.csv"))


@pytest.mark.parametrize("data", DATASETS, ids=lambda path: path.stem)
def test_every_dataset_gets_a_config_that_trains_and_is_checked_in_silence(data: Path, tmp_path: Path) -> None:
    made = good("init", data, cwd=tmp_path)

    config = f"{data.stem}.yaml"
    assert made.out == f"{config}\n"
    assert f"# A first config for {data.name}: " in (tmp_path / config).read_text()
    assert good("config", "check", config, cwd=tmp_path).err == f"{config}: no mistakes\n"
    assert good("train", config, "epochs=1", cwd=tmp_path).out == f"runs/{data.stem}-001\n"


MESSY: dict[str, list[Any]] = {
    "id": [f"u{i:03}" for i in range(60)],
    "row": list(range(1, 61)),
    "joined": [f"{1 + i % 28:02}.{1 + i % 12:02}.2024" for i in range(60)],
    "seen": [f"2024-0{1 + i % 9}-11 0{i % 10}:30" for i in range(60)],
    "zip": [f"0{1000 + i % 5}" for i in range(60)],
    "pay": [["1.234,50", "980,00", "12.000,25", "?"][i % 4] for i in range(60)],
    "flat": ["same"] * 60,
    "mood": [["good", "bad"][i % 2] for i in range(60)],
    "left": [["no", "no", "no", "no", "no", "no", "no", "no", "no", "yes"][i % 10] for i in range(60)],
}


def test_columns_as_people_have_them_are_seen_through(tmp_path: Path) -> None:
    (tmp_path / "staff.txt.gz").write_bytes(gzip.compress(csv(MESSY, ";").encode()))
    made = good("init", "staff.txt.gz", cwd=tmp_path)

    assert made.errors == [
        "target left: 2 classes, no (54), yes (6), so loss binary_cross_entropy",
        "numbers have the decimal mark ',', '.' between thousands",
        "'?' in pay means missing",
        "joined is read as date",
        "zip is read as category",
        "left out: id: most values differ",
        "left out: row: it numbers the rows",
        "left out: flat: constant",
    ]
    data = read_config(tmp_path / "staff.yaml", []).config.data
    assert (data.decimal, data.thousands, data.missing) == (",", ".", ["NA", "NaN", "null", "?"])
    assert data.drop == ["id", "row", "flat"]
    assert list(data.types) == ["joined", "zip"]
    told = good("train", "staff.yaml", "epochs=1", cwd=tmp_path)
    assert "of 2 date columns" in told.err
    assert "'?'" not in told.err


def test_a_rare_class_is_told_with_what_can_be_done(tmp_path: Path) -> None:
    rows: dict[str, list[Any]] = {"x": list(range(0, 400, 2)), "fraud": ["no"] * 192 + ["yes"] * 8}
    (tmp_path / "t.csv").write_text(csv(rows))
    made = good("init", "t.csv", cwd=tmp_path)

    assert made.errors[1:] == ["'yes' is rare among the classes: see the comments on weights and metrics"]
    text = (tmp_path / "t.yaml").read_text()
    assert "  # class_weight: balanced\n" in text
    assert "# metrics: [accuracy, balanced_accuracy, f1, matthews_correlation]\n" in text
    assert "# keep: {name: best, monitor: val_balanced_accuracy}\n" in text
    (tmp_path / "t.yaml").write_text(re.sub(r"# (class_weight|metrics|keep):", r"\1:", text))
    good("config", "check", "t.yaml", cwd=tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.tsv", csv({"a": range(30), "b": [1, 5, 2] * 10, "y": [0.5, 1.5, 2] * 10}, "\t").encode()),
        ("t.parquet", parquet({"a": [3, 1, 2] * 10, "y": [*"pqr"] * 10})),
        ("t.npz", npz(features=np.arange(60.0).reshape(30, 2) % 7, targets=np.arange(30) % 3)),
    ],
)
def test_other_kinds_of_files_get_a_config_too(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    good("init", name, cwd=tmp_path)

    good("train", "t.yaml", "epochs=1", "--quiet", cwd=tmp_path)


def test_a_table_without_names_is_seen_to_have_none(tmp_path: Path) -> None:
    rows = [f"{5 + i % 7 / 10},{i % 3},{['setosa', 'virginica'][i % 2]}" for i in range(40)]
    (tmp_path / "iris.data").write_text("\n".join(rows) + "\n")
    made = good("init", "iris.data", cwd=tmp_path)

    assert made.errors == [
        "target 2: 2 classes, setosa (20), virginica (20), so loss binary_cross_entropy",
        "the first row is an example, so columns are called 0, 1, …",
    ]
    assert "; 24 train, 8 validation, 8 test examples; " in good("train", "iris.yaml", "epochs=1", cwd=tmp_path).err
    assert read_config(tmp_path / "iris.yaml", []).config.data.header is False


def test_images_and_labels_are_two_files(tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(idx(np.arange(160).reshape(40, 2, 2)))
    (tmp_path / "labels").write_bytes(idx(np.arange(40) % 4))
    good("init", "images", "--targets", "labels", "--output", "digits.yaml", cwd=tmp_path)

    assert good("train", "digits.yaml", "epochs=1", cwd=tmp_path).out == "runs/digits-001\n"


def test_target_and_output_are_options_and_paths_start_from_the_config(tmp_path: Path) -> None:
    points(tmp_path / "t.csv")
    (tmp_path / "configs").mkdir()
    made = good("init", "t.csv", "--target", "x", "--output", "configs/x.yaml", cwd=tmp_path)

    assert made == Result(0, "configs/x.yaml\n", "target x: numbers, a regression, so loss half_squared_error\n")
    assert "  path: ../t.csv\n" in (tmp_path / "configs/x.yaml").read_text()
    good("config", "check", "configs/x.yaml", cwd=tmp_path)


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    points(tmp_path / "t.csv")
    good("init", "t.csv", cwd=tmp_path)

    refused(
        *("init", "t.csv"),
        cwd=tmp_path,
        status=2,
        error="t.yaml: the file exists already",
        hint="name another with --output FILE",
    )


@pytest.mark.parametrize(
    ("columns", "words", "status", "error"),
    [
        ({"a": [1, 2], "y": ["p", "q"]}, ["--target", "z"], 2, "command line: t.csv has no column 'z'"),
        ({"a": [1, 2], "y": ["p", "p"]}, [], 2, "command line: every 'y' is 'p': there is nothing to learn"),
        ({"a": [1, 2], "y": ["p", ""]}, [], 3, "t.csv:3: the target 'y' is missing (1 in all)"),
        ({"a": [1, 1], "y": ["p", "q"]}, [], 2, "command line: t.csv has no column to learn from (a: constant)"),
        ({"a": range(60), "y": [f"t{i}" for i in range(60)]}, [], 2, "command line: the target 'y' is text in which "),
    ],
)
def test_what_cannot_be_learned_is_refused(
    columns: dict[str, list[object]], words: list[str], status: int, error: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(csv(columns))
    result = bp("init", "t.csv", *words, cwd=tmp_path)

    assert (result.status, result.out) == (status, "")
    assert result.errors[0].startswith(f"error: {error}")
    assert not (tmp_path / "t.yaml").exists()


def test_dates_whose_day_could_be_the_month_are_left_out_with_the_reason(tmp_path: Path) -> None:
    dates = [f"0{1 + i % 9}/0{1 + i % 8}/2024" for i in range(30)]
    (tmp_path / "t.csv").write_text(csv({"when": dates, "a": [3, 1, 2] * 10, "y": [*"pqr"] * 10}))

    (_, line) = good("init", "t.csv", cwd=tmp_path).errors
    assert line == (
        "left out: when: column 'when' holds dates such as '01/01/2024': each could have the day first or the month; "
        "data.types says which"
    )
