"""bp predict: a row of predictions for every row of the input."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from bpcli.nn import Array
from tests.cli.support import (
    Result,
    bp,
    good,
    line,
    points,
    read_csv,
    read_tensors,
    refused,
    write_config,
    write_idx,
    write_table,
    write_tensors,
)

POINTS = """
    data: {path: points.csv}
    network: {hidden: [5]}
    loss: cross_entropy
    epochs: 5
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, ``run``, on 60 points of three classes."""
    place = tmp_path_factory.mktemp("predict")
    points(place / "points.csv")
    write_config(place / "points.yaml", POINTS)
    good("train", "points.yaml", "--run", "run", cwd=place)
    return place


def forward(run: Path, X: Array) -> Array:
    """The outputs (N, n_L) of a run's ReLU network, from its file alone."""
    tensors, metadata = read_tensors(run / "model.safetensors")
    output = json.loads(metadata["bp"])["output"]["name"]
    A, layers = X, len(tensors) // 2
    for l in range(1, layers + 1):
        Z = A @ tensors[f"W{l}"].astype(float).T + tensors[f"b{l}"].astype(float)
        A = np.where(Z > 0, Z, 0) if l < layers else Z
    if output == "softmax":
        powers = np.exp(A - A.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    return 1 / (1 + np.exp(-A)) if output == "sigmoid" else A


def encoded(run: Path, rows: list[dict[str, str]]) -> Array:
    """Features as a run's header says they are made: (N, n_0)."""
    header = json.loads(read_tensors(run / "model.safetensors")[1]["bp"])
    columns: list[list[float]] = []
    for column in header["features"]["columns"]:
        cells = [row[column["name"]] for row in rows]
        if column["kind"] == "number":
            numbers = [float(cell) if cell else column["median"] for cell in cells]
            columns.append([(number - column["shift"]) / column["width"] for number in numbers])
        else:
            columns += [[float(cell == category) for cell in cells] for category in column["categories"]]
    return np.array(columns).T


def probabilities(rows: list[dict[str, str]]) -> Array:
    return np.array([[float(value) for name, value in row.items() if name.startswith("p_")] for row in rows])


def test_every_row_gets_a_prediction_and_a_probability_per_class(folder: Path) -> None:
    result = good("predict", "run", "--data", "points.csv", cwd=folder)
    assert result.out.splitlines()[0] == "prediction,p_ash,p_birch,p_cedar"
    assert len(result.out.splitlines()) == 61
    assert result.err == ""
    names = np.array(["ash", "birch", "cedar"])
    shares = probabilities(result.rows)
    assert [row["prediction"] for row in result.rows] == names[shares.argmax(axis=1)].tolist()
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)


def test_predictions_are_the_networks_outputs(folder: Path) -> None:
    found = probabilities(good("predict", "run", "--data", "points.csv", cwd=folder).rows)
    expected = forward(folder / "run", encoded(folder / "run", read_csv(folder / "points.csv")))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_rows_keep_their_order(folder: Path) -> None:
    rows = [[row["x"], row["y"]] for row in read_csv(folder / "points.csv")]
    write_table(folder / "reversed.csv", ["x", "y"], rows[::-1])
    forwards = good("predict", "run", "--data", "points.csv", cwd=folder).out.splitlines()[1:]
    backwards = good("predict", "run", "--data", "reversed.csv", cwd=folder).out.splitlines()[1:]
    assert forwards == backwards[::-1]


def test_more_rows_than_a_chunk_keep_their_order_and_count(folder: Path) -> None:
    rows = [[i / 1000, -i / 500] for i in range(2500)]
    write_table(folder / "many.csv", ["x", "y"], rows)
    found = good("predict", "run", "--data", "many.csv", "--keep", "x", cwd=folder).rows
    assert [row["x"] for row in found] == [str(x) for x, _ in rows]
    inputs = [{"x": str(x), "y": str(y)} for x, y in rows]
    np.testing.assert_allclose(
        probabilities(found), forward(folder / "run", encoded(folder / "run", inputs)), rtol=2e-5
    )


def test_columns_may_stand_in_another_order_among_others(folder: Path) -> None:
    rows = [[row["y"], "?", row["x"]] for row in read_csv(folder / "points.csv")]
    write_table(folder / "turned.csv", ["y", "note", "x"], rows)
    usual = good("predict", "run", "--data", "points.csv", cwd=folder)
    assert good("predict", "run", "--data", "turned.csv", cwd=folder) == usual


def test_standard_input_is_read_for_a_dash(folder: Path) -> None:
    usual = good("predict", "run", "--data", "points.csv", cwd=folder)
    data = (folder / "points.csv").read_bytes()
    assert good("predict", "run", "--data", "-", cwd=folder, stdin=data) == usual


def test_output_takes_the_place_of_standard_output(folder: Path) -> None:
    usual = good("predict", "run", "--data", "points.csv", cwd=folder)
    words = ["predict", "run", "--data", "points.csv", "--output", "predictions.csv"]
    for _ in range(2):  # an old file is replaced
        assert good(*words, cwd=folder) == Result(0, "", "")
        assert (folder / "predictions.csv").read_text() == usual.out
    assert not list(folder.glob(".*.part"))


def test_kept_columns_come_first_as_the_file_has_them(folder: Path) -> None:
    rows: list[list[object]] = [["007", "1.50", 0, 'say "hi", you', "x"], ["", "2e3", 1, "two\nlines", ""]]
    write_table(folder / "kept.csv", ["id", "x", "y", "note", "empty"], rows)
    words = ["--keep", "note", "--keep", "id", "--keep", "x", "--keep", "empty"]
    result = good("predict", "run", "--data", "kept.csv", *words, cwd=folder)
    header, *found = list(csv.reader(io.StringIO(result.out, newline="")))
    assert header == ["note", "id", "x", "empty", "prediction", "p_ash", "p_birch", "p_cedar"]
    assert [row[:4] for row in found] == [['say "hi", you', "007", "1.50", "x"], ["two\nlines", "", "2e3", ""]]
    plain = good("predict", "run", "--data", "kept.csv", cwd=folder).rows
    assert [row["prediction"] for row in plain] == [row[4] for row in found]


def test_kept_columns_of_an_array_file_are_its_numbers(folder: Path) -> None:
    features = np.array([[1.0, 0.25], [2.0, 1e-3]])
    np.save(folder / "pairs.npy", np.column_stack([features, [3.0, np.nan]]))
    write_config(folder / "pairs.yaml", "data: {path: more.npy}\nloss: cross_entropy\nepochs: 1\n")
    rng = np.random.default_rng(0)
    np.save(folder / "more.npy", np.column_stack([rng.normal(0, 1, (10, 2)), np.arange(10) % 2]))
    good("train", "pairs.yaml", "--run", "pairs", cwd=folder)
    words = ["--keep", "0", "--keep", "1", "--keep", "2"]
    found = good("predict", "pairs", "--data", "pairs.npy", *words, cwd=folder).rows
    assert [[row[name] for name in "012"] for row in found] == [["1", "0.25", "3"], ["2", "0.001", ""]]


def test_a_binary_network_gives_both_classes(folder: Path) -> None:
    rows = [[i / 10, "no" if i < 12 else "yes"] for i in range(20)]
    write_table(folder / "binary.csv", ["x", "is"], rows)
    changes = ["data.path=binary.csv", "loss=binary_cross_entropy"]
    good("train", "points.yaml", *changes, "--run", "binary", cwd=folder)
    found = good("predict", "binary", "--data", "binary.csv", cwd=folder).rows
    assert list(found[0]) == ["prediction", "p_no", "p_yes"]
    shares = probabilities(found)
    expected = forward(folder / "binary", encoded(folder / "binary", read_csv(folder / "binary.csv")))
    np.testing.assert_allclose(shares[:, 1:], expected, rtol=1e-5)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    assert [row["prediction"] for row in found] == ["yes" if p > 0.5 else "no" for p in shares[:, 1]]


def test_numeric_classes_are_predicted_as_whole_numbers(folder: Path) -> None:
    write_table(folder / "digits.csv", ["x", "digit"], [[i / 10, (10, 9, 8)[i % 3]] for i in range(20)])
    good("train", "points.yaml", "data.path=digits.csv", "--run", "digits", cwd=folder)
    found = good("predict", "digits", "--data", "digits.csv", cwd=folder).rows
    assert list(found[0]) == ["prediction", "p_8", "p_9", "p_10"]
    assert {row["prediction"] for row in found} <= {"8", "9", "10"}


def test_several_labels_get_a_column_each(folder: Path) -> None:
    write_table(folder / "labels.csv", ["x", "hot", "wet"], [[i / 10, i % 2, i % 3 % 2] for i in range(20)])
    changes = ["data={path: labels.csv, target: [hot, wet]}", "loss=binary_cross_entropy"]
    good("train", "points.yaml", *changes, "--run", "labels", cwd=folder)
    found = good("predict", "labels", "--data", "labels.csv", cwd=folder).rows
    assert list(found[0]) == ["prediction_hot", "prediction_wet", "p_hot", "p_wet"]
    expected = forward(folder / "labels", encoded(folder / "labels", read_csv(folder / "labels.csv")))
    np.testing.assert_allclose(probabilities(found), expected, rtol=1e-5)
    for row, outputs in zip(found, expected, strict=True):
        assert [row["prediction_hot"], row["prediction_wet"]] == [str(int(p > 0.5)) for p in outputs]


def test_a_regression_is_in_the_targets_own_units(folder: Path) -> None:
    line(folder / "line.csv")
    changes = ["data.path=line.csv", "loss=half_squared_error", "epochs=60"]
    good("train", "points.yaml", *changes, "--run", "line", cwd=folder)
    found = good("predict", "line", "--data", "line.csv", cwd=folder).rows
    assert list(found[0]) == ["prediction"]
    header = json.loads(read_tensors(folder / "line/model.safetensors")[1]["bp"])
    outputs = forward(folder / "line", encoded(folder / "line", read_csv(folder / "line.csv")))[:, 0]
    values = np.array([float(row["prediction"]) for row in found])
    np.testing.assert_allclose(values, outputs * header["targets"]["width"] + header["targets"]["shift"], rtol=1e-5)
    truth = np.array([float(row["y"]) for row in read_csv(folder / "line.csv")])
    assert np.corrcoef(values, truth)[0, 1] > 0.9
    assert np.abs(values - truth).mean() < 150


def test_several_outputs_of_a_regression_get_a_column_each(folder: Path) -> None:
    write_table(folder / "lines.csv", ["x", "up", "down"], [[i, 100 * i, -i] for i in range(20)])
    changes = ["data={path: lines.csv, target: [up, down]}", "loss=half_squared_error", "network=null", "epochs=400"]
    good("train", "points.yaml", *changes, "--run", "lines", cwd=folder)
    found = good("predict", "lines", "--data", "lines.csv", cwd=folder).rows
    assert list(found[0]) == ["prediction_up", "prediction_down"]
    np.testing.assert_allclose([float(row["prediction_up"]) for row in found], np.arange(20) * 100, atol=2)
    np.testing.assert_allclose([float(row["prediction_down"]) for row in found], -np.arange(20), atol=0.02)


def test_classes_without_probabilities_have_no_probability_columns(folder: Path) -> None:
    good("train", "points.yaml", "loss=half_squared_error", "--run", "squared", cwd=folder)
    found = good("predict", "squared", "--data", "points.csv", cwd=folder).rows
    assert list(found[0]) == ["prediction"]


def test_a_mixed_table_is_encoded_as_the_model_file_says(folder: Path) -> None:
    rows = [[i, "" if i % 7 == 0 else i / 3, ("red", "green", "")[i % 3], i % 2 == 0, "ab"[i % 2]] for i in range(40)]
    write_table(folder / "mixed.csv", ["n", "size", "colour", "big", "class"], rows)
    good("train", "points.yaml", "data.path=mixed.csv", "--run", "mixed", cwd=folder)
    new: list[list[object]] = [[3, 1.5, "red", True], [4, "", "green", False], [5, 2, "blue", ""], [6, 0, "", "true"]]
    write_table(folder / "new.csv", ["n", "size", "colour", "big"], new)
    result = good("predict", "mixed", "--data", "new.csv", cwd=folder)
    assert result.errors == [
        "warning: 1 missing number imputed by the training median: size (1)",
        "warning: 1 value of categories unseen in training, encoded as zeros: colour (1)",
    ]
    rows_as_learned = [{name: cell.lower() for name, cell in row.items()} for row in read_csv(folder / "new.csv")]
    expected = forward(folder / "mixed", encoded(folder / "mixed", rows_as_learned))
    np.testing.assert_allclose(probabilities(result.rows), expected, rtol=1e-5)


def test_images_are_predicted(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    images = rng.integers(0, 100, (40, 2, 3)) + 150 * labels[:, None, None]
    write_idx(tmp_path / "images", images)
    write_idx(tmp_path / "labels", labels)
    write_config(
        tmp_path / "images.yaml",
        "data: {train: {features: images, targets: labels}}\nloss: cross_entropy\noptimizer: {learning_rate: 1}\n",
    )
    good("train", "images.yaml", "--run", "run", cwd=tmp_path)
    found = good("predict", "run", "--data", "images", cwd=tmp_path).rows
    assert [row["prediction"] for row in found] == [str(label) for label in labels]
    expected = forward(tmp_path / "run", images.reshape(40, 6) / 255)
    np.testing.assert_allclose(probabilities(found), expected, rtol=1e-4, atol=1e-7)


def test_a_half_precision_model_computes_in_single(folder: Path, tmp_path: Path) -> None:
    from bpcli.storage.tensors import read_tensors as read
    from bpcli.storage.text import to_json

    tensors, header = read(folder / "run/model.safetensors")
    half = {name: array.astype(np.float16) for name, array in tensors.items()}
    path = write_tensors(tmp_path / "half.safetensors", half, to_json(header))
    found = probabilities(good("predict", path, "--data", "points.csv", cwd=folder).rows)
    expected = probabilities(good("predict", "run", "--data", "points.csv", cwd=folder).rows)
    np.testing.assert_allclose(found, expected, atol=5e-3)


# What it refuses.


def test_a_missing_feature_is_refused(folder: Path) -> None:
    write_table(folder / "narrow.csv", ["x", "tree"], [[1, "ash"]])
    refused(
        *("predict", "run", "--data", "narrow.csv"),
        cwd=folder,
        status=2,
        error="narrow.csv has no column 'y'",
        hint="its columns are x, tree",
    )


def test_a_missing_feature_is_hinted_at(folder: Path) -> None:
    write_table(folder / "capital.csv", ["height", "X"], [[1, 2]])
    write_table(folder / "named.csv", ["heights", "X", "tree"], [[i, i * i % 7, "ab"[i % 2]] for i in range(9)])
    good("train", "points.yaml", "data.path=named.csv", "--run", "named", cwd=folder)
    refused(
        *("predict", "named", "--data", "capital.csv"),
        cwd=folder,
        status=2,
        error="capital.csv has no column 'heights'",
        hint="did you mean 'height'? (its columns are height, X)",
    )


def test_text_where_training_had_numbers_is_predicted_as_missing_with_a_warning(folder: Path) -> None:
    found = good("predict", "run", "--data", "-", cwd=folder, stdin=b"x,y\n1,2\n\n3,tall\n")
    assert found.out == good("predict", "run", "--data", "-", cwd=folder, stdin=b"x,y\n1,2\n\n3,\n").out
    assert found.err == (
        "warning: 1 missing number imputed by the training median: y (1)\n"
        "warning: column 'y', of numbers in training, holds 'tall' at <stdin>:4 (1 of 2 cells), "
        "which counts as missing; if it means missing: data.missing: ['tall']\n"
    )


def test_an_infinite_number_is_refused_at_its_line(folder: Path) -> None:
    refused(
        *("predict", "run", "--data", "-"),
        cwd=folder,
        status=3,
        stdin=b"x,y\n1,2\n\n3,inf\n",
        error="<stdin>:4: column 'y' holds inf, not a finite number",
        hint="leave the cell empty where the number is unknown",
    )


def test_a_kept_column_keeps_words_that_mean_missing_elsewhere(folder: Path) -> None:
    write_table(folder / "countries.csv", ["x", "y", "id"], [[1, 2, "NA"], [3, 4, "007"], [5, 6, ""]])
    found = good("predict", "run", "--data", "countries.csv", "--keep", "id", cwd=folder).rows
    assert [row["id"] for row in found] == ["NA", "007", ""]


def test_a_column_to_keep_that_is_not_there_is_refused(folder: Path) -> None:
    refused(
        *("predict", "run", "--data", "points.csv", "--keep", "trees"),
        cwd=folder,
        status=2,
        error="points.csv has no column 'trees'",
        hint="did you mean 'tree'? (its columns are x, y, tree)",
    )


@pytest.mark.parametrize("name", ["prediction", "p_ash"])
def test_a_kept_column_never_hides_a_prediction(folder: Path, name: str) -> None:
    write_table(folder / "clash.csv", ["x", "y", name], [[1, 2, "old"]])
    refused(
        *("predict", "run", "--data", "clash.csv", "--keep", name),
        cwd=folder,
        status=2,
        error=f"command line: the predictions have a column '{name}' too",
        hint="rename it in the file",
    )


def test_a_kept_column_never_hides_the_numbers_of_rows(folder: Path) -> None:
    write_table(folder / "row.csv", ["x", "y", "row", "tree"], [[i, i % 3, 100 + i, "ab"[i % 2]] for i in range(20)])
    good("train", "points.yaml", "data={path: row.csv, target: tree, features: [x, y]}", "--run", "rows", cwd=folder)
    refused(
        *("predict", "rows", "--split", "train", "--keep", "row"),
        cwd=folder,
        status=2,
        error="command line: the predictions have a column 'row' too",
        hint="rename it in the file",
    )


def test_a_part_of_the_runs_data_is_predicted_with_the_numbers_of_its_rows(folder: Path) -> None:
    good("train", "points.yaml", "data.split={validation: 0.2, test: 0.3}", "--run", "dealt", cwd=folder)
    everything = good("predict", "dealt", "--data", "points.csv", cwd=folder).rows
    dealt = {int(row["row"]): row["part"] for row in read_csv(folder / "dealt/split.csv")}
    trees = [row["tree"] for row in read_csv(folder / "points.csv")]
    for part, count in (("test", 18), ("validation", 12), ("train", 30)):
        rows = good("predict", "dealt", "--split", part, "--keep", "tree", cwd=folder).rows
        assert list(rows[0])[:3] == ["row", "tree", "prediction"]
        assert [int(row["row"]) for row in rows] == [row for row in range(60) if dealt[row] == part]
        assert len(rows) == count
        for row in rows:
            whole = everything[int(row["row"])]
            assert (row["prediction"], row["tree"]) == (whole["prediction"], trees[int(row["row"])])
            assert float(row["p_ash"]) == pytest.approx(float(whole["p_ash"]), rel=1e-5)


def test_a_part_goes_without_data(folder: Path) -> None:
    refused(
        *("predict", "run", "--split", "train", "--data", "points.csv"),
        cwd=folder,
        status=2,
        error="command line: --split names a part of the run's data, --data a file",
        hint="--data FILE, or --split test",
    )


def test_data_are_required(folder: Path) -> None:
    refused(
        *("predict", "run"),
        cwd=folder,
        status=2,
        error="command line: no examples are named",
        hint="--data FILE, or --split test",
    )


def test_a_file_that_is_not_there_is_refused(folder: Path) -> None:
    refused(
        *("predict", "run", "--data", "nowhere.csv"),
        cwd=folder,
        status=3,
        error="nowhere.csv: no such file",
        hint="check the path",
    )


def test_nothing_on_standard_input_is_refused(folder: Path) -> None:
    refused(
        *("predict", "run", "--data", "-"),
        cwd=folder,
        status=3,
        error="<stdin>: the file is empty",
        hint="it needs a header and at least one example",
    )


def test_a_refused_file_leaves_the_output_as_it_was(folder: Path) -> None:
    (folder / "old.csv").write_text("precious\n")
    write_table(folder / "text.csv", ["x", "y"], [[1, 2], [3, "inf"]])
    result = bp("predict", "run", "--data", "text.csv", "--output", "old.csv", cwd=folder)
    assert result.status == 3
    assert (folder / "old.csv").read_text() == "precious\n"


def test_the_examples_are_never_overwritten(folder: Path) -> None:
    before = (folder / "points.csv").read_bytes()
    refused(
        *("predict", "run", "--data", "points.csv", "--output", "./points.csv"),
        cwd=folder,
        status=2,
        error="points.csv: it is an input of this command",
        hint="name another file to write",
    )
    assert (folder / "points.csv").read_bytes() == before
