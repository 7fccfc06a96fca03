"""The kinds of pictures: their numbers against scikit-learn's and by hand, and of which runs there are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as peer
from sklearn.calibration import calibration_curve

from bpcli.errors import DataError
from bpcli.figures import KINDS, applicable, picture
from bpcli.figures.drawing import drawn
from bpcli.figures.figure import Bars, Cells, Figure, Histogram, Line, Points, Regions
from bpcli.figures.kinds.distributions import passed
from bpcli.figures.kinds.weights import mosaic
from bpcli.figures.plotted_run import PlottedRun
from bpcli.figures.terminal import drawn_text
from bpcli.nn import Array
from bpcli.reporting.importance import importances
from bpcli.training.inference import outputs
from tests.cli.support import bp, good, write_config, write_table

NAMED = "</b>$x$ \u202e日本"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of three classes, of two, of labels, of numbers, of images, of one epoch, and one that diverged."""
    folder = tmp_path_factory.mktemp("kinds")
    rng = np.random.default_rng(0)
    rows = []
    for i in range(240):
        a, b = rng.normal([i % 3, i % 2], 0.6)
        word, label = ("ash", "birch", NAMED)[i % 3], rng.random() < 1 / (1 + np.exp(-2 * a))
        rows.append([float(a), float(b), word, int(label), int(a > b), float(3 * a - b + rng.normal(0, 0.3))])
    write_table(folder / "t.csv", ["a", NAMED, "tree", "l", "m", "y"], rows)
    grid = [f"p_{row}_{column}" for row in range(4) for column in range(4)]
    write_table(folder / "p.csv", [*grid, "y"], [[*rng.normal(size=16).tolist(), i % 2] for i in range(60)])
    head = f"features: [a, {json.dumps(NAMED)}], split: {{validation: 0.2, test: 0.4}}"
    write_config(folder / "t.yaml", f"data: {{path: t.csv, {head}}}\nnetwork: {{hidden: [5]}}\nepochs: 6\n".lstrip())
    runs = {
        "classes": ["data.target=tree", "loss=cross_entropy"],
        "two": ["data.target=l", "data.task=classification", "loss=binary_cross_entropy"],
        "labels": ["data.target=[l, m]", "loss=binary_cross_entropy"],
        "numbers": ["data.target=y", "loss=half_squared_error", "metrics=[r2]"],
        "margins": ["data.target=l", "data.task=classification", "loss=hinge", "epochs=1", "data.split=null"],
        "images": ["data.path=p.csv", "data.features=null", "data.target=y", "loss=cross_entropy"],
    }
    for name, changes in runs.items():
        good("train", "t.yaml", *changes, "--run", name, "--quiet", cwd=folder)
    wild = ["data.target=y", "loss=half_squared_error", "optimizer.learning_rate=1e30"]
    assert bp("train", "t.yaml", *wild, "--run", "diverged", "--quiet", cwd=folder).status == 4
    return folder


def figure(folder: Path, kind: str, name: str) -> Figure:
    return picture(kind, [PlottedRun(folder / name)])


def lines(of: Figure, panel: int = 0) -> list[Line]:
    return [mark for mark in of.panels[panel].marks if isinstance(mark, Line)]


def scores(folder: Path, name: str) -> tuple[Array, Array]:
    """The outputs of a run on its test part, (n, N), and the targets."""
    run = PlottedRun(folder / name)
    A = outputs(run.model.network, run.model.parameters, run.part.features)
    Y = run.model.network.targets(run.part.size, run.model.dtype)
    run.part.targets.gather(np.arange(run.part.size), Y)
    return A, Y


def test_each_run_has_the_pictures_that_apply_and_each_is_drawn(folder: Path) -> None:
    every, of_classes = list(KINDS), ["confusion", "roc", "precision_recall"]
    common = ["curves", "importance", "weights", "distributions", "differences"]
    expected = {
        "classes": {*common, *of_classes, "calibration", "regions"},
        "two": {*common, *of_classes, "calibration", "regions"},
        "labels": {*common, *of_classes, "calibration"},
        "numbers": {*common, "residuals"},
        "margins": {*common, *of_classes, "regions"},
        "images": {*common, *of_classes, "calibration"},
        "diverged": {*common, "residuals"} - {"curves"},
    }
    for name, kinds in expected.items():
        assert applicable(PlottedRun(folder / name)) == [kind for kind in every if kind in kinds]
    for kind, name in (
        *((kind, "classes") for kind in expected["classes"] - {"differences", "importance"}),
        ("residuals", "numbers"),
        ("confusion", "labels"),
        ("distributions", "diverged"),
    ):
        text = drawn_text(figure(folder, kind, name), 80)
        assert all(line.isprintable() for line in text.splitlines())
    assert drawn(figure(folder, "regions", "classes"), "svg").startswith(b"<?xml")
    assert figure(folder, "residuals", "diverged").notes[-1] == "diverged keeps its initial parameters."
    assert "initial" not in " ".join(figure(folder, "residuals", "numbers").notes)


def test_the_largest_numbers_that_a_file_may_hold_can_be_drawn(tmp_path: Path) -> None:
    far = (1.7e308, -1.7e308, 0.5)
    write_table(tmp_path / "near.csv", ["a", "b", "y"], [[i / 9, i % 2, 9 * (i % 3)] for i in range(30)])
    write_table(tmp_path / "targets.csv", ["a", "b", "y"], [[i / 9, 1, far[i % 3]] for i in range(30)])
    write_table(tmp_path / "inputs.csv", ["a", "b", "y"], [[far[i % 3], 1, 9 * (i % 2)] for i in range(30)])
    text = "dtype: float64\ndata: {train: near.csv, test: targets.csv}\nnetwork: {hidden: [3]}\nepochs: 2\n"
    config = write_config(tmp_path / "t.yaml", f"{text}loss: half_squared_error\n")
    good("train", config, "--run", "numbers", "--quiet", cwd=tmp_path)
    classes = ["data.test=inputs.csv", "loss=cross_entropy", "data.scale=none", "network.hidden=null"]
    small = "network.initializer={name: normal, std: 1e-9}"
    good("train", config, *classes, small, "--run", "classes", "--quiet", cwd=tmp_path)
    assert "Not drawn, for beyond" in drawn_text(figure(tmp_path, "residuals", "numbers"), 80)
    for kind in ("regions", "distributions"):
        assert drawn_text(figure(tmp_path, kind, "classes"), 80)
    good("train", config, *classes[:-1], small.replace("1e-9", "9"), "--run", "wild", "--quiet", cwd=tmp_path)
    for kind in ("importance", "confusion"):
        with pytest.raises(DataError, match="not finite"):
            figure(tmp_path, kind, "wild")


@pytest.mark.parametrize("name", ["classes", "two", "labels"])
def test_curves_of_scores_are_those_of_scikit_learn(folder: Path, name: str) -> None:
    A, Y = scores(folder, name)
    truths = np.eye(3, dtype=bool)[:, Y] if name == "classes" else np.atleast_2d(Y) > 0.5
    roc = {line.name.rpartition(" ")[2]: line for line in lines(figure(folder, "roc", name))}
    pr = {line.name.rpartition(" ")[2]: line for line in lines(figure(folder, "precision_recall", name))}
    assert len(roc) == len(pr) == len(A)
    for a, truth in zip(A, truths, strict=True):
        x, y, _ = peer.roc_curve(truth, a)
        line = roc[f"{peer.roc_auc_score(truth, a):.3f}"]
        np.testing.assert_allclose(np.stack([line.x, line.y]), np.stack([x, y]), atol=1e-12)
        precision, recall, _ = peer.precision_recall_curve(truth, a, drop_intermediate=True)
        line = pr[f"{peer.average_precision_score(truth, a):.3f}"]
        found = np.stack([line.x, line.y])[:, ::-1]
        np.testing.assert_allclose(found, np.stack([recall, precision])[:, :-1], atol=1e-12)


def test_calibration_is_that_of_scikit_learn(folder: Path) -> None:
    A, Y = scores(folder, "two")
    found = figure(folder, "calibration", "two")
    (line,) = lines(found)
    share, mean = calibration_curve(Y[0] > 0.5, A[0], n_bins=15)
    np.testing.assert_allclose(np.stack([line.x, line.y]), np.stack([mean, share]), rtol=1e-6)
    (histogram,) = found.panels[1].marks
    assert isinstance(histogram, Histogram)
    assert histogram.heights.tolist() == np.histogram(A[0], 15, (0, 1))[0].tolist()
    A, Y = scores(folder, "classes")
    (line,) = lines(figure(folder, "calibration", "classes"))
    share, mean = calibration_curve(A.argmax(axis=0) == Y, A.max(axis=0), n_bins=15)
    np.testing.assert_allclose(np.stack([line.x, line.y]), np.stack([mean, share]), rtol=1e-6)


def test_the_confusion_matrix_is_that_of_scikit_learn(folder: Path) -> None:
    A, Y = scores(folder, "classes")
    (cells,) = figure(folder, "confusion", "classes").panels[0].marks
    assert isinstance(cells, Cells)
    expected = peer.confusion_matrix(Y, A.argmax(axis=0))
    assert cells.values.tolist() == expected.tolist()
    np.testing.assert_allclose(cells.darkness**2, expected / expected.sum(axis=1, keepdims=True))


def test_residuals_are_in_the_targets_units(folder: Path) -> None:
    run = PlottedRun(folder / "numbers")
    predicted = run.model.targets.predictions(scores(folder, "numbers")[0], probabilities=False)["prediction"]
    panels = figure(folder, "residuals", "numbers").panels
    over, residual = (next(mark for mark in panel.marks if isinstance(mark, Points)) for panel in panels)
    np.testing.assert_allclose(over.y, predicted, rtol=1e-5)
    np.testing.assert_allclose(residual.y, over.y - over.x, rtol=1e-12)
    assert peer.r2_score(over.x, over.y) == pytest.approx(run.evaluation.metrics["r2"], abs=1e-6)


def test_decision_regions_are_what_the_model_decides(folder: Path) -> None:
    of = figure(folder, "regions", "classes")
    regions = of.panels[0].marks[0]
    assert isinstance(regions, Regions)
    points = [mark for mark in of.panels[0].marks if isinstance(mark, Points)]
    A, Y = scores(folder, "classes")
    assert sum(len(each.x) for each in points) == len(Y)
    decided, agree = A.argmax(axis=0), 0
    for k, each in enumerate(points):
        columns = np.abs(regions.x[:, None] - each.x).argmin(axis=0)
        rows = np.abs(regions.y[:, None] - each.y).argmin(axis=0)
        agree += int((regions.classes[rows, columns] == decided[k == Y]).sum())
    assert agree >= len(Y) - 2  # a point may lie between a boundary and its nearest place of the grid


def test_the_most_important_column_stands_first(folder: Path) -> None:
    (bars,) = figure(folder, "importance", "numbers").panels[0].marks
    assert isinstance(bars, Bars)
    assert bars.names == ("a", NAMED)
    assert bars.lengths[0] > bars.lengths[1]
    assert (bars.low <= bars.lengths).all()
    assert (bars.lengths <= bars.high).all()


def test_the_importance_of_pixels_is_an_image(folder: Path) -> None:
    run = PlottedRun(folder / "images")
    (cells,) = figure(folder, "importance", "images").panels[0].marks
    assert isinstance(cells, Cells)
    found = {one.column: one.worse for one in importances(run.model, run.part, run.reopened.metrics()["accuracy"], 0)}
    assert cells.values.shape == (4, 4)
    assert cells.values[2, 3] == max(0, found["p_2_3"])


def test_weights_of_pixels_are_images_side_by_side(folder: Path) -> None:
    W = PlottedRun(folder / "images").model.parameters.W[1]
    (cells,) = figure(folder, "weights", "images").panels[0].marks
    assert isinstance(cells, Cells)
    assert cells.values.shape == (9, 14)
    np.testing.assert_array_equal(cells.values[:4, 5:9], W[1].reshape(4, 4))
    np.testing.assert_array_equal(cells.values[5:, :4], W[3].reshape(4, 4))
    assert np.isnan(cells.values[4]).all()
    assert mosaic(np.ones((1, 6)), (2, 3), 1).tolist() == [[1, 1, 1], [1, 1, 1]]
    (table,) = figure(folder, "weights", "classes").panels[0].marks
    assert isinstance(table, Cells)
    assert table.columns == ("a", NAMED)
    assert len(table.rows) == len(table.values) == 5


def test_distributions_are_of_every_activation_and_gradient(folder: Path) -> None:
    run = PlottedRun(folder / "classes")
    activations, gradients = passed(run.model, run.part)
    assert [len(values) for values in activations] == [5 * run.part.size, 3 * run.part.size]
    assert [len(values) for values in gradients] == [10, 15]
    A, Y = scores(folder, "classes")
    np.testing.assert_allclose(activations[-1].reshape(3, -1), A, rtol=1e-6)
    dZ = (A - np.eye(3)[:, Y]) / len(Y)
    hidden = activations[0].reshape(5, -1)
    np.testing.assert_allclose(gradients[1].reshape(3, 5), dZ @ hidden.T, rtol=1e-3, atol=1e-6)
    of = figure(folder, "distributions", "classes")
    assert [sum(line.y) for line in lines(of)] == pytest.approx([1, 1])


def test_differences_are_worst_at_both_ends(folder: Path) -> None:
    _, median = lines(figure(folder, "differences", "classes"))
    best = int(np.argmin(median.y))
    assert 1e-8 < median.x[best] < 1e-2
    assert median.y[0] > 10 * median.y[best]
    assert median.y[-1] > 10 * median.y[best]


def test_the_kept_epoch_lies_on_the_curve_of_validation(folder: Path) -> None:
    run = PlottedRun(folder / "classes")
    of = figure(folder, "curves", "classes")
    for panel, name in enumerate(["val_loss", "val_accuracy"]):
        validation = lines(of, panel)[1]
        (kept,) = (mark for mark in of.panels[panel].marks if isinstance(mark, Points))
        assert validation.y.tolist() == [row[name] for row in run.recorded.epochs]
        assert kept.x.tolist() == [run.recorded.kept_epoch]
        assert kept.y.tolist() == [validation.y[run.recorded.kept_epoch - 1]]


def test_runs_with_other_settings_are_named_by_them(folder: Path) -> None:
    changes: dict[str, Any] = {"data.target": "tree", "loss": "cross_entropy"}
    for rate in (0.01, 0.02):
        words = [f"{key}={value}" for key, value in changes.items()]
        good("train", "t.yaml", *words, f"optimizer.learning_rate={rate}", "--run", f"r{rate}", "--quiet", cwd=folder)
    of = picture("curves", [PlottedRun(folder / name) for name in ("r0.01", "r0.02")])
    assert [line.name for line in lines(of)] == ["learning_rate 0.01", "learning_rate 0.02"]
    assert of.notes[0] == "Validation part of each."
