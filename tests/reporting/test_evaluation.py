"""A model evaluated: its loss and metrics, and each class counted one example at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.experiment import Experiment
from bpcli.nn import Array
from bpcli.reporting.evaluation import evaluate_model
from bpcli.runs.model_file import model_of
from bpcli.training.inference import outputs
from tests.cli.support import line, read_csv, write_table
from tests.runs.support import experiment

PARTS = ("train", "validation", "test")


def evaluated(built: Experiment, part: str) -> tuple[dict[str, Any], Array]:
    """The report on a part, and the outputs A_L that it is about."""
    model, examples = model_of(built, built.parameters.theta), built.loaded.parts[part]
    return evaluate_model(model, examples, built.metrics), outputs(model.network, model.parameters, examples.features)


def row(name: object, predicted: list[bool], actual: list[bool]) -> dict[str, Any]:
    """A class's row, counted example by example."""
    pairs = list(zip(predicted, actual, strict=True))
    precision = [truth for guess, truth in pairs if guess]
    recall = [guess for guess, truth in pairs if truth]
    right, wrong = pairs.count((True, True)), pairs.count((True, False)) + pairs.count((False, True))
    return {
        "class": name,
        "examples": len(recall),
        "predicted": len(precision),
        "precision": sum(precision) / len(precision) if precision else None,
        "recall": sum(recall) / len(recall) if recall else None,
        "f1": right / (right + wrong / 2) if right + wrong else None,
    }


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("changes", [[], ["loss=half_squared_error", "network.output=identity"]])
def test_each_of_several_classes_has_its_row(tmp_path: Path, part: str, changes: list[str]) -> None:
    built = experiment(tmp_path, *changes)
    report, A = evaluated(built, part)
    trees = np.array([record["tree"] for record in read_csv(tmp_path / "points.csv")])
    actual = trees[built.loaded.parts[part].rows]
    names = ["ash", "birch", "cedar"]
    predicted = [names[max(range(3), key=lambda k: A[k, i])] for i in range(A.shape[1])]
    assert report["classes"] == [
        row(name, [guess == name for guess in predicted], [truth == name for truth in actual]) for name in names
    ]
    hits = sum(guess == truth for guess, truth in zip(predicted, actual, strict=True))
    assert report["metrics"] == {"accuracy": hits / len(actual)}


@pytest.mark.parametrize("part", PARTS)
def test_both_classes_of_one_output_have_their_rows(tmp_path: Path, part: str) -> None:
    experiment(tmp_path)
    records = read_csv(tmp_path / "points.csv")
    truth = [record["tree"] == "ash" for record in records]
    write_table(
        tmp_path / "two.csv", ["x", "y", "ash"], [[r["x"], r["y"], t] for r, t in zip(records, truth, strict=True)]
    )
    built = experiment(tmp_path, "data.path=" + str(tmp_path / "two.csv"), "loss=binary_cross_entropy")
    report, A = evaluated(built, part)
    predicted = [bool(a > 0.5) for a in A[0]]
    actual = [truth[i] for i in built.loaded.parts[part].rows]
    labels = [one["class"] for one in report["classes"]]
    assert [str(label).lower() for label in labels] == ["false", "true"]
    assert report["classes"] == [
        row(labels[0], [not guess for guess in predicted], [not fact for fact in actual]),
        row(labels[1], predicted, actual),
    ]


def test_each_label_has_its_row(tmp_path: Path) -> None:
    write_table(tmp_path / "labels.csv", ["x", "hot", "wet"], [[i, i % 2, int(i > 40)] for i in range(60)])
    data = f"data={{path: {tmp_path / 'labels.csv'}, target: [hot, wet]}}"
    built = experiment(tmp_path, data, "loss=binary_cross_entropy")
    report, A = evaluated(built, "train")
    rows = built.loaded.parts["train"].rows
    facts = {"hot": [bool(i % 2) for i in rows], "wet": [bool(i > 40) for i in rows]}
    assert report["classes"] == [row(name, (A[k] > 0.5).tolist(), facts[name]) for k, name in enumerate(facts)]


def test_a_class_that_is_never_predicted_has_no_precision(tmp_path: Path) -> None:
    built = experiment(tmp_path, "network=null")
    built.parameters.theta[:] = 0
    built.parameters.b[1][:] = [[3], [2], [1]]
    report, _ = evaluated(built, "train")
    ash, birch, _ = report["classes"]
    assert ash["recall"] == 1.0
    assert (birch["predicted"], birch["precision"], birch["recall"], birch["f1"]) == (0, None, 0.0, 0.0)


def test_a_regression_has_no_rows(tmp_path: Path) -> None:
    line(tmp_path / "line.csv")
    built = experiment(tmp_path, f"data={{path: {tmp_path / 'line.csv'}}}", "loss=half_squared_error")
    report, _ = evaluated(built, "train")
    assert report["classes"] == []
    assert list(report["metrics"]) == ["r2", "rmse", "mae"]
