"""bp evaluate: which examples, and the loss, metrics and classes that it counts on them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bpcli.training.compiled import steps
from tests.cli.support import (
    Result,
    bp,
    good,
    line,
    points,
    read_csv,
    read_metrics,
    read_record,
    refused,
    write_config,
    write_idx,
    write_table,
    write_tensors,
)
from tests.training.compiled.support import interpreted

POINTS = """
    data: {path: points.csv, split: {validation: 0.2, test: 0.1}}
    network: {hidden: [5]}
    loss: cross_entropy
    epochs: 3
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs with all parts, ``run``, without a test part, ``validated``, and without either, ``whole``."""
    place = tmp_path_factory.mktemp("evaluate")
    points(place / "points.csv")
    write_config(place / "points.yaml", POINTS)
    good("train", "points.yaml", "--run", "run", cwd=place)
    good("train", "points.yaml", "data.split={validation: 0.5}", "--run", "validated", cwd=place)
    good("train", "points.yaml", "data.split=null", "--run", "whole", cwd=place)
    return place


# Which examples.


@pytest.mark.parametrize(
    ("run", "split", "examples"), [("run", "test", 6), ("validated", "validation", 30), ("whole", "train", 60)]
)
def test_the_part_is_by_default_the_test_part_else_validation_else_train(
    folder: Path, run: str, split: str, examples: int
) -> None:
    report = good("evaluate", run, "--json", cwd=folder).json
    assert (report["split"], report["examples"]) == (split, examples)


@pytest.mark.parametrize(("split", "examples"), [("train", 42), ("validation", 12), ("test", 6)])
def test_a_part_is_chosen_by_split(folder: Path, split: str, examples: int) -> None:
    report = good("evaluate", "run", "--split", split, "--json", cwd=folder).json
    assert (report["split"], report["examples"]) == (split, examples)


def test_the_json_object_has_these_keys(folder: Path) -> None:
    report = good("evaluate", "run", "--json", cwd=folder).json
    assert sorted(report) == ["classes", "confusion", "epoch", "examples", "loss", "metrics", "run", "split"]
    assert report["run"] == "run"
    assert {"accuracy", "f1_macro", "roc_auc", "log_loss"} < set(report["metrics"])
    assert [sorted(row) for row in report["classes"]] == [
        ["class", "examples", "f1", "precision", "predicted", "recall"]
    ] * 3


def test_the_validation_part_gives_the_numbers_of_metrics(folder: Path) -> None:
    report = good("evaluate", "run", "--split", "validation", "--json", cwd=folder).json
    kept = read_metrics(folder / "run")[report["epoch"] - 1]
    assert (report["loss"], report["metrics"]["accuracy"]) == (kept["val_loss"], kept["val_accuracy"])


def test_the_test_part_gives_the_numbers_of_the_record(folder: Path) -> None:
    report = good("evaluate", "run", "--json", cwd=folder).json
    final = read_record(folder / "run")["final"]
    assert (report["loss"], report["metrics"]["accuracy"]) == (final["test_loss"], final["test_accuracy"])


def test_a_regression_gives_the_numbers_of_metrics_and_no_classes(folder: Path) -> None:
    line(folder / "line.csv")
    changes = ["data.path=line.csv", "loss=half_squared_error"]
    good("train", "points.yaml", *changes, "--run", "line", cwd=folder)
    report = good("evaluate", "line", "--split", "validation", "--json", cwd=folder).json
    last = read_metrics(folder / "line")[-1]
    assert report["loss"] == last["val_loss"]
    assert report["metrics"].items() >= {name: last[f"val_{name}"] for name in ("r2", "rmse", "mae")}.items()
    assert report["classes"] == []


def test_a_file_is_evaluated_whole(folder: Path) -> None:
    report = good("evaluate", "whole", "--data", "points.csv", "--json", cwd=folder).json
    trained = good("evaluate", "whole", "--json", cwd=folder).json
    assert (report["split"], report["data"]) == (None, "points.csv")
    assert {key: report[key] for key in ("examples", "loss", "metrics", "classes")} == {
        key: trained[key] for key in ("examples", "loss", "metrics", "classes")
    }


def test_a_file_is_evaluated_without_the_data_of_the_run(folder: Path, tmp_path: Path) -> None:
    points(tmp_path / "points.csv")
    points(tmp_path / "others.csv", 9, seed=7)
    good("train", folder / "points.yaml", "data.path=points.csv", "--run", "run", cwd=tmp_path)
    (tmp_path / "points.csv").unlink()
    assert good("evaluate", "run", "--data", "others.csv", "--json", cwd=tmp_path).json["examples"] == 9


def test_a_model_file_alone_evaluates_a_file(folder: Path) -> None:
    one, other = (
        good("evaluate", run, "--data", "points.csv", "--json", cwd=folder).json
        for run in ("run", "run/model.safetensors")
    )
    assert one["loss"] == other["loss"]


def test_images_and_their_labels_come_from_two_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for part, count in (("train", 40), ("test", 12)):
        labels = np.arange(count) % 2
        images = rng.integers(0, 100, (count, 2, 3)) + 150 * labels[:, None, None]
        write_idx(tmp_path / f"{part}-images", images)
        write_idx(tmp_path / f"{part}-labels", labels)
    write_config(
        tmp_path / "images.yaml",
        """
        data:
          train: {features: train-images, targets: train-labels}
          test: {features: test-images, targets: test-labels}
        loss: cross_entropy
        optimizer: {learning_rate: 1}
        """,
    )
    good("train", "images.yaml", "--run", "run", cwd=tmp_path)
    pair = ["--data", "test-images", "--targets", "test-labels"]
    report = good("evaluate", "run", *pair, "--json", cwd=tmp_path).json
    assert report["metrics"].items() >= {"accuracy": 1.0}.items()
    assert [(row["class"], row["examples"]) for row in report["classes"]] == [(0, 6), (1, 6)]
    own = good("evaluate", "run", "--json", cwd=tmp_path).json
    assert (own["split"], own["loss"]) == ("test", report["loss"])


# What it counts.

CLASSES = """
    data: {path: votes.csv, target: is, scale: none}
    network: {weights: identity.safetensors}
    loss: cross_entropy
    optimizer: {learning_rate: 1e-30}
    epochs: 1
"""


@pytest.fixture(scope="module")
def votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, ``run``, whose network says what the largest of its three inputs says."""
    place = tmp_path_factory.mktemp("votes")
    counts = {("a", "a"): 3, ("a", "b"): 1, ("b", "b"): 2, ("b", "c"): 2, ("c", "a"): 1, ("d", "a"): 1}
    rows = [[*(2 * (name == says) for name in "abcd"), is_] for (is_, says), n in counts.items() for _ in range(n)]
    write_table(place / "votes.csv", ["a", "b", "c", "d", "is"], rows)
    write_tensors(place / "identity.safetensors", {"W1": np.eye(4, dtype="f4"), "b1": np.zeros(4, "f4")})
    write_config(place / "votes.yaml", CLASSES)
    good("train", "votes.yaml", "--run", "run", cwd=place)
    return place


def test_classes_are_counted_as_by_hand(votes: Path) -> None:
    report = good("evaluate", "run", "--json", cwd=votes).json
    columns = ["class", "examples", "predicted", "precision", "recall", "f1"]
    assert [[row[name] for name in columns] for row in report["classes"]] == [
        ["a", 4, 5, 3 / 5, 3 / 4, 6 / 9],
        ["b", 4, 3, 2 / 3, 2 / 4, 4 / 7],
        ["c", 1, 2, 0.0, 0.0, 0.0],
        ["d", 1, 0, None, 0.0, 0.0],
    ]
    assert report["metrics"].items() >= {"accuracy": 5 / 10}.items()
    right, wrong = np.log(np.exp([2, 0, 0, 0]).sum()) - 2, np.log(np.exp([2, 0, 0, 0]).sum())
    assert report["loss"] == pytest.approx((5 * right + 5 * wrong) / 10, rel=1e-6)


def test_the_tables_show_metrics_and_classes(votes: Path) -> None:
    assert good("evaluate", "run", cwd=votes) == Result(
        0,
        "run: train, 10 examples; kept: epoch 1, the last\n"
        "metric    value\n"
        "loss      1.341\n"
        "accuracy    0.5\n"
        "\n"
        "class  examples  predicted  precision  recall      f1\n"
        "a             4          5        0.6    0.75  0.6667\n"
        "b             4          3     0.6667     0.5  0.5714\n"
        "c             1          2          0       0       0\n"
        "d             1          0                  0       0\n"
        "\n"
        "true \\ predicted  a  b  c  d\n"
        "a                 3  1  0  0\n"
        "b                 0  2  2  0\n"
        "c                 1  0  0  0\n"
        "d                 1  0  0  0\n",
        "",
    )


def test_both_classes_of_a_binary_network_are_counted(tmp_path: Path) -> None:
    rows = [[1, "yes"], [1, "yes"], [1, "no"], [-1, "no"], [0, "yes"]]  # an output of exactly ½ is a no
    write_table(tmp_path / "votes.csv", ["x", "is"], rows)
    write_tensors(tmp_path / "identity.safetensors", {"W1": np.ones((1, 1), "f4"), "b1": np.zeros(1, "f4")})
    write_config(tmp_path / "votes.yaml", CLASSES)
    good("train", "votes.yaml", "loss=binary_cross_entropy", "--run", "run", cwd=tmp_path)
    report = good("evaluate", "run", "--json", cwd=tmp_path).json
    assert [[row[name] for name in ("class", "examples", "predicted", "f1")] for row in report["classes"]] == [
        ["no", 2, 2, 2 / 4],
        ["yes", 3, 3, 4 / 6],
    ]
    assert report["metrics"].items() >= {"accuracy": 3 / 5}.items()


def test_each_of_several_labels_is_counted(tmp_path: Path) -> None:
    rows = [[1, 1, 1, 1], [1, -1, 1, 1], [-1, 1, 1, 1], [-1, -1, 0, 0]]
    write_table(tmp_path / "votes.csv", ["x", "y", "hot", "wet"], rows)
    write_tensors(tmp_path / "identity.safetensors", {"W1": np.eye(2, dtype="f4"), "b1": np.zeros(2, "f4")})
    write_config(tmp_path / "votes.yaml", CLASSES)
    changes = ["loss=binary_cross_entropy", "data.target=[hot, wet]"]
    good("train", "votes.yaml", *changes, "--run", "run", cwd=tmp_path)
    report = good("evaluate", "run", "--json", cwd=tmp_path).json
    assert [[row[name] for name in ("class", "examples", "predicted", "precision")] for row in report["classes"]] == [
        ["hot", 3, 2, 1.0],
        ["wet", 3, 2, 1.0],
    ]
    assert report["metrics"].items() >= {"accuracy": 2 / 4, "label_accuracy": 6 / 8}.items()


def test_a_single_label_is_one_question(tmp_path: Path) -> None:
    write_table(tmp_path / "votes.csv", ["x", "hot"], [[1, 0.9], [1, 0.2], [-1, 0.8], [-1, 0.1], [-1, 0.0]])
    write_tensors(tmp_path / "identity.safetensors", {"W1": np.ones((1, 1), "f4"), "b1": np.zeros(1, "f4")})
    write_config(tmp_path / "votes.yaml", CLASSES)
    good("train", "votes.yaml", "loss=binary_cross_entropy", "data.target=hot", "--run", "run", cwd=tmp_path)
    report = good("evaluate", "run", "--output", "made", "--json", cwd=tmp_path).json
    assert [(row["class"], row["examples"], row["predicted"]) for row in report["classes"]] == [("hot", 2, 2)]
    assert report["confusion"] == [[[2, 1], [1, 1]]]
    assert (tmp_path / "made/confusion.csv").read_text() == ("label,true_no,false_yes,false_no,true_yes\nhot,2,1,1,1\n")
    assert {row["class"] for row in read_csv(tmp_path / "made/roc.csv")} == {"hot"}
    lines = good("evaluate", "run", cwd=tmp_path).out.splitlines()
    assert lines[-2:] == [
        "label  true no  false yes  false no  true yes",
        "hot          2          1         1         1",
    ]


def test_a_loss_that_is_not_finite_is_null_in_json(tmp_path: Path) -> None:
    line(tmp_path / "line.csv", 10)
    write_config(tmp_path / "line.yaml", "data: {path: line.csv, scale: none}\nloss: half_squared_error\nepochs: 1\n")
    good("train", "line.yaml", "optimizer.learning_rate=0.001", "--run", "run", cwd=tmp_path)
    write_table(tmp_path / "far.csv", ["x", "z", "y"], [[1e30, -1e30, 0]])
    report = good("evaluate", "run", "--data", "far.csv", "--json", cwd=tmp_path).json
    assert report["loss"] is None


# The metrics that are picked, a threshold, and files.


def test_the_table_has_the_metrics_that_the_config_picks(folder: Path) -> None:
    picked = "metrics=[{name: f1, average: weighted}, {name: top_k, k: 2}]"
    good("train", "points.yaml", picked, "--run", "picked", cwd=folder)
    head = (folder / "picked/metrics.csv").read_text().splitlines()[0]
    assert head == "epoch,step,learning_rate,loss,f1_weighted,top_2,val_loss,val_f1_weighted,val_top_2"
    lines = good("evaluate", "picked", cwd=folder).out.splitlines()
    assert [line.split()[0] for line in lines[1:5]] == ["metric", "loss", "f1_weighted", "top_2"]
    report = good("evaluate", "picked", "--json", cwd=folder).json
    final = read_record(folder / "picked")["final"]
    assert report["metrics"]["f1_weighted"] == final["test_f1_weighted"]


def test_metrics_of_both_engines_are_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    monkeypatch.setattr(steps, "load_kernel", interpreted)
    picked = "metrics=[accuracy, f1, roc_auc, log_loss, {name: top_k, k: 2}]"
    rows = []
    for engine in ("numpy", "numba"):
        changes = [picked, f"engine={engine}", "dtype=float64"]
        good("train", "points.yaml", *changes, "--run", engine, cwd=folder)
        rows.append(read_metrics(folder / engine))
    for one, other in zip(*rows, strict=True):
        assert one == pytest.approx(other, rel=1e-9)


def two(tmp_path: Path) -> None:
    """A run, ``run``, of two classes; yes has the outputs ½(1 + tanh x/2) for x = −2 … 2, no for −3 … 1."""
    rows = [[x, "yes"] for x in range(-2, 3)] + [[x, "no"] for x in range(-3, 2)]
    write_table(tmp_path / "votes.csv", ["x", "is"], rows)
    write_tensors(tmp_path / "identity.safetensors", {"W1": np.ones((1, 1), "f4"), "b1": np.zeros(1, "f4")})
    write_config(tmp_path / "votes.yaml", CLASSES)
    good("train", "votes.yaml", "loss=binary_cross_entropy", "--run", "run", cwd=tmp_path)


def test_a_threshold_decides(tmp_path: Path) -> None:
    two(tmp_path)
    for options, confusion in (
        ([], [[4, 1], [3, 2]]),
        (["--threshold", "0.2"], [[2, 3], [1, 4]]),
        (["--threshold", "0"], [[0, 5], [0, 5]]),
        (["--threshold", "1"], [[5, 0], [5, 0]]),
    ):
        report = good("evaluate", "run", *options, "--json", cwd=tmp_path).json
        assert report["confusion"] == confusion
        assert report["metrics"]["roc_auc"] == pytest.approx((1.5 + 2.5 + 3.5 + 4.5 + 5) / 25, rel=1e-12)
        assert report["metrics"]["accuracy"] == (confusion[0][0] + confusion[1][1]) / 10


def test_a_weight_counts_in_every_metric_as_the_row_given_so_often(tmp_path: Path) -> None:
    rows = [[x / 7, (x * 5) % 11, "yes" if (x * 7) % 5 < 2 else "no", x % 3] for x in range(40)]
    write_table(tmp_path / "weighted.csv", ["x", "y", "is", "w"], rows)
    repeated = [row[:3] for row in rows for _ in range(int(row[3]))]
    write_table(tmp_path / "repeated.csv", ["x", "y", "is"], repeated)
    picked = (
        "metrics=[roc_auc, average_precision, f1, log_loss, brier, matthews_correlation, expected_calibration_error]"
    )
    shared = [
        "loss=binary_cross_entropy",
        "optimizer={mode: batch, shuffle: false}",
        "dtype=float64",
        picked,
        "epochs=4",
    ]
    write_config(tmp_path / "votes.yaml", "data: {path: weighted.csv, target: is, scale: none}\nloss: hinge\n")
    good("train", "votes.yaml", *shared, "data.sample_weight=w", "--run", "weighted", cwd=tmp_path)
    good("train", "votes.yaml", *shared, "data.path=repeated.csv", "--run", "repeated", cwd=tmp_path)
    one, other = (read_metrics(tmp_path / run) for run in ("weighted", "repeated"))
    assert [pytest.approx(row, rel=1e-10) for row in other] == one
    reports = [good("evaluate", run, "--json", cwd=tmp_path).json for run in ("weighted", "repeated")]
    assert reports[0]["metrics"] == pytest.approx(reports[1]["metrics"], rel=1e-10)
    assert (reports[0]["confusion"], reports[0]["classes"]) == (reports[1]["confusion"], reports[1]["classes"])


def test_files_hold_what_json_holds(tmp_path: Path) -> None:
    two(tmp_path)
    report = good("evaluate", "run", "--output", "made/report", "--json", cwd=tmp_path).json
    made = tmp_path / "made/report"
    names = sorted(path.stem for path in made.iterdir())
    assert names == ["calibration", "classes", "confusion", "metrics", "precision_recall", "roc"]
    metrics = {row["metric"]: float(row["value"]) for row in read_csv(made / "metrics.csv")}
    assert metrics == {"loss": report["loss"], **report["metrics"]}
    assert (made / "confusion.csv").read_text() == "class,no,yes\nno,4,1\nyes,3,2\n"
    assert [row["class"] for row in read_csv(made / "classes.csv")] == ["no", "yes"]
    roc = [(float(row["false_positive_rate"]), float(row["true_positive_rate"])) for row in read_csv(made / "roc.csv")]
    area = sum((x2 - x1) * (y1 + y2) / 2 for (x1, y1), (x2, y2) in pairwise(roc))
    assert area == pytest.approx(report["metrics"]["roc_auc"], rel=1e-12)
    refused(
        *("evaluate", "run", "--output", "made/report"),
        cwd=tmp_path,
        status=2,
        error="made/report: it exists already, and a run is never overwritten",
        hint="name another folder",
    )


def two_of_six(tmp_path: Path) -> None:
    """A run of six classes, two of which are taken for others."""
    names = [f"a class with a long name {k}" for k in range(6)]
    rows = [[*(3 * (k == (i + i % 3 // 2) % 6) for k in range(6)), names[i % 6]] for i in range(36)]
    write_table(tmp_path / "votes.csv", [*map(str, range(6)), "is"], rows)
    write_tensors(tmp_path / "identity.safetensors", {"W1": np.eye(6, dtype="f4"), "b1": np.zeros(6, "f4")})
    write_config(tmp_path / "votes.yaml", CLASSES)
    good("train", "votes.yaml", "--run", "run", cwd=tmp_path)


def test_of_many_classes_the_largest_confusions_are_shown(tmp_path: Path) -> None:
    two_of_six(tmp_path)
    lines = good("evaluate", "run", cwd=tmp_path).out.splitlines()
    place = lines.index("the largest confusions")
    assert lines[place + 1].split() == ["true", "predicted", "examples"]
    assert [line.rsplit(None, 1)[1] for line in lines[place + 2 :]] == ["6", "6"]


def test_a_network_that_has_one_answer_is_noticed(tmp_path: Path) -> None:
    rows = [[0, "no" if i % 10 else "yes"] for i in range(40)]
    write_table(tmp_path / "votes.csv", ["x", "is"], rows)
    write_config(
        tmp_path / "votes.yaml",
        "data: {path: votes.csv, scale: none, split: {test: 0.5}}\nloss: binary_cross_entropy\nepochs: 30\n",
    )
    note = (
        "each of the 20 test examples is decided 'no', 2 of them wrongly: "
        "try data.class_weight, --threshold of bp evaluate, metrics: [balanced_accuracy]"
    )
    trained = good("train", "votes.yaml", "--run", "run", cwd=tmp_path)
    assert f"warning: {note}\n" in trained.err
    assert read_record(tmp_path / "run")["notes"][-1] == note
    evaluated = good("evaluate", "run", "--json", cwd=tmp_path)
    assert evaluated.err == f"warning: {note}\n"
    assert evaluated.json["metrics"]["balanced_accuracy"] == 0.5
    moved = good("evaluate", "run", "--threshold", "0.01", "--json", cwd=tmp_path)
    assert moved.json["threshold"] == 0.01
    shown = good("evaluate", "run", "--threshold", "0.01", cwd=tmp_path).out.splitlines()[0]
    assert shown == "run: test, 20 examples; kept: epoch 30, the last; decided above 0.01"
    assert moved.err == f"warning: {note}\n".replace("'no', 2", "'yes', 18")


# What it refuses, and warns of.


def test_a_threshold_without_a_decision_by_one_is_refused(folder: Path) -> None:
    refused(
        *("evaluate", "run", "--threshold", "0.4"),
        cwd=folder,
        status=2,
        error="command line: --threshold decides between two classes or on labels, the run is of 3 classes",
        hint="leave it out",
    )


def test_a_threshold_that_no_output_reaches_is_refused(tmp_path: Path) -> None:
    two(tmp_path)
    for value in ("1.5", "-0.1", "nan"):
        refused(
            *("evaluate", "run", f"--threshold={value}"),
            cwd=tmp_path,
            status=2,
            error=f"command line: --threshold is {value}",
            hint="outputs lie between 0 and 1",
        )


def test_targets_go_with_data(folder: Path) -> None:
    refused(
        *("evaluate", "run", "--targets", "points.csv"),
        cwd=folder,
        status=2,
        error="command line: --targets goes with --data",
        hint="name the features' file too",
    )


def test_split_and_data_exclude_each_other(folder: Path) -> None:
    refused(
        *("evaluate", "run", "--split", "test", "--data", "points.csv"),
        cwd=folder,
        status=2,
        error="command line: --split names a part of the run's data, --data another file",
        hint="give one",
    )


def test_a_part_that_the_run_lacks_is_refused(folder: Path) -> None:
    refused(
        *("evaluate", "validated", "--split", "test"),
        cwd=folder,
        status=2,
        error="command line: the run has no test part",
        hint="it has train, validation; or name --data FILE",
    )


def test_a_run_that_is_not_there_is_refused(folder: Path) -> None:
    refused(
        *("evaluate", "nowhere"),
        cwd=folder,
        status=3,
        error="nowhere: no such file",
        hint="name a run folder or a safetensors file",
    )


def test_a_folder_that_is_no_run_is_refused(folder: Path, tmp_path: Path) -> None:
    refused(
        *("evaluate", tmp_path),
        cwd=folder,
        status=3,
        error=f"{tmp_path}/model.safetensors: no such file",
        hint="name a run folder or a safetensors file",
    )


def test_a_tensor_file_without_a_model_is_refused(votes: Path) -> None:
    refused(
        *("evaluate", "identity.safetensors", "--data", "votes.csv"),
        cwd=votes,
        status=3,
        error="identity.safetensors: the file holds tensors but no bp model",
        hint="name a run folder",
    )


def test_a_file_without_the_target_is_refused(folder: Path, tmp_path: Path) -> None:
    path = write_table(tmp_path / "blind.csv", ["x", "y"], [[1, 2]])
    refused(
        *("evaluate", "run", "--data", path),
        cwd=folder,
        status=2,
        error=f"{path} has no column 'tree'",
        hint="its columns are x, y",
    )


def test_a_class_that_the_model_does_not_have_is_refused(folder: Path, tmp_path: Path) -> None:
    path = write_table(tmp_path / "new.csv", ["x", "y", "tree"], [[1, 2, "ash"], [1, 2, "oak"]])
    refused(
        *("evaluate", "run", "--data", path),
        cwd=folder,
        status=3,
        error=f"{path}:3: target 'tree' is 'oak', a class the model does not have",
        hint="its classes are ash, birch, cedar",
    )


def test_a_part_unknown_to_bp_is_refused(folder: Path) -> None:
    refused(
        *("evaluate", "run", "--split", "all"),
        cwd=folder,
        status=2,
        error="command line: invalid value for '--split': 'all' is not one of 'train', 'validation', 'test'",
        hint="see bp evaluate --help",
    )


@pytest.mark.parametrize("cut", [0, 7, 100, -1])
def test_a_model_cut_short_is_refused(folder: Path, tmp_path: Path, cut: int) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes((folder / "run/model.safetensors").read_bytes()[:cut])
    result = bp("evaluate", path, "--data", "points.csv", cwd=folder)
    assert (result.status, result.out) == (3, "")
    message, hint = result.errors
    said = "not a readable safetensors file: " if 0 <= cut < 100 else "the file is damaged: its SHA-256 is not "
    assert message.startswith(f"error: {path}: {said}")
    assert hint == "hint: copy the file again"


def test_a_model_with_a_misshapen_tensor_is_refused(folder: Path, tmp_path: Path) -> None:
    from bpcli.storage.tensors import read_tensors
    from bpcli.storage.text import to_json

    tensors, header = read_tensors(folder / "run/model.safetensors")
    tensors["W2"] = tensors["W2"].T
    path = write_tensors(tmp_path / "model.safetensors", tensors, to_json(header))
    refused(
        *("evaluate", path, "--data", "points.csv"),
        cwd=folder,
        status=3,
        error=f"{path}: tensor 'W2' is float32 in shape (5, 3), not floats in shape (3, 5)",
        hint="the network's layers are 2-5-3",
    )


def test_a_thousand_classes_have_a_row_for_each_confusion_that_occurs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bpcli.reporting.evaluation.MOST_CLASSES", 2)
    two_of_six(tmp_path)
    report = good("evaluate", "run", "--output", "made", "--json", cwd=tmp_path).json
    assert "confusion" not in report
    assert [count for _, _, count in report["confusions"]] == [6, 6]
    rows = [list(row.values()) for row in read_csv(tmp_path / "made/confusion.csv")]
    assert rows == [[true, decided, str(count)] for true, decided, count in report["confusions"]]
    assert sorted(path.stem for path in (tmp_path / "made").iterdir()) == ["classes", "confusion", "metrics"]
    lines = good("evaluate", "run", cwd=tmp_path).out.splitlines()
    assert [line.rsplit(None, 1)[1] for line in lines[lines.index("the largest confusions") + 2 :]] == ["6", "6"]
