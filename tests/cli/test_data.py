"""``bp data convert``: what it prints, what it writes, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpcli.cli import data
from tests.cli.support import bp, good, line, points, process, read_metrics, refused, write_config


def test_the_file_is_printed_and_its_columns_shown(tmp_path: Path) -> None:
    points(tmp_path / "points.csv")

    result = good("data", "convert", "points.csv", "points.npy", cwd=tmp_path)

    assert result.out == "points.npy\n"
    assert result.errors == [
        "60 examples; columns: 0 x, 1 y, 2 tree; target, last: tree",
        "classes: 0 ash, 1 birch, 2 cedar",
    ]
    assert np.load(tmp_path / "points.npy").shape == (60, 3)


def test_json_has_what_the_file_itself_cannot_contain(tmp_path: Path) -> None:
    points(tmp_path / "points.csv")
    options = ["--target", "x", "--drop", "y", "--quiet", "--json"]
    result = good("data", "convert", "points.csv", "points.npy", *options, cwd=tmp_path)

    assert result.err == ""
    assert result.json == {
        "file": "points.npy",
        "examples": 60,
        "columns": ["tree=ash", "tree=birch", "tree=cedar", "x"],
        "targets": ["x"],
        "classes": None,
    }


def test_converted_table_trains_to_the_same_metrics(tmp_path: Path) -> None:
    line(tmp_path / "line.csv")
    settings = "loss: half_squared_error\nepochs: 3\nnetwork: {hidden: [4]}\n"
    write_config(tmp_path / "line.yaml", f"data: {{path: line.csv, split: {{test: 0.2}}}}\n{settings}")
    good("data", "convert", "line.csv", "line.npy", "--dtype", "float64", cwd=tmp_path)

    good("train", "line.yaml", "--run", "table", "--quiet", cwd=tmp_path)
    good("train", "line.yaml", "data.path=line.npy", "--run", "array", "--quiet", cwd=tmp_path)

    assert read_metrics(tmp_path / "table") == read_metrics(tmp_path / "array")
    assert (tmp_path / "table/metrics.csv").read_bytes() == (tmp_path / "array/metrics.csv").read_bytes()


def test_run_is_the_same_where_the_file_is_left_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "a.npy", np.column_stack([rng.normal(2, 3, (90, 6)), np.arange(90) % 3]))
    write_config(tmp_path / "a.yaml", "data: {path: a.npy, split: {validation: 0.2}}\nloss: cross_entropy\nepochs: 2\n")
    from bpcli.data.encoding import matrix_features

    good("train", "a.yaml", "--run", "in_memory", "--quiet", cwd=tmp_path)
    monkeypatch.setattr(matrix_features, "LOADED", 0)
    good("train", "a.yaml", "--run", "in_place", "--quiet", cwd=tmp_path)
    runs = ("in_memory", "in_place")
    reports = [good("evaluate", run, "--data", "a.npy", "--json", cwd=tmp_path).json for run in runs]
    predicted = [good("predict", run, "--data", "a.npy", cwd=tmp_path).out for run in runs]

    for name in ("metrics.csv", "model.safetensors", "config.yaml", "run.json"):
        assert (tmp_path / "in_memory" / name).read_bytes() == (tmp_path / "in_place" / name).read_bytes()
    assert reports[0] | {"run": ""} == reports[1] | {"run": ""}
    assert predicted[0] == predicted[1]


def test_progress_is_shown_at_intervals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line(tmp_path / "line.csv")
    monkeypatch.setattr(data, "PROGRESS_SECONDS", -1.0)
    result = good("data", "convert", "line.csv", "line.npy", cwd=tmp_path)
    assert result.errors[:-1] == ["50 rows", "50 rows"]


def test_table_comes_through_standard_input_too(tmp_path: Path) -> None:
    words = ["data", "convert", "-", "t.npy", "--no-header", "--delimiter", ";", "--missing", "?", "--quiet"]
    result = bp(*words, cwd=tmp_path, stdin=b"1;2\n?;4\n")

    assert (result.status, result.out) == (0, "t.npy\n")
    np.testing.assert_array_equal(np.load(tmp_path / "t.npy"), np.array([[1, 2], [np.nan, 4]], np.float32))


def test_absent_file_is_refused(tmp_path: Path) -> None:
    refused(
        "data", "convert", "a.csv", "a.npy", cwd=tmp_path, status=3, error="a.csv: no such file", hint="check the path"
    )


def test_file_is_not_converted_to_itself(tmp_path: Path) -> None:
    np.save(tmp_path / "line.npy", np.ones((3, 2)))
    refused(
        *("data", "convert", "line.npy", "line.npy"),
        cwd=tmp_path,
        status=2,
        error="line.npy: it is an input of this command",
        hint="name another file to write",
    )


@pytest.mark.parametrize("name", ["line.csv", "other", "other.npz"])
def test_target_ends_in_npy(name: str, tmp_path: Path) -> None:
    line(tmp_path / "line.csv")
    refused(
        *("data", "convert", "line.csv", name),
        cwd=tmp_path,
        status=2,
        error=f"command line: TARGET is {name!r}, which does not end in .npy",
        hint="name it with .npy",
    )


def test_delimiter_is_one_character(tmp_path: Path) -> None:
    refused(
        *("data", "convert", "a.csv", "a.npy", "--delimiter", "ab"),
        cwd=tmp_path,
        status=2,
        error="command line: --delimiter is 'ab'",
        hint="one character, not a quote",
    )


def test_malformed_table_is_reported_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3\n")
    refused(
        *("data", "convert", "t.csv", "t.npy"),
        cwd=tmp_path,
        status=3,
        error="t.csv:3: 1 cells where the first row has 2",
        hint="quote cells that hold the delimiter, or set data.delimiter",
    )


def test_folder_that_is_not_there_is_the_systems_refusal(tmp_path: Path) -> None:
    line(tmp_path / "line.csv")
    result = process("data", "convert", "line.csv", "gone/line.npy", cwd=tmp_path)
    assert (result.status, result.out) == (74, "")
