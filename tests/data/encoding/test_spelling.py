"""What was written is what is predicted: numbers that name classes, groups, places and rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpcli.data.dealing import SplitColumns
from bpcli.data.encoding.classes import Classes
from bpcli.data.files import gathering, pandas_reader, tables
from bpcli.data.files.csv_reader import CsvReader
from bpcli.data.files.pandas_reader import PandasReader
from bpcli.data.files.reading import FilePair
from bpcli.errors import DataError
from tests.cli.support import good, write_config

from ..support import csv, loaded, npy, npz, parquet, refusal, targets, write

BIG = [9007199254740990 + i for i in range(5)]


@pytest.fixture(params=[1 << 19, 0], ids=["small", "large"], autouse=True)
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "SMALL", request.param)


def labels(path: str | FilePair) -> tuple[object, ...]:
    of = loaded(path).targets
    assert isinstance(of, Classes)
    return of.labels


def table(folder: Path, cells: list[str], name: str = "t.csv") -> str:
    return write(folder, name, csv({"a": range(len(cells)), "y": cells}))


def test_labels_are_as_they_are_written_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for cells, expected in (
        (["10", "9", "9"], (9, 10)),
        (["010", "9", "09x"], ("010", "09x", "9")),
        (["010", "009", "009"], ("009", "010")),
        (["1.0", "0.0", "1.0"], ("0.0", "1.0")),
        (["1e3", "2", "10"], ("2", "10", "1e3")),
        (["-1", "+1", "-1 "], ("-1", "+1")),
        ([*map(str, BIG)], tuple(BIG)),
    ):
        path = table(tmp_path, cells)
        assert labels(path) == expected
        of = loaded(path)
        found = targets(of, "train").astype(int).tolist()
        assert [str(expected[k]) for k in found] == [cell.strip() for cell in cells]


@pytest.mark.parametrize(("one", "other"), [("007", "7"), ("1e3", "1000"), ("1.0", "1"), ("-0", "0")])
def test_one_number_that_is_written_in_two_ways_is_no_class(one: str, other: str, tmp_path: Path) -> None:
    path = table(tmp_path, [one, "5", other, one])
    report = refusal(lambda: loaded(path), DataError)
    assert "one number, but perhaps two classes" in report
    assert repr(one) in report
    assert repr(other) in report
    assert report.startswith(("error: t.csv:2: ", "error: t.csv:4: "))
    both = [table(tmp_path, [one, "5"], "a.csv"), table(tmp_path, [other, "5"], "b.csv")]
    assert "b.csv:2: the target 'y'" in refusal(lambda: loaded(both[0], test=both[1]), DataError)


def test_whole_numbers_beyond_float64_are_classes_of_their_own_in_every_kind_of_file(tmp_path: Path) -> None:
    X = np.arange(5.0)[:, None]
    files: list[str | FilePair] = [
        write(tmp_path, "a.npy", npy(np.column_stack([np.arange(5), BIG]))),
        write(tmp_path, "a.npz", npz(features=X, targets=np.array(BIG))),
        write(tmp_path, "a.parquet", parquet({"a": range(5), "y": BIG})),
        FilePair(write(tmp_path, "x.npy", npy(X)), write(tmp_path, "y.csv", csv({"y": BIG}))),
    ]
    for path in files:
        assert labels(path) == tuple(BIG)
        assert targets(loaded(path), "train").astype(int).tolist() == [0, 1, 2, 3, 4]


def test_texts_of_numbers_in_parquet_are_classes_as_they_are_written(tmp_path: Path) -> None:
    path = write(tmp_path, "a.parquet", parquet({"a": range(3), "y": ["007", "8", "007"]}))
    assert labels(path) == ("007", "8")
    path = write(tmp_path, "b.parquet", parquet({"a": range(3), "y": ["007", "7", "8"]}))
    assert "one number, but perhaps two classes" in refusal(lambda: loaded(path), DataError)
    path = write(tmp_path, "c.parquet", parquet({"a": range(3), "y": [1.0, 2.0, 1.0]}))
    assert labels(path) == (1, 2)


def test_more_spellings_than_are_kept_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOST_SPELLINGS", 3)
    monkeypatch.setattr(pandas_reader, "CHUNK", 4)
    monkeypatch.setattr(pandas_reader, "LEAST", 2)
    assert labels(table(tmp_path, ["1", "2", "3", "4", "1"])) == (1, 2, 3, 4)
    path = table(tmp_path, ["1", "2", "3", "4", "5", "1.0"])
    assert "'1.0'" in refusal(lambda: loaded(path), DataError)


def test_classes_are_never_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_again(reader: object, name: str) -> None:
        raise AssertionError(name)

    for reader in (CsvReader, PandasReader):
        monkeypatch.setattr(reader, "as_written", read_again)
    assert labels(table(tmp_path, ["no", "yes", "no"])) == ("no", "yes")
    assert labels(table(tmp_path, ["10", "9", "10"])) == (9, 10)
    features = write(tmp_path, "x.npy", npy(np.arange(4.0)[:, None]))
    assert labels(FilePair(features, write(tmp_path, "y.csv", csv({"y": [3, 1, 3, 1]})))) == (1, 3)


def test_groups_are_as_written_and_an_order_goes_by_every_digit(tmp_path: Path) -> None:
    order = BIG[::-1]
    path = write(tmp_path, "t.csv", csv({"a": range(5), "t": order, "y": [0, 1, 0, 1, 0]}))
    of = loaded(path, fractions={"test": 0.4}, split_columns=SplitColumns(order="t"))
    assert sorted(of.parts["test"].rows.tolist()) == [0, 1]
    groups = ["007", "7", "7.0", "007"]
    path = write(tmp_path, "g.csv", csv({"a": range(4), "g": groups, "y": [0, 1, 0, 1]}))
    for seed in range(5):
        of = loaded(path, fractions={"test": 0.3}, seed=seed, split_columns=SplitColumns(group="g"))
        parts = [{groups[row] for row in part.rows} for part in of.parts.values()]
        assert not parts[0] & parts[1]


def test_predictions_and_kept_columns_are_as_written(tmp_path: Path) -> None:
    rows: dict[str, list[object]] = {"id": ["007", "7", "1e3", "1000"] * 3, "a": [0, 9] * 6, "y": ["010", "009"] * 6}
    write(tmp_path, "t.csv", csv(rows))
    config = "data: {path: t.csv, drop: [id]}\nloss: cross_entropy\noptimizer: {learning_rate: 1}\nepochs: 40\n"
    write_config(tmp_path / "c.yaml", config)
    good("train", "c.yaml", "--run", "run", "--quiet", cwd=tmp_path)
    found = good("predict", "run", "--data", "t.csv", "--keep", "id", "--keep", "y", cwd=tmp_path)
    assert [row["id"] for row in found.rows] == rows["id"]
    assert [row["prediction"] for row in found.rows] == rows["y"]
    assert [*found.rows[0]] == ["id", "y", "prediction", "p_009", "p_010"]
    good("evaluate", "run", "--data", "t.csv", cwd=tmp_path)


def test_kept_columns_of_arrays_have_every_digit(tmp_path: Path) -> None:
    values = np.column_stack([BIG, [0, 1, 0, 1, 0]])
    write(tmp_path, "a.npy", npy(values))
    write_config(tmp_path / "c.yaml", "data: {path: a.npy}\nloss: cross_entropy\nepochs: 1\n")
    good("train", "c.yaml", "--run", "run", "--quiet", cwd=tmp_path)
    found = good("predict", "run", "--data", "a.npy", "--keep", "0", cwd=tmp_path)
    assert [row["0"] for row in found.rows] == [*map(str, BIG)]
