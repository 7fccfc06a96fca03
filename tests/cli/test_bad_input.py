"""Bad input: one error with its place, the value and a remedy, the documented status, and nothing left behind."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.cli.support import bp, good, listing, points, write_config, write_idx, write_table

GOOD = """
seed: 1
data:
  path: points.csv
  split: {validation: 0.2}
network:
  hidden: [5, {units: 4, activation: tanh}]
loss: cross_entropy
optimizer:
  mode: mini_batch
  learning_rate: 0.1
epochs: 1
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with points and a run on them."""
    place = tmp_path_factory.mktemp("bad_input")
    points(place / "points.csv")
    write_config(place / "good.yaml", GOOD)
    good("train", "good.yaml", "--run", "run", cwd=place)
    return place


@pytest.fixture
def folder(tmp_path: Path, template: Path) -> Path:
    (tmp_path / "points.csv").write_bytes((template / "points.csv").read_bytes())
    write_config(tmp_path / "good.yaml", GOOD)
    return tmp_path


def check(folder: Path, words: list[str | Path], status: int, where: str, expected: list[str], remedy: str) -> None:
    """The command fails with one error there that contains all of ``expected``, and changes no file."""
    before = listing(folder)
    result = bp(*words, cwd=folder)
    assert (result.status, result.out) == (status, ""), result
    assert len(result.errors) == 2, result.err
    error, hint = result.errors
    assert error.startswith(f"error: {where}: "), error
    assert [text for text in expected if text not in error] == [], error
    assert hint.startswith("hint: "), hint
    assert remedy in hint
    assert listing(folder) == before


def check_config(folder: Path, text: str | bytes, line: int, expected: list[str], remedy: str) -> None:
    data = text.lstrip("\n").encode() if isinstance(text, str) else text
    (folder / "bad.yaml").write_bytes(data)
    for words in (["train", "bad.yaml"], ["config", "check", "bad.yaml"]):
        check(folder, [*words], 2, f"bad.yaml:{line}", expected, remedy)


# Keys.


@pytest.mark.parametrize(
    ("old", "new", "line", "expected", "remedy"),
    [
        ("epochs: 1", "epoch: 1", 11, ["epoch"], "did you mean 'epochs'?"),
        ("  path: points.csv", "  path: points.csv\n  traget: tree", 4, ["data", "traget"], "did you mean 'target'?"),
        ("validation: 0.2", "valid: 0.2", 4, ["valid"], "did you mean 'validation'?"),
        ("hidden:", "hiden:", 6, ["network", "hiden"], "did you mean 'hidden'?"),
        ("units: 4,", "units: 4, activaton: relu,", 6, ["activaton"], "did you mean 'activation'?"),
        ("activation: tanh", "activation: tahn", 6, ["'tahn'"], "did you mean 'tanh'?"),
        ("activation: tanh", "activation: {name: leaky_relu, slop: 1}", 6, ["'slop'"], "did you mean 'slope'?"),
        ("loss: cross_entropy", "loss: crossentropy", 7, ["'crossentropy'"], "did you mean 'cross_entropy'?"),
        ("loss: cross_entropy", "loss: {name: cross_entropy, output: sum}", 7, ["'output'"], "did you mean 'outputs'?"),
        ("learning_rate: 0.1", "learningrate: 0.1", 10, ["'learningrate'"], "did you mean 'learning_rate'?"),
        ("learning_rate: 0.1", "name: adam\n  beta_1: 0.1", 11, ["adam", "'beta_1'"], "did you mean 'beta1'?"),
        ("mode: mini_batch", "mode: minibatch", 9, ["'minibatch'"], "did you mean 'mini_batch'?"),
        ("loss: cross_entropy\n", "", 1, ["loss is required"], "cross_entropy"),
        ("  path: points.csv\n", "", 2, ["no training file"], "data.path"),
    ],
)
def test_unknown_missing_and_misspelt_keys(
    folder: Path, old: str, new: str, line: int, expected: list[str], remedy: str
) -> None:
    assert GOOD.count(old) == 1
    check_config(folder, GOOD.replace(old, new), line, expected, remedy)


# Values.


@pytest.mark.parametrize(
    ("old", "new", "line", "expected", "remedy"),
    [
        ("epochs: 1", "epochs: many", 11, ["epochs", "'many'"], "a whole number"),
        ("epochs: 1", "epochs: 1.5", 11, ["epochs", "1.5"], "a whole number"),
        ("epochs: 1", "epochs: true", 11, ["epochs", "true"], "a whole number"),
        ("epochs: 1", "epochs: 0", 11, ["epochs", "0"], "at least 1"),
        ("epochs: 1", "epochs: [1]", 11, ["epochs", "[1]"], "a whole number"),
        ("seed: 1", "seed: -1", 1, ["seed", "-1"], "at least 0"),
        ("seed: 1", "seed: '1'", 1, ["seed", "'1'"], "a whole number"),
        ("seed: 1", "dtype: float16", 1, ["dtype", "'float16'"], "float32, float64"),
        ("learning_rate: 0.1", "learning_rate: -0.1", 10, ["learning_rate", "-0.1"], "greater than 0"),
        ("learning_rate: 0.1", "learning_rate: 0", 10, ["learning_rate", "0"], "greater than 0"),
        ("learning_rate: 0.1", "learning_rate: fast", 10, ["learning_rate", "'fast'"], "a number"),
        ("learning_rate: 0.1", "learning_rate: .nan", 10, [".nan"], "number"),
        ("learning_rate: 0.1", "learning_rate: -.inf", 10, ["-.inf"], "number"),
        ("learning_rate: 0.1", "learning_rate: 1e400", 10, ["1e400"], "number"),
        ("learning_rate: 0.1", "shuffle: 1", 10, ["shuffle", "1"], "true or false"),
        ("learning_rate: 0.1", "batch_size: 0", 10, ["batch_size", "0"], "at least 1"),
        ("mode: mini_batch", "mode: sgd\n  batch_size: 8", 10, ["batch_size", "sgd"], "mini_batch"),
        ("mode: mini_batch", "mode: batch\n  batch_size: 8", 10, ["batch_size", "batch"], "mini_batch"),
        ("mode: mini_batch", "batch_size: 49", 9, ["batch_size", "49", "48 training examples"], "smaller"),
        ("[5, {units", "[0, {units", 6, ["units", "0"], "at least 1"),
        ("[5, {units", "[5.0, {units", 6, ["units", "5.0"], "a whole number"),
        ("units: 4", "units: -4", 6, ["units", "-4"], "at least 1"),
        ("units: 4, ", "", 6, ["units is required"], "units: 16"),
        ("validation: 0.2", "validation: 1", 4, ["validation", "1"], "less than 1"),
        ("validation: 0.2", "validation: 0.6, test: 0.4", 4, ["validation and test", "1"], "train"),
        ("validation: 0.2", "validation: 0.001", 4, ["0.001", "60 examples"], ""),
    ],
)
def test_values_that_cannot_be(folder: Path, old: str, new: str, line: int, expected: list[str], remedy: str) -> None:
    assert GOOD.count(old) == 1
    check_config(folder, GOOD.replace(old, new), line, expected, remedy)


@pytest.mark.parametrize("hidden", ["[[]]", "[{}]", "['']", "[null]"])
def test_an_empty_layer_is_refused(folder: Path, hidden: str) -> None:
    (folder / "bad.yaml").write_text(GOOD.replace("[5, {units: 4, activation: tanh}]", hidden).lstrip())
    result = bp("config", "check", "bad.yaml", cwd=folder)
    assert (result.status, result.out) == (2, "")
    assert result.errors[0].startswith("error: bad.yaml:6: network.hidden.0")
    assert result.errors[1].startswith("hint: ")


@pytest.mark.parametrize(
    ("network", "line", "expected"),
    [
        ("{output: identity}", 3, ["cross_entropy", "[0, 1]", "identity"]),
        ("{output: tanh}", 3, ["cross_entropy", "[0, 1]", "tanh"]),
        ("\n  hidden: [{units: 1, activation: softmax}]", 4, ["softmax"]),
    ],
)
def test_activations_that_do_not_fit(folder: Path, network: str, line: int, expected: list[str]) -> None:
    text = f"data: {{path: points.csv}}\nloss: cross_entropy\nnetwork: {network}\n"
    check_config(folder, text, line, expected, "")


def test_a_softmax_of_one_output_is_refused(folder: Path) -> None:
    write_table(folder / "two.csv", ["x", "is"], [[i, "ab"[i % 2]] for i in range(8)])
    text = "data: {path: two.csv}\nloss: binary_cross_entropy\nnetwork:\n  output: softmax\n"
    check_config(folder, text, 4, ["a softmax of one unit is always 1"], "sigmoid")


# YAML.


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("seed: 1\nloss: cross_entropy\nseed: 2\n", 3, ["'seed'", "twice"]),
        ("data: {path: a.csv, path: b.csv}\n", 1, ["'path'", "twice"]),
        ("seed: &s 1\nepochs: *s\n", 2, ["*s"]),
        ("data: {path: points.csv}\nloss: [cross_entropy\n", 3, ["not YAML"]),
        ("seed: !!int 3\n", 1, ["tag"]),
        ("loss: cross_entropy\n---\nloss: cross_entropy\n", 2, ["second"]),
        ("- 1\n- 2\n", 1, ["mapping"]),
        ("just words\n", 1, ["mapping"]),
        (b"loss: cross_entropy\ndata:\n  path: gr\xf6\xdfe.csv\n", 3, ["0xf6", "UTF-8"]),
        ("[" * 200_000, 1, ["nested"]),
        ("seed: " + "{a: " * 200_000, 1, ["nested"]),
        ("- " * 200_000, 1, ["nested"]),
    ],
    ids=["twice", "twice inside", "alias", "open", "tag", "two", "list", "words", "latin", "[", "{", "-"],
)
def test_yaml_that_is_no_config(folder: Path, text: str | bytes, line: int, expected: list[str]) -> None:
    check_config(folder, text, line, expected, "")


def test_deep_nesting_is_refused_in_an_override(folder: Path) -> None:
    word = f"network.hidden={'[' * 100_000}"
    result = bp("train", "good.yaml", word, cwd=folder)
    assert (result.status, result.out) == (2, "")
    assert result.errors[0].startswith("error: command line: ")
    assert "nested" in result.errors[0]


@pytest.mark.parametrize(
    ("word", "expected", "remedy"),
    [
        ("epoch=3", ["'epoch'"], "did you mean 'epochs'?"),
        ("optimizer.learning_rate=-1", ["-1"], "greater than 0"),
        ("optimizer.name=adm", ["'adm'"], "did you mean 'adam'?"),
        ("network.hidden.0=4", ["network.hidden", "list"], ""),
        ("seed=[1", ["not YAML"], ""),
    ],
)
def test_overrides_are_checked_as_the_config_is(folder: Path, word: str, expected: list[str], remedy: str) -> None:
    check(folder, ["train", "good.yaml", word], 2, "command line", expected, remedy)


def test_a_folder_is_no_config(folder: Path) -> None:
    (folder / "configs").mkdir()
    check(folder, ["train", "configs"], 2, "configs", ["folder"], "YAML file")


# Data.


@pytest.mark.parametrize(
    ("data", "place", "expected"),
    [
        (b"", "", ["empty"]),
        (b"x,y,tree\n", "", ["header", "no rows"]),
        (b"\n\n\n", "", ["no rows"]),
        (b"x,y,tree\n1,2,ash\n1,2\n", ":3", ["2 cells", "3"]),
        (b"x,y,tree\n1,2,ash\n\n1,2,3,oak\n", ":4", ["4 cells", "3"]),
        (b'x,y,tree\n1,"2\n3",ash\n1,2,3,oak\n', ":4", ["4 cells", "3"]),
        (b"x,y,tree\n1,2,ash\n1,2,\n", ":3", ["'tree'", "missing"]),
        (b'x,y,tree\n1,"2\n3",ash\n1,2,NA\n', ":4", ["'tree'", "missing"]),
        (b"x,y,tree\n1,2,ash\n1,2,b\xfcche\n", ":3", ["0xfc", "UTF-8"]),
        (b"x,x,tree\n1,2,ash\n", ":1", ["'x'", "twice"]),
        (b"x,y,tree\n1,2,ash\n1e400,2,oak\n", ":3", ["'x'", "1e400"]),
        (b"x,y\0,tree\n1,2,ash\n", ":1", ["binary"]),
        (b"\x1f\x8b\x08not gzip", "", ["gzip"]),
        (gzip.compress(b"x,y,tree\n1,2,ash\n1,2,oak\n", mtime=0)[:-9], "", ["gzip"]),
        (b"PAR1 and no more", "", ["Parquet"]),
        (b"\x93NUMPY\x01\x00", "", ["NPY"]),
        (b"PK\x03\x04 and no more", "", ["NPZ"]),
        (b"\0\0\x08\x03\0\0\0\x05\0\0\0\x02\0\0\0\x02abc", "", ["(5, 2, 2)", "3 bytes"]),
        (b"\0\0\x07\x01\0\0\0\x01a", "", ["0x07"]),
    ],
)
def test_files_that_are_no_data(folder: Path, data: bytes, place: str, expected: list[str]) -> None:
    path = folder / "bad.csv"
    path.write_bytes(data)
    check(folder, ["train", "good.yaml", "data.path=bad.csv"], 3, f"{path}{place}", expected, "")


@pytest.mark.parametrize("cell", ["inf", "-inf", "Infinity", "1e999"])
def test_infinite_numbers_are_refused(folder: Path, cell: str) -> None:
    rows = [[i, i % 5, "ab"[i % 2]] for i in range(20)]
    rows[7][1] = cell
    path = write_table(folder / "inf.csv", ["x", "y", "tree"], rows)
    check(folder, ["train", "good.yaml", "data.path=inf.csv"], 3, f"{path}:9", ["'y'", cell], "")


def test_infinite_numbers_in_an_array_are_refused(folder: Path) -> None:
    features = np.zeros((5, 2))
    features[3, 1] = np.inf
    path = folder / "inf.npz"
    np.savez(path, features=features, targets=np.arange(5) % 2)
    check(folder, ["train", "good.yaml", "data.path=inf.npz"], 3, f"{path}: row 3", ["infinite"], "")


@pytest.mark.parametrize(
    ("change", "expected", "remedy"),
    [
        ("data.target=tre", ["points.csv has no column 'tre'"], "did you mean 'tree'? (its columns are x, y, tree)"),
        ("data.target=[x, tre]", ["points.csv has no column 'tre'"], "did you mean 'tree'?"),
        ("data.features=[x, z]", ["points.csv has no column 'z'"], "its columns are x, y, tree"),
        ("data.drop=z", ["points.csv has no column 'z'"], "its columns are x, y, tree"),
        ("data.features=[x, tree]", ["'tree' is the target and a feature"], ""),
    ],
)
def test_columns_that_the_data_lack(folder: Path, change: str, expected: list[str], remedy: str) -> None:
    check(folder, ["train", "good.yaml", change], 2, f"command line: {change}", expected, remedy)


def test_some_column_must_be_left(folder: Path) -> None:
    words: list[str | Path] = ["train", "good.yaml", "data.drop=[x, y]"]
    check(folder, words, 2, "good.yaml:3", ["no column left", "x, y, tree"], "data.drop")


def test_a_missing_column_is_placed_in_the_config(folder: Path) -> None:
    text = "loss: cross_entropy\ndata:\n  path: points.csv\n  target: tre\n"
    check_config(folder, text, 4, [f"{folder}/points.csv has no column 'tre'"], "did you mean 'tree'?")


@pytest.mark.parametrize(
    ("loss", "targets", "expected"),
    [
        ("cross_entropy", [0.5, 1, 0], ["0.5", "no class"]),
        ("binary_cross_entropy", [0.5, 1.5, 0], ["1.5", "bad.csv:3", "outside [0, 1]"]),
        ("binary_cross_entropy", [-0.5, 1, 0], ["-0.5", "bad.csv:2", "outside [0, 1]"]),
        ("cross_entropy", ["ash", "ash", "ash"], ["'ash'", "nothing to tell apart"]),
        ("half_squared_error", ["1", "2", "three"], []),
    ],
)
def test_targets_outside_the_losss_domain(folder: Path, loss: str, targets: list[object], expected: list[str]) -> None:
    write_table(folder / "bad.csv", ["x", "y"], [[i, target] for i, target in enumerate(targets * 4)])
    text = f"data:\n  path: bad.csv\n  target: y\nloss: {loss}\n"
    if expected:
        check_config(folder, text, 3, ["'y'", *expected], "")
    else:  # text makes it a classification
        (folder / "bad.yaml").write_text(text)
        assert "task: classification" in good("config", "show", "bad.yaml", cwd=folder).out


def test_soft_targets_are_fine_for_binary_cross_entropy(folder: Path) -> None:
    write_table(folder / "soft.csv", ["x", "y"], [[i, i / 20] for i in range(21)])
    good("train", "good.yaml", "data={path: soft.csv}", "loss=binary_cross_entropy", "--run", "run", cwd=folder)
    found = good("predict", "run", "--data", "soft.csv", cwd=folder).rows
    assert list(found[0]) == ["prediction", "p_y"]


def test_a_label_outside_the_unit_interval_is_refused_at_its_line(folder: Path) -> None:
    path = write_table(folder / "bad.csv", ["x", "hot", "wet"], [[1, 0, 1], [2, 1, 2], [3, 1, 0]])
    text = "data:\n  path: bad.csv\n  target: [hot, wet]\nloss: binary_cross_entropy\n"
    check_config(folder, text, 3, ["'wet'", "2", f"{path}:3", "outside [0, 1]"], "")


def test_a_regression_needs_numbers(folder: Path) -> None:
    path = write_table(folder / "bad.csv", ["x", "y"], [[1, 1.5], [2, "low"], [3, 0]])
    text = "data:\n  path: bad.csv\n  target: y\n  task: regression\nloss: half_squared_error\n"
    check_config(folder, text, 3, ["'low'", f"{path}:3", "not a number"], "task: classification")


def test_files_that_are_not_there(folder: Path) -> None:
    place = f"command line: data.path=no.csv: {folder / 'no.csv'}"
    check(folder, ["train", "good.yaml", "data.path=no.csv"], 3, place, ["no such file"], "data.path")
    check(folder, ["train", "good.yaml", "data.path=."], 3, str(folder), ["folder"], "")
    check(folder, ["train", "no.yaml"], 2, "no.yaml", ["no such config"], "YAML file")


def test_images_and_labels_of_different_number(folder: Path) -> None:
    write_idx(folder / "images", np.zeros((5, 2, 2)))
    write_idx(folder / "labels", np.arange(4))
    words: list[str | Path] = ["train", "good.yaml", "data={train: {features: images, targets: labels}}"]
    check(folder, words, 3, str(folder / "labels"), ["4 targets", "5 examples"], "")


# Warnings.


def warnings(folder: Path, *changes: str) -> list[str]:
    result = good("train", "good.yaml", *changes, "--run", "run", cwd=folder)
    return [text.removeprefix("warning: ") for text in result.errors if text.startswith("warning: ")]


def test_odd_data_are_warned_of_in_a_line_each_and_counted(folder: Path) -> None:
    rows: list[list[object]] = [[i % 4, 7, "" if i % 5 == 0 else i % 3, "rgb"[i % 3], "ab"[i % 2]] for i in range(30)]
    write_table(folder / "train.csv", ["x", "flat", "gaps", "colour", "is"], [*rows, [1, 7, 1, "r", "c"]])
    others: list[list[object]] = [[1, 7, "", "white", "a"], [2, 7, 1, "black", "d"], [2, 7, 1, "r", "c"]]
    write_table(folder / "validation.csv", ["x", "flat", "gaps", "colour", "is"], others)
    found = warnings(folder, "data={train: train.csv, validation: validation.csv}")
    assert found == [
        "1 column constant in training: flat",
        "7 missing numbers imputed by the training median: gaps (7)",
        "2 values of categories unseen in training, encoded as zeros: colour (2)",
        "1 class absent from training but present elsewhere: d",
    ]


def test_a_class_with_one_example_stays_in_training_with_a_warning(folder: Path) -> None:
    rows = [[i, "ab"[i % 2]] for i in range(30)]
    write_table(folder / "rare.csv", ["x", "is"], [*rows, [3, "rare"]])
    found = warnings(folder, "data={path: rare.csv, split: {test: 0.5}}")
    assert found == ["1 class with one example, kept in training: rare"]


def test_a_byte_order_mark_is_fine(folder: Path) -> None:
    for name in ("points.csv", "good.yaml"):
        (folder / name).write_bytes(b"\xef\xbb\xbf" + (folder / name).read_bytes())
    assert warnings(folder) == []
    assert "path: " in (folder / "run/config.yaml").read_text()
