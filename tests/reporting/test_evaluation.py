"""A model evaluated: its loss and metrics, and each class counted one example at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as peer
from sklearn.calibration import calibration_curve

from bpcli.experiment import Experiment
from bpcli.nn import Array
from bpcli.nn.tallies import Choices, Judging, Outputs
from bpcli.nn.workspace import Workspace
from bpcli.reporting import evaluation
from bpcli.reporting.confusion import largest_confusions
from bpcli.reporting.curves import curve_rows
from bpcli.reporting.evaluation import Evaluation, evaluate_model
from bpcli.runs.model_file import model_of
from bpcli.training.inference import outputs
from tests.cli.support import line, read_csv, write_table
from tests.runs.support import experiment

PARTS = ("train", "validation", "test")


def evaluated(built: Experiment, part: str) -> tuple[dict[str, Any], Array]:
    """The report on a part, and the outputs A_L that it is about."""
    model, examples = model_of(built, built.parameters.theta), built.loaded.parts[part]
    found = evaluate_model(model, examples, built.metrics)
    report = {name: getattr(found, name) for name in ("loss", "metrics", "classes", "confusion")}
    return report, outputs(model.network, model.parameters, examples.features)


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
    assert report["metrics"]["accuracy"] == hits / len(actual)
    pairs = list(zip(actual.tolist(), predicted, strict=True))
    assert report["confusion"] == [[pairs.count((one, other)) for other in names] for one in names]


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
    assert report["confusion"] == []
    assert list(report["metrics"])[:3] == ["r2", "rmse", "mae"]
    assert set(report["metrics"]) > {"mse", "median_absolute_error", "explained_variance", "mape", "pinball_0.5"}


def test_confusions_of_labels_are_of_each(tmp_path: Path) -> None:
    write_table(tmp_path / "labels.csv", ["x", "hot", "wet"], [[i, i % 2, int(i > 40)] for i in range(60)])
    data = f"data={{path: {tmp_path / 'labels.csv'}, target: [hot, wet]}}"
    built = experiment(tmp_path, data, "loss=binary_cross_entropy")
    report, A = evaluated(built, "train")
    true = [row % 2 == 1 for row in built.loaded.parts["train"].rows]
    pairs = list(zip(true, (A[0] > 0.5).tolist(), strict=True))
    assert report["confusion"][0] == [[pairs.count((t, d)) for d in (False, True)] for t in (False, True)]


@dataclass(frozen=True)
class Given:
    """A part with given outputs: a network of one layer that leaves its inputs as they are."""

    judging: Judging
    A: Array
    Y: Array
    w: Array | None = None

    def evaluation(self) -> Evaluation:
        tallies = evaluation._tallies({}, self.judging)
        scratch = Workspace((1, self.judging.n), self.A.shape[1], self.A.dtype, class_indices=False).output
        tallies.update(self.A, self.Y, scratch, self.w)
        classes = self.judging.classes or self.judging.labels
        return Evaluation(0.0, TARGETS, self.judging, tallies, list("abcdef")[:classes], {})


TARGETS: Any = None


def drawn(seed: int, n: int) -> Given:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(5, 60))
    w = rng.uniform(0.2, 2, size) if seed % 3 == 0 else None
    if n == 1:
        p, y = rng.integers(0, 9, (1, size)) / 8, rng.integers(0, 2, (1, size)).astype(float)
        return Given(Judging(1, "threshold", probabilities=True), p, y, w)
    P = rng.integers(1, 6, (n, size)).astype(float)
    return Given(Judging(n, "largest", probabilities=True), P / P.sum(axis=0), rng.integers(0, n, size), w)


def columns(rows: Iterator[list[Any]], name: str) -> list[Array]:
    return [np.array(column, float) for column in zip(*(row[1:] for row in rows if row[0] == name), strict=True)]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_curves_are_scikit_learns(n: int) -> None:
    for seed in range(12):
        given = drawn(seed, n)
        found_curves, y = given.evaluation(), given.Y[0] if n == 1 else given.Y
        for k, name in [(1, "b")] if n <= 2 else list(enumerate("abc")):
            scores, truth = given.A[0 if n == 1 else k], y == k
            if not 0 < truth.sum() < len(truth):
                continue
            thresholds, false, true = columns(curve_rows("roc", found_curves), name)
            expected = peer.roc_curve(truth, scores, sample_weight=given.w)
            for found, wanted in zip((false, true, thresholds), expected, strict=True):
                np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)
            thresholds, precision, recall = columns(curve_rows("precision_recall", found_curves), name)
            expected = peer.precision_recall_curve(truth, scores, sample_weight=given.w, drop_intermediate=True)
            for found, wanted in zip((precision, recall, thresholds), expected, strict=True):
                np.testing.assert_allclose(found, wanted[: len(found)][::-1], rtol=1e-12, atol=1e-12)
            if given.w is None:
                *_, examples, mean, share = columns(curve_rows("calibration", found_curves), name)
                expected = calibration_curve(truth, scores, n_bins=15)
                np.testing.assert_allclose(share, expected[0], rtol=1e-12)
                np.testing.assert_allclose(mean, expected[1], rtol=1e-12)
                assert examples.sum() == len(truth)


@pytest.mark.parametrize("n", [1, 3])
def test_confusions_are_scikit_learns(n: int) -> None:
    for seed in range(12):
        given = drawn(seed, n)
        y = given.judging.true_classes(given.Y)
        decided = given.judging.decided_classes(given.A)
        expected = peer.confusion_matrix(y, decided, labels=range(max(n, 2)), sample_weight=given.w)
        np.testing.assert_allclose(given.evaluation().confusion, expected, rtol=1e-12)


def test_the_largest_confusions_come_first() -> None:
    matrix = [[9, 1, 0], [3, 8, 2], [0, 0, 7]]
    assert largest_confusions(matrix, "abc", 2) == [["b", "a", 3], ["b", "c", 2]]
    assert largest_confusions([[1, 0], [0, 1]], "ab", 5) == []


def test_a_threshold_moves_the_second_of_two_classes_however_many_outputs_there_are(tmp_path: Path) -> None:
    records = [[i / 10, i % 7, "yes" if (i * 7919) % 5 < 2 else "no"] for i in range(60)]
    write_table(tmp_path / "two.csv", ["x", "y", "is"], records)
    for loss in ("cross_entropy", "binary_cross_entropy"):
        built = experiment(tmp_path, f"data={{path: {tmp_path / 'two.csv'}}}", f"loss={loss}")
        model, part = model_of(built, built.parameters.theta), built.loaded.parts["train"]
        p = outputs(model.network, model.parameters, part.features)[-1]
        threshold = float(np.median(p))
        plain = evaluate_model(model, part, built.metrics)
        moved = evaluate_model(model, part, built.metrics, threshold)
        assert moved.classes[1]["predicted"] == (p > threshold).sum() != plain.classes[1]["predicted"]
        truth = np.array([records[row][2] == "yes" for row in part.rows])
        assert moved.metrics["accuracy"] == pytest.approx(((p > threshold) == truth).mean(), rel=1e-12)
        for name in ("roc_auc", "log_loss", "brier"):
            assert moved.metrics[name] == pytest.approx(plain.metrics[name], rel=1e-6)


def test_of_many_classes_only_what_occurs_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = experiment(tmp_path)
    built.parameters.theta[:] = 0
    model, part = model_of(built, built.parameters.theta), built.loaded.parts["train"]
    whole = evaluate_model(model, part, built.metrics)
    assert (whole.confusion != [], whole.confusions, whole.metrics["roc_auc"]) == (True, [], 0.5)
    note = whole.note("train")
    monkeypatch.setattr(evaluation, "MOST_CLASSES", 2)
    found = evaluate_model(model, part, built.metrics)

    names = whole.names
    wrong = [
        [names[t], names[d], n] for t, row in enumerate(whole.confusion) for d, n in enumerate(row) if n and t != d
    ]
    assert wrong
    assert found.confusions == wrong
    assert found.confusion == []
    assert (found.loss, found.classes) == (whole.loss, whole.classes)
    assert found.metrics == {name: value for name, value in whole.metrics.items() if name in found.metrics}
    assert whole.metrics.keys() - found.metrics.keys() >= {"roc_auc", "average_precision"}
    assert Outputs not in found.tallies.by_kind
    assert found.note("train") == note != ""


def test_choices_of_parts_are_put_together() -> None:
    judging = Judging(3, "largest")
    A, Y = np.eye(3)[:, [0, 1, 2, 2]], np.array([0, 2, 2, 1])
    whole, one, other = Choices(judging), Choices(judging), Choices(judging)
    scratch = Workspace((2, 3), 4, "f8", class_indices=True).output
    whole.update(A, Y, scratch, np.array([1.0, 2.0, 3.0, 0.5]))
    one.update(A[:, :1], Y[:1], scratch)
    other.update(A[:, 1:], Y[1:], scratch, np.array([2.0, 3.0, 0.5]))
    one.merge(other)
    again = Choices(judging)
    again.restore(one.tensors())
    for each in (whole, one, again):
        assert each.pairs() == [(0, 0, 1.0), (1, 2, 0.5), (2, 1, 2.0), (2, 2, 3.0)]
        assert (each.decided.tolist(), each.true.tolist()) == ([0, 1, 2, 2], [0, 2, 2, 1])
