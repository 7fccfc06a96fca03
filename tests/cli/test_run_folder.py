"""What a run leaves behind: every file of its folder, to the letter."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli import __version__
from bpcli.cores import usable_cores
from bpcli.nn import Array
from tests.cli.support import (
    good,
    line,
    listing,
    points,
    read_csv,
    read_metrics,
    read_record,
    read_tensors,
    write_config,
    write_table,
    write_tensors,
)

FILES = [
    *("checkpoint.safetensors", "config.yaml", "digests.csv", "metrics.csv", "model.safetensors"),
    *("run.json", "split.csv", "timings.csv"),
]

POINTS = """
    seed: 3
    data: {path: points.csv, split: {validation: 0.2, test: 0.1}}
    network: {hidden: [5]}
    loss: cross_entropy
    optimizer: {batch_size: 8}
    epochs: 4
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, ``run``, of 60 points in 42 training, 12 validation and 6 test examples."""
    place = tmp_path_factory.mktemp("run_folder")
    points(place / "points.csv")
    write_config(place / "points.yaml", POINTS)
    good("train", "points.yaml", "--run", "run", cwd=place)
    return place


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    return folder / "run"


def test_a_run_folder_holds_these_files_and_no_others(run: Path) -> None:
    assert sorted(path.name for path in run.iterdir()) == FILES


def test_metrics_have_these_columns_with_validation(run: Path) -> None:
    header = (run / "metrics.csv").read_text().splitlines()[0]
    assert header == "epoch,step,learning_rate,loss,accuracy,val_loss,val_accuracy"


def test_metrics_have_no_validation_columns_without_a_validation_part(folder: Path) -> None:
    good("train", "points.yaml", "data.split=null", "epochs=1", "--run", "whole", cwd=folder)
    assert (folder / "whole/metrics.csv").read_text().splitlines()[0] == "epoch,step,learning_rate,loss,accuracy"
    assert read_record(folder / "whole")["examples"] == {"train": 60}


def test_the_test_part_makes_no_columns_but_final_metrics(folder: Path) -> None:
    good("train", "points.yaml", "data.split={test: 0.5}", "epochs=1", "--run", "tested", cwd=folder)
    assert (folder / "tested/metrics.csv").read_text().splitlines()[0] == "epoch,step,learning_rate,loss,accuracy"
    assert list(read_record(folder / "tested")["final"]) == ["accuracy", "loss", "test_accuracy", "test_loss"]


def test_a_regression_has_these_columns(folder: Path) -> None:
    line(folder / "line.csv")
    changes = ["data.path=line.csv", "loss=half_squared_error", "epochs=1"]
    good("train", "points.yaml", *changes, "--run", "line", cwd=folder)
    header = (folder / "line/metrics.csv").read_text().splitlines()[0]
    assert header == "epoch,step,learning_rate,loss,r2,rmse,mae,val_loss,val_r2,val_rmse,val_mae"


def test_several_labels_have_these_columns(folder: Path) -> None:
    write_table(folder / "labels.csv", ["x", "hot", "wet"], [[i, i % 2, i % 3 % 2] for i in range(12)])
    changes = ["data={path: labels.csv, target: [hot, wet]}", "loss=binary_cross_entropy", "epochs=1"]
    good("train", "points.yaml", *changes, "--run", "labels", cwd=folder)
    header = (folder / "labels/metrics.csv").read_text().splitlines()[0]
    assert header == "epoch,step,learning_rate,loss,accuracy,label_accuracy"


def test_epochs_count_from_1_and_steps_so_far(run: Path) -> None:
    rows = read_csv(run / "metrics.csv")
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert [row["step"] for row in rows] == ["6", "12", "18", "24"]  # 42 examples by 8: five batches and one of 2


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        (["optimizer.mode=sgd", "optimizer.batch_size=null"], [42, 84]),
        (["optimizer.mode=batch", "optimizer.batch_size=null"], [1, 2]),
        (["optimizer.batch_size=1"], [42, 84]),
        (["optimizer.batch_size=42"], [1, 2]),
        (["optimizer.batch_size=41"], [2, 4]),
        (["optimizer.batch_size=null"], [2, 4]),  # 32 by default
    ],
)
def test_each_mode_takes_its_number_of_steps(
    folder: Path, tmp_path: Path, changes: list[str], steps: list[int]
) -> None:
    good("train", folder / "points.yaml", *changes, "epochs=2", "--run", "run", cwd=tmp_path)
    assert [row["step"] for row in read_metrics(tmp_path / "run")] == steps
    assert read_record(tmp_path / "run")["steps"] == steps[-1]


def test_numbers_of_metrics_read_back_exactly(run: Path) -> None:
    for row in read_csv(run / "metrics.csv"):
        for name, text in row.items():
            assert text == (str(int(text)) if name in ("epoch", "step") else repr(float(text)))


def test_final_metrics_are_the_kept_epochs_row_of_metrics_and_the_test_part(run: Path) -> None:
    record = read_record(run)
    kept, final = read_metrics(run)[record["kept"]["epoch"] - 1], record["final"]
    measured = {name: value for name, value in kept.items() if name not in ("epoch", "step", "learning_rate")}
    assert {name: final[name] for name in measured} == measured
    assert set(final) - set(measured) == {"test_loss", "test_accuracy"}


def test_the_learning_rate_is_the_last_updates(run: Path) -> None:
    assert {row["learning_rate"] for row in read_metrics(run)} == {0.1}


def test_timings_have_these_columns_and_the_epochs_of_metrics(run: Path) -> None:
    rows = read_csv(run / "timings.csv")
    assert list(rows[0]) == ["epoch", "train_seconds", "validation_seconds"]
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert all(float(row["train_seconds"]) > 0 and float(row["validation_seconds"]) > 0 for row in rows)


def test_the_record_says_how_the_run_was_made_and_ended(folder: Path, run: Path) -> None:
    record = read_record(run)
    tables = {f"{name}.csv": record.pop(name)["sha256"] for name in ("metrics", "digests")}
    for name, digest in {"config.yaml": record.pop("config"), **tables}.items():
        assert hashlib.sha256((run / name).read_bytes()).hexdigest() == digest
    del record["SHA-256"]
    described = {key: record.pop(key) for key in ("blas", "cpu", "simd")}
    assert all(isinstance(value, str) and value for value in described.values())
    assert record.pop("final")["accuracy"] > 0.3
    assert record.pop("kept").keys() == {"epoch", "monitor", "value"}
    assert record == {
        "bp": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "engine": "numpy",
        "shards": 1,
        "threads": usable_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "seed": 3,
        "layers": [2, 5, 3],
        "parameters": 5 * 3 + 3 * 6,
        "examples": {"train": 42, "validation": 12, "test": 6},
        "data": {str(folder / "points.csv"): hashlib.sha256((folder / "points.csv").read_bytes()).hexdigest()},
        "notes": [],
        "plugins": {},
        "outcome": "completed",
        "ended": "completed",
        "compiler": {},
        "epochs": 4,
        "steps": 24,
        "expect": [],
    }


def test_the_models_tensors_are_named_and_shaped_by_layer(run: Path) -> None:
    tensors, _ = read_tensors(run / "model.safetensors")
    assert {name: array.shape for name, array in tensors.items()} == {
        "W1": (5, 2),
        "b1": (5,),
        "W2": (3, 5),
        "b2": (3,),
    }
    assert {array.dtype for array in tensors.values()} == {np.dtype("float32")}


def test_a_model_of_float64_is_saved_as_such(folder: Path, tmp_path: Path) -> None:
    good("train", folder / "points.yaml", "dtype=float64", "epochs=1", "--run", "run", cwd=tmp_path)
    tensors, _ = read_tensors(tmp_path / "run/model.safetensors")
    assert {array.dtype for array in tensors.values()} == {np.dtype("float64")}


@pytest.mark.parametrize("name", ["model.safetensors", "checkpoint.safetensors"])
def test_a_tensor_files_header_is_one_key_with_sorted_json(run: Path, name: str) -> None:
    _, metadata = read_tensors(run / name)
    assert list(metadata) == ["bp"]
    assert metadata["bp"] == json.dumps(json.loads(metadata["bp"]), sort_keys=True, ensure_ascii=False)


def test_the_models_header_holds_what_predicting_needs(run: Path) -> None:
    header = json.loads(read_tensors(run / "model.safetensors")[1]["bp"])
    assert header["layers"] == [2, 5, 3]
    assert header["hidden"] == [{"name": "relu"}]
    assert header["output"] == {"name": "softmax"}
    smoothing = {"label_smoothing": None}
    assert header["loss"] == {"name": "cross_entropy", "outputs": "sum", "examples": "mean", **smoothing}
    assert header["targets"] == {
        "kind": "classes",
        "name": "tree",
        "labels": ["ash", "birch", "cedar"],
        "encoding": "index",
    }
    assert [column["name"] for column in header["features"]["columns"]] == ["x", "y"]


def test_the_resolved_config_reruns_to_the_same_bytes(run: Path, tmp_path: Path) -> None:
    good("train", run / "config.yaml", "--run", "again", cwd=tmp_path)
    first, again = (listing(place) for place in (run, tmp_path / "again"))
    for name in FILES:
        if name != "timings.csv":
            assert first[str(run / name)] == again[str(tmp_path / "again" / name)], name


def test_the_resolved_config_holds_absolute_paths_and_every_default(folder: Path, run: Path) -> None:
    shown = good("config", "show", "points.yaml", cwd=folder).out
    assert (run / "config.yaml").read_text() == shown
    assert f"path: {folder / 'points.csv'}" in shown
    for setting in ("dtype: float32", "target: tree", "scale: standard", "output: softmax", "learning_rate: 0.1"):
        assert setting in shown


def test_a_config_with_every_setting_reruns_to_the_same_bytes(tmp_path: Path) -> None:
    header = ["id", "x: 1", "[y]", "null", "größe", "on"]
    rows = [[i, i / 7, i % 4 / 3, "aβ"[i % 2], (i * i) % 5, i % 3 * 1.5] for i in range(30)]
    write_table(tmp_path / "mixed table.csv", header, rows)
    write_config(
        tmp_path / "all.yaml",
        """
        seed: 11
        dtype: float64
        data:
          path: mixed table.csv
          target: ["on", größe]
          features: ["null", "x: 1", "[y]"]
          drop: ["[y]"]
          task: regression
          split: {validation: 0.2, test: 0.1, seed: 5}
          scale: minmax
          scale_targets: none
          delimiter: ","
          missing: ["null", "-", 99, 1e-3, "yes", ~x]
        network:
          hidden: [3, {units: 4, activation: {name: leaky_relu, slope: 0.2}, initializer: {name: uniform, limit: 0.3}}]
          activation: tanh
          output: identity
          initializer: {name: normal, std: 0.2}
        loss: {name: half_squared_error, outputs: sum, examples: sum}
        optimizer: {mode: mini_batch, batch_size: 7, shuffle: false, name: adam, learning_rate: 1e-3, epsilon: 1e-7}
        epochs: 3
        """,
    )
    good("train", "all.yaml", "--run", "one", cwd=tmp_path)
    good("train", "one/config.yaml", "--run", "two", cwd=tmp_path)
    for name in FILES:
        if name != "timings.csv":
            assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_another_seed_gives_other_numbers(folder: Path, run: Path, tmp_path: Path) -> None:
    good("train", folder / "points.yaml", "seed=4", "--run", "other", cwd=tmp_path)
    assert (tmp_path / "other/metrics.csv").read_bytes() != (run / "metrics.csv").read_bytes()


# One epoch by plain loops: an independent transcription of what metrics.csv and model.safetensors must hold.


def softmax(z: Array) -> Array:
    powers: Array = np.array([math.exp(value - max(z)) for value in z])
    return np.asarray(powers / powers.sum())


class ByHand:
    """n-4-3 with tanh and softmax under cross-entropy, one example after the other."""

    def __init__(self, parameters: dict[str, Array]) -> None:
        self.W1, self.b1, self.W2, self.b2 = (parameters[name].copy() for name in ("W1", "b1", "W2", "b2"))

    def outputs(self, x: Array) -> tuple[Array, Array]:
        hidden = np.array([math.tanh(self.W1[i] @ x + self.b1[i]) for i in range(len(self.b1))])
        return hidden, softmax(np.array([self.W2[k] @ hidden + self.b2[k] for k in range(len(self.b2))]))

    def loss(self, x: Array, label: int) -> float:
        return -math.log(self.outputs(x)[1][label])

    def right(self, x: Array, label: int) -> bool:
        return int(np.argmax(self.outputs(x)[1])) == label

    def update(self, X: Array, labels: list[int], rate: float, divisor: int) -> None:
        dW1, db1, dW2, db2 = (np.zeros_like(p) for p in (self.W1, self.b1, self.W2, self.b2))
        for x, label in zip(X, labels, strict=True):
            hidden, p = self.outputs(x)
            for k in range(len(p)):
                delta = p[k] - (k == label)
                db2[k] += delta
                for i in range(len(hidden)):
                    dW2[k, i] += delta * hidden[i]
                    slope = delta * self.W2[k, i] * (1 - hidden[i] ** 2)
                    db1[i] += slope
                    dW1[i] += slope * x
        for parameter, gradient in ((self.W1, dW1), (self.b1, db1), (self.W2, dW2), (self.b2, db2)):
            parameter -= rate * gradient / divisor


def standardised(rows: list[dict[str, str]], like: list[dict[str, str]]) -> Array:
    def column(name: str) -> Array:
        training = [float(row[name]) for row in like]
        mean = sum(training) / len(training)
        width = math.sqrt(sum((value - mean) ** 2 for value in training) / len(training))
        return np.array([(float(row[name]) - mean) / width for row in rows])

    return np.stack([column("x"), column("y")], axis=1)


@pytest.mark.parametrize("examples", ["mean", "sum"])
@pytest.mark.parametrize("batch_size", [1, 7, 20])
def test_an_epoch_is_what_plain_loops_compute(tmp_path: Path, batch_size: int, examples: str) -> None:
    points(tmp_path / "train.csv", 20)
    points(tmp_path / "validation.csv", 9, seed=1)
    rng = np.random.default_rng(5)
    start = {"W1": rng.normal(0, 1, (4, 2)), "b1": rng.normal(0, 1, 4)}
    start |= {"W2": rng.normal(0, 1, (3, 4)), "b2": rng.normal(0, 1, 3)}
    write_tensors(tmp_path / "start.safetensors", start)
    write_config(
        tmp_path / "points.yaml",
        f"""
        dtype: float64
        data: {{train: train.csv, validation: validation.csv}}
        network: {{hidden: [4], activation: tanh, weights: start.safetensors}}
        loss: {{name: cross_entropy, examples: {examples}}}
        optimizer: {{batch_size: {batch_size}, shuffle: false, learning_rate: 0.05}}
        epochs: 2
        """,
    )
    good("train", "points.yaml", "--run", "run", cwd=tmp_path)

    train, validation = read_csv(tmp_path / "train.csv"), read_csv(tmp_path / "validation.csv")
    X, V = standardised(train, train), standardised(validation, train)
    names = ["ash", "birch", "cedar"]
    labels, others = ([names.index(row["tree"]) for row in rows] for rows in (train, validation))
    network = ByHand(start)
    for row in read_metrics(tmp_path / "run"):
        losses, hits = [], 0
        for place in range(0, 20, batch_size):
            batch = slice(place, place + batch_size)
            losses += [network.loss(x, label) for x, label in zip(X[batch], labels[batch], strict=True)]
            hits += sum(network.right(x, label) for x, label in zip(X[batch], labels[batch], strict=True))
            network.update(X[batch], labels[batch], 0.05, len(labels[batch]) if examples == "mean" else 1)
        unseen = [network.loss(x, label) for x, label in zip(V, others, strict=True)]
        divisors = (20, 9) if examples == "mean" else (1, 1)
        assert row["loss"] == pytest.approx(sum(losses) / divisors[0], rel=1e-12)
        assert row["accuracy"] == hits / 20
        assert row["val_loss"] == pytest.approx(sum(unseen) / divisors[1], rel=1e-12)
        assert row["val_accuracy"] == sum(map(network.right, V, others)) / 9
    tensors, _ = read_tensors(tmp_path / "run/model.safetensors")
    for name in start:
        np.testing.assert_allclose(tensors[name], getattr(network, name), rtol=1e-11, atol=1e-14)


def test_an_epoch_of_a_regression_is_what_plain_loops_compute(tmp_path: Path) -> None:
    line(tmp_path / "line.csv", 15)
    start = {"W1": np.array([[0.5, -0.25]]), "b1": np.array([0.125])}
    write_tensors(tmp_path / "start.safetensors", start)
    write_config(
        tmp_path / "line.yaml",
        """
        dtype: float64
        data: {path: line.csv, scale: none}
        network: {weights: start.safetensors}
        loss: half_squared_error
        optimizer: {batch_size: 4, shuffle: false, learning_rate: 0.01}
        epochs: 1
        """,
    )
    good("train", "line.yaml", "--run", "run", cwd=tmp_path)

    table = [[float(row[name]) for name in ("x", "z", "y")] for row in read_csv(tmp_path / "line.csv")]
    mean = sum(row[2] for row in table) / 15
    width = math.sqrt(sum((row[2] - mean) ** 2 for row in table) / 15)
    w, v, b = 0.5, -0.25, 0.125
    residuals: list[float] = []
    for place in range(0, 15, 4):
        batch = table[place : place + 4]
        errors = [w * x + v * z + b - (y - mean) / width for x, z, y in batch]
        residuals += errors
        w -= 0.01 * sum(e * row[0] for e, row in zip(errors, batch, strict=True)) / len(batch)
        v -= 0.01 * sum(e * row[1] for e, row in zip(errors, batch, strict=True)) / len(batch)
        b -= 0.01 * sum(errors) / len(batch)
    squares = sum(e * e for e in residuals)
    (row,) = read_metrics(tmp_path / "run")
    expected: dict[str, Any] = {
        "loss": squares / 2 / 15,
        "r2": 1 - squares / 15,  # in training units the targets' squared deviations add up to their number
        "rmse": math.sqrt(squares / 15) * width,
        "mae": sum(map(abs, residuals)) / 15 * width,
    }
    assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-12)
    tensors, _ = read_tensors(tmp_path / "run/model.safetensors")
    np.testing.assert_allclose(tensors["W1"], [[w, v]], rtol=1e-12)
    np.testing.assert_allclose(tensors["b1"], [b], rtol=1e-12)


# The split.


def test_the_split_has_a_line_for_each_row_of_the_file(run: Path) -> None:
    rows = read_csv(run / "split.csv")
    assert [int(row["row"]) for row in rows] == list(range(60))
    counted = {part: sum(row["part"] == part for row in rows) for part in ("train", "validation", "test")}
    assert counted == {"train": 42, "validation": 12, "test": 6}


def test_parts_in_files_of_their_own_have_no_split(folder: Path) -> None:
    good("train", "points.yaml", "data.split=null", "data.test=points.csv", "epochs=1", "--run", "own", cwd=folder)
    assert not (folder / "own/split.csv").exists()
