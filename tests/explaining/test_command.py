"""``bp explain`` as a shell sees it: configs, runs, examples, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.support import good, on_terminal, read_tensors, refused, write_config, write_table
from tests.explaining.support import ROWS, config


def explained(*words: str, cwd: Path) -> dict[str, Any]:
    return good("explain", *words, "--format", "json", cwd=cwd).json


def value(parsed: dict[str, Any], key: str, layer: int, update: int = 0) -> Any:
    steps = parsed["updates"][update]["steps"]
    return next(np.array(step["value"]) for step in steps if (step["key"], step["layer"]) == (key, layer))


def test_a_config_is_explained_at_its_initial_parameters(tmp_path: Path) -> None:
    config(tmp_path, "classes")
    run = good("train", "classes.yaml", "epochs=1", "dtype=float64", "--run", "run", "--quiet", cwd=tmp_path)
    assert run.status == 0
    every = [word for row in range(len(ROWS)) for word in ("--example", str(row))]
    parsed = explained("classes.yaml", *every, cwd=tmp_path)
    trained, _ = read_tensors(tmp_path / "run" / "model.safetensors")
    assert not parsed["trained"]
    for l in (1, 2):
        assert np.allclose(value(parsed, "new_weights", l), trained[f"W{l}"], 1e-14)
        assert np.allclose(value(parsed, "new_biases", l)[:, 0], trained[f"b{l}"], 1e-14)


def test_a_run_is_explained_at_its_trained_parameters(tmp_path: Path) -> None:
    config(tmp_path, "binary")
    good("train", "binary.yaml", "epochs=3", "--run", "run", "--quiet", cwd=tmp_path)
    trained, _ = read_tensors(tmp_path / "run" / "model.safetensors")
    parsed = explained("run", "optimizer.learning_rate=0.5", cwd=tmp_path)
    assert parsed["trained"]
    assert parsed["optimizer"]["learning_rate"] == 0.5
    assert np.array_equal(value(parsed, "weights", 1), trained["W1"].astype(np.float64))


def test_a_run_no_longer_needs_the_weights_that_it_started_from(tmp_path: Path) -> None:
    config(tmp_path, "binary")
    good("train", "binary.yaml", "epochs=1", "--run", "first", "--quiet", cwd=tmp_path)
    good("train", "binary.yaml", "epochs=1", "network.weights=first", "--run", "run", "--quiet", cwd=tmp_path)
    (tmp_path / "first").rename(tmp_path / "away")
    assert explained("run", cwd=tmp_path)["trained"]


def test_examples_are_rows_of_the_file_whatever_part_they_fell_into(tmp_path: Path) -> None:
    config(tmp_path, "numbers")
    words = [word for row in range(len(ROWS)) for word in ("--example", str(row))]
    parsed = explained("numbers.yaml", "data.split.test=0.5", *words, cwd=tmp_path)
    assert np.array_equal(value(parsed, "inputs", 0).T, np.array([row[:2] for row in ROWS], float))
    examples = parsed["updates"][0]["examples"]
    assert [example["row"] for example in examples] == list(range(6))
    assert sorted(example["part"] for example in examples) == ["test"] * 3 + ["train"] * 3


def test_parts_with_files_of_their_own_are_not_counted(tmp_path: Path) -> None:
    config(tmp_path, "numbers")
    write_table(tmp_path / "other.csv", ["u", "v", "c", "d", "tree", "y"], ROWS)
    refused(
        "explain",
        "numbers.yaml",
        "data.test=other.csv",
        "--example",
        "6",
        cwd=tmp_path,
        status=2,
        error="command line: there is no example 6",
        hint=f"the 6 examples of {tmp_path / 'table.csv'} count from 0 to 5",
    )


@pytest.mark.parametrize("row", ["6", "-1", "1000000"])
def test_an_example_out_of_range_is_refused(tmp_path: Path, row: str) -> None:
    config(tmp_path, "binary")
    refused(
        "explain",
        "binary.yaml",
        "--example",
        row,
        cwd=tmp_path,
        status=2,
        error=f"command line: there is no example {row}",
        hint=f"the 6 examples of {tmp_path / 'table.csv'} count from 0 to 5",
    )


def test_an_example_twice_is_refused(tmp_path: Path) -> None:
    config(tmp_path, "binary")
    refused(
        "explain",
        "binary.yaml",
        "--example",
        "1",
        "--example",
        "1",
        cwd=tmp_path,
        status=2,
        error="command line: example 1 is named 2 times",
        hint="name it once",
    )


def test_a_document_that_cannot_express_the_network_is_refused(tmp_path: Path) -> None:
    config(tmp_path, "numbers")
    refused(
        "explain",
        "numbers.yaml",
        "--document",
        "biswas",
        cwd=tmp_path,
        status=2,
        error="command line: document biswas cannot express this network: "
        "the document needs loss cross_entropy, the network has loss half_squared_error",
        hint="documents that can: standard, general, half-squared-error",
    )


def test_a_run_on_data_encoded_otherwise_is_refused(tmp_path: Path) -> None:
    config(tmp_path, "binary")
    good("train", "binary.yaml", "epochs=1", "--run", "run", "--quiet", cwd=tmp_path)
    refused(
        "explain",
        "run",
        "data.scale=standard",
        cwd=tmp_path,
        status=3,
        error="run: the data are not encoded as those the run was trained on",
        hint="restore the data file, or leave out the overrides that change how the data are encoded",
    )


def test_data_that_changed_since_the_run_are_told(tmp_path: Path) -> None:
    config(tmp_path, "binary")
    good("train", "binary.yaml", "epochs=1", "--run", "run", "--quiet", cwd=tmp_path)
    write_table(tmp_path / "table.csv", ["u", "v", "c", "d", "tree", "y"], [[*row[:5], 9] for row in ROWS])
    result = good("explain", "run", cwd=tmp_path)
    assert result.errors == [f"warning: {tmp_path / 'table.csv'} has changed since the run"]


@pytest.mark.parametrize("form", ["text", "markdown", "latex", "json"])
def test_every_format_is_written_to_standard_output(tmp_path: Path, form: str) -> None:
    config(tmp_path, "labels")
    result = good("explain", "labels.yaml", "--format", form, cwd=tmp_path)
    assert result.err == ""
    starts = {"text": "Backpropagation", "markdown": "# Back", "latex": "\\documentclass", "json": '{"activations"'}
    assert result.out.startswith(starts[form])
    assert (str(tmp_path) in result.out) == (form == "json")  # a hand-out does not name its maker's folders
    assert result.out.endswith("\n")


def test_the_default_example_is_the_first(tmp_path: Path) -> None:
    config(tmp_path, "labels")
    parsed = explained("labels.yaml", cwd=tmp_path)
    assert parsed["updates"][0]["examples"] == [{"row": 0, "part": "train"}]


def test_images_are_explained_as_the_network_gets_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "points.npz", features=rng.normal(0, 1, (8, 20)), targets=np.arange(8) % 2)
    write_config(
        tmp_path / "points.yaml", "data: {path: points.npz, scale: none}\nnetwork: {hidden: [4]}\nloss: cross_entropy\n"
    )
    result = good("explain", "points.yaml", "--example", "7", cwd=tmp_path)
    assert "… 6 of 20 columns shown" in result.out
    assert json.loads(good("explain", "points.yaml", "--format", "json", cwd=tmp_path).out)["layers"] == [20, 4, 2]


@pytest.mark.parametrize(("columns", "width"), [(40, 60), (100, 100)])
def test_text_is_as_wide_as_the_terminal(tmp_path: Path, columns: int, width: int) -> None:
    config(tmp_path, "classes")
    lines = on_terminal("explain", "classes.yaml", cwd=tmp_path, width=columns).out.splitlines()
    assert max(len(line) for line in lines if not line.startswith(("Source: ", "data: "))) == width


def test_derive_adds_the_displayed_equations_before_the_update(tmp_path: Path) -> None:
    config(tmp_path, "classes")
    update = explained("classes.yaml", "--document", "biswas", "--derive", cwd=tmp_path)["updates"][0]
    stages = [step["stage"] for step in update["steps"]]
    first, last = stages.index("derivation"), len(stages) - stages[::-1].index("derivation")
    assert set(stages[first:last]) == {"derivation"}
    assert set(stages[last:]) == {"update"}
    assert all(step["distance"] < 1e-12 for step in update["steps"][first:last])
    assert all(step["distance"] is None for step in update["steps"][:first])
    assert any(line.startswith("4.1, chain: holds where every hidden layer has one unit") for line in update["omitted"])
