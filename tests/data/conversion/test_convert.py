"""Conversion: what is trained on from the NPY file is what would be from the table."""

from __future__ import annotations

import gzip
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.data.conversion import contents
from bpcli.data.conversion.convert import ConversionRequest, Converted, convert
from bpcli.data.files.dataset import Format
from bpcli.errors import BpError, ConfigError, DataError
from bpcli.nn import Array

from ..support import NUMBERS, csv, features, idx, loaded, npy, npz, parquet, refusal, targets, write

MIXED: dict[str, list[Any]] = {
    "n": [1.5, "", 3, 4],
    "s": ["b", "a", "", "b"],
    "t": [True, False, "", True],
    "y": ["q", "p", "q", "r"],
}


@pytest.fixture(autouse=True, params=[1, 6, 1 << 19, None], ids=["row by row", "a few rows", "at once", "small"])
def pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many cells are handled at a time, and whoever reads the table."""
    if request.param is not None:
        monkeypatch.setattr("bpcli.data.files.tables.SMALL", 0)
        monkeypatch.setattr("bpcli.data.files.pandas_reader.CHUNK", request.param)
        monkeypatch.setattr("bpcli.data.files.pandas_reader.LEAST", 1)
        monkeypatch.setattr("bpcli.data.files.pages.CELLS", request.param)


def converted(folder: Path, content: str | bytes, **wanted: Any) -> tuple[Converted, Array]:
    source = write(folder, "source", content)
    told, _ = convert(source, folder / "target.npy", ConversionRequest(**wanted), lambda rows: None)
    values: Array = np.load(folder / "target.npy")
    return told, values


def test_numbers_stay_text_becomes_indicators_and_the_target_its_class(tmp_path: Path) -> None:
    told, values = converted(tmp_path, csv(MIXED))

    assert told == Converted(4, ["n", "s=a", "s=b", "t=false", "t=true", "y"], ["y"], ["p", "q", "r"])
    assert values.dtype == np.float32
    np.testing.assert_array_equal(
        values,
        [[1.5, 0, 1, 0, 1, 1], [np.nan, 1, 0, 1, 0, 0], [3, 0, 0, 0, 0, 1], [4, 0, 1, 0, 1, 2]],
    )


def test_targets_go_last_and_dropped_columns_nowhere(tmp_path: Path) -> None:
    text = "a,y,b,c\n1,2,x,4\n5,6,z,8\n"

    told, values = converted(tmp_path, text, targets=["y"], drop=["b"])
    assert (told.columns, told.targets, told.classes) == (["a", "c", "y"], ["y"], None)
    assert values.tolist() == [[1, 4, 2], [5, 8, 6]]
    told, values = converted(tmp_path, "a,u,v\n1,true,0\n2,False,1\n", targets=["u", "v"])
    assert values.tolist() == [[1, 1, 0], [2, 0, 1]]
    assert converted(tmp_path, text, drop=["c", "b"])[0].columns == ["a", "y"]


def test_column_that_turns_out_to_be_text_is_text_from_the_start(tmp_path: Path) -> None:
    told, values = converted(tmp_path, "a,b,y\n1,true,1\n01,no,2\nx,true,3\n")

    assert told.columns == ["a=01", "a=1", "a=x", "b=no", "b=true", "y"]
    assert values[:, :5].tolist() == [[0, 1, 0, 0, 1], [1, 0, 0, 1, 0], [0, 0, 1, 0, 1]]


@pytest.mark.parametrize(
    ("loss", "scale"), [("half_squared_error", "standard"), ("cross_entropy", "minmax"), ("cross_entropy", "none")]
)
def test_converted_numbers_train_as_the_table_does(loss: str, scale: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    columns: dict[str, list[Any]] = {name: rng.normal(3, 7, 60).tolist() for name in "abc"}
    columns["b"][5] = columns["b"][9] = ""
    columns["y"] = [*map(int, rng.integers(0, 3, 60))]
    table = write(tmp_path, "t.csv", csv(columns))
    convert(table, tmp_path / "t.npy", ConversionRequest(dtype=np.dtype("float64")), lambda rows: None)

    before, after = (
        loaded(str(tmp_path / name), loss, fractions={"validation": 0.2, "test": 0.1}, scale=scale, dtype="float32")
        for name in ("t.csv", "t.npy")
    )

    assert before.parts.keys() == after.parts.keys()
    for part in before.parts:
        np.testing.assert_array_equal(features(before, part, "float32"), features(after, part, "float32"))
        np.testing.assert_array_equal(targets(before, part, "float32"), targets(after, part, "float32"))
    assert before.warnings.imputed.total() == after.warnings.imputed.total() == 2


def test_converted_classes_are_the_classes_in_their_order(tmp_path: Path) -> None:
    table = write(tmp_path, "t.csv", csv({"a": range(6), "y": [*"qpqrpp"]}))
    convert(table, tmp_path / "t.npy", ConversionRequest(), lambda rows: None)

    np.testing.assert_array_equal(targets(loaded(table)), targets(loaded(str(tmp_path / "t.npy"))))


@pytest.mark.parametrize(
    "content",
    [
        idx(NUMBERS),
        npy(NUMBERS),
        npy(np.asfortranarray(NUMBERS)),
        npz(features=NUMBERS),
        gzip.compress(idx(NUMBERS), mtime=0),
    ],
)
def test_arrays_are_converted_too(content: bytes, tmp_path: Path) -> None:
    assert converted(tmp_path, content)[1].tolist() == NUMBERS.tolist()
    told, values = converted(tmp_path, content, targets=["0"], dtype=np.dtype("float64"))
    assert told.columns == ["1", "2", "0"]
    np.testing.assert_array_equal(values, NUMBERS[:, [1, 2, 0]])


def test_targets_beside_an_array_go_last(tmp_path: Path) -> None:
    told, values = converted(tmp_path, npz(features=[[1.0], [2], [3]], targets=["v", "u", "v"]))

    assert (told.columns, told.classes) == (["0", "target"], ["u", "v"])
    assert values.tolist() == [[1, 1], [2, 0], [3, 1]]


def test_table_may_be_compressed_without_names_and_with_other_marks(tmp_path: Path) -> None:
    form = Format(";", header=False, missing=("?",))
    told, values = converted(tmp_path, gzip.compress(b"1;7\n?;4\n;6\n", mtime=0), form=form, drop=[])

    assert told.columns == ["0", "1"]
    np.testing.assert_array_equal(values, [[1, 7], [np.nan, 4], [np.nan, 6]])


def test_whole_targets_that_a_precision_has_not_are_refused_by_column_and_row(tmp_path: Path) -> None:
    big, double = 1 << 24, np.dtype("float64")
    table = csv({"a": range(3), "y": [big, big + 1, -big - 1]})
    array = npy(np.array([[0, big], [1, big + 1]]))
    beside = npz(features=np.zeros((2, 1)), targets=np.array([big, big + 1]))
    for content, place, name in (
        (table, "source:3", "y"),
        (array, "source: row 1", "1"),
        (beside, "source: row 1", "target"),
        (npy(np.array([[0, big], [1, big + 1]], float)), "source: row 1", "1"),
    ):
        report = refusal(partial(converted, tmp_path, content), DataError)
        assert report.startswith(f"error: {place}: the target {name!r} is 16777217, which would be 16777216 in float32")
        assert report.endswith("hint: --dtype float64")
        assert not (tmp_path / "target.npy").exists()
    assert converted(tmp_path, table, dtype=double)[1][:, 1].tolist() == [big, big + 1, -big - 1]
    assert converted(tmp_path, array, dtype=double)[1][:, 1].tolist() == [big, big + 1]
    for content in (csv({"a": range(2), "y": [(1 << 53) + 1, 1 << 53]}), npy(np.array([[0, (1 << 53) + 1], [1, 2]]))):
        report = refusal(partial(converted, tmp_path, content, dtype=double), DataError)
        assert "is 9007199254740993, which " in report
        assert "a letter in front of each" in report
    _, values = converted(tmp_path, "a,y\n1,1e23\n2,0.1234567890123456789\n", dtype=double)
    assert values[:, 1].tolist() == [1e23, 0.1234567890123456789]


def test_rounded_features_and_one_number_in_two_ways_are_told(tmp_path: Path) -> None:
    big = 1 << 24
    text = csv({"id": [big + 1, big + 2, 3], "x": [1e30, 0.1, 16777216.5], "y": ["007", "7", "1.0"]})
    lines = warnings_of(tmp_path, text)
    assert lines == [
        (
            "the target 'y' is '007' and '7', which are one number in the array: where they are two classes, "
            "put a letter in front of each"
        ),
        "whole numbers rounded in float32: id (1); --dtype float64 keeps them up to 9,007,199,254,740,992",
    ]
    assert warnings_of(tmp_path, text, dtype=np.dtype("float64")) == lines[:1]
    array = npy(np.array([[big + 1, 0], [(1 << 53) + 1, 0]]))
    assert warnings_of(tmp_path, array)[0].startswith("whole numbers rounded in float32: 0 (2)")
    assert warnings_of(tmp_path, array, dtype=np.dtype("float64")) == ["whole numbers rounded in float64: 0 (1)"]


def warnings_of(folder: Path, content: str | bytes, **wanted: Any) -> list[str]:
    source = write(folder, "source", content)
    return convert(source, folder / "target.npy", ConversionRequest(**wanted), lambda rows: None)[1].lines()


def test_rows_read_are_told(tmp_path: Path) -> None:
    told: list[int] = []
    convert(write(tmp_path, "s", "a,b\n1,2\n3,4\n"), tmp_path / "t.npy", ConversionRequest(), told.append)

    assert told[-1] == 2


@pytest.mark.parametrize(
    ("content", "wanted", "kind", "report"),
    [
        (
            "a,y\n1,2\n\n3,\n",
            {},
            DataError,
            "error: source:4: the target 'y' is missing\nhint: leave examples without a target out of the file",
        ),
        (
            "a,y\n1,p\n3,\n",
            {},
            DataError,
            "error: source:3: the target 'y' is missing\nhint: leave examples without a target out of the file",
        ),
        (
            "a,y\n1,2\n1e39,4\n",
            {},
            DataError,
            (
                "error: source:3: column 'a' holds 1e+39, out of the range of float32\n"
                "hint: correct the number, or --dtype float64"
            ),
        ),
        (
            "a,y\n1,2\n",
            {"targets": ["z"]},
            ConfigError,
            "error: command line: source has no column 'z'\nhint: its columns are a, y",
        ),
        (
            "a,y\n1,2\n",
            {"targets": ["y"], "drop": ["y"]},
            ConfigError,
            "error: command line: column 'y' is the target\nhint: leave it out of --drop",
        ),
        (
            "a,y\n1,2\n",
            {"drop": ["a"]},
            ConfigError,
            "error: command line: source has no column left for a feature\nhint: check --target, --drop, --delimiter",
        ),
        (
            "a,u,v\n1,x,1\n2,true,0\n",
            {"targets": ["u", "v"]},
            ConfigError,
            (
                "error: command line: target 'u' of source is text ('x')\n"
                "hint: several targets are numbers, or true and false; one alone may be text"
            ),
        ),
        (
            csv({"id": [f"p{i}" for i in range(5)], "y": range(5)}),
            {},
            ConfigError,
            (
                "error: command line: column 'id' of source is text with more than 4 different values\n"
                "hint: leave it out: --drop id"
            ),
        ),
        (
            parquet({"a": [1.0], "y": [2.0]}),
            {},
            DataError,
            "error: source: Parquet is not converted\nhint: write the table as CSV, or with numpy.save",
        ),
    ],
)
def test_what_cannot_be_converted_is_refused_and_nothing_written(
    content: str | bytes,
    wanted: dict[str, Any],
    kind: type[BpError],
    report: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contents, "MOST", 4)
    (tmp_path / "target.npy").write_bytes(b"old")

    assert refusal(lambda: converted(tmp_path, content, **wanted), kind) == report
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target.npy"]
    assert (tmp_path / "target.npy").read_bytes() == b"old"


def noted(folder: Path, content: str, **wanted: Any) -> list[str]:
    return convert(write(folder, "s.csv", content), folder / "t.npy", ConversionRequest(**wanted), lambda rows: None)[
        1
    ].lines()


def test_column_of_numbers_with_a_slip_is_told(tmp_path: Path) -> None:
    rows = "".join(f"{i},{3 * i}\n" for i in range(20))

    def warning(name: str, cell: str) -> str:
        place = f"{tmp_path}/s.csv:22 (1 of 21 cells)"
        return f"column {name!r} is text because of {cell!r} at {place}; if it means missing: data.missing: [{cell!r}]"

    assert noted(tmp_path, "a,y\n" + rows) == []
    assert noted(tmp_path, "a,y\n" + rows + "1,n/a\n") == [warning("y", "n/a")]
    assert noted(tmp_path, "a,y\n" + rows + "x,1\n") == [warning("a", "x")]
    assert noted(tmp_path, "b,a,y\n" + rows.replace("\n", ",1\n") + "2,x,1\n", drop=["a"]) == []


@pytest.mark.parametrize("change", ["3,word\n", "", "a,y\n1,2\n", "a,y\n1,2\n3,4\n5,6\n7,8\n"])
def test_file_that_changes_meanwhile_is_refused_and_nothing_written(tmp_path: Path, change: str) -> None:
    source, target = Path(write(tmp_path, "s.csv", "a,y\n1,2\n3,4\n5,6\n")), tmp_path / "t.npy"
    changes = [change]

    def seen(rows: int) -> None:
        if changes:
            with source.open("a" if change == "3,word\n" else "w", encoding="utf-8") as file:
                file.write(changes.pop())

    with pytest.raises(DataError, match="the file changed while it was read"):
        convert(str(source), target, ConversionRequest(), seen)
    assert not target.exists()


def test_targets_that_a_file_keeps_apart_are_no_features(tmp_path: Path) -> None:
    source = write(tmp_path, "s.npz", npz(features=np.arange(6.0).reshape(3, 2), targets=np.array([1.0, 0, 1])))
    told, _ = convert(source, tmp_path / "t.npy", ConversionRequest(targets=["1"]), lambda rows: None)
    assert (told.columns, told.targets) == (["0", "1"], ["1"])
