"""Weights of examples: from a column, by class, and both together."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.data.dealing import SplitColumns
from bpcli.data.loading import Loaded
from bpcli.data.weighting import WeightRequest
from bpcli.nn import Array

from .support import csv, loaded, refusal, write

TREES = ["ash"] * 12 + ["birch"] * 6 + ["cedar"] * 2


def of_trees(folder: Path, *, column: str | None = None, classes: Any = None, **how: Any) -> Loaded:
    """Twenty trees, of which each has its number as its weight."""
    content = csv({"x": range(20), "w": range(20), "tree": TREES})
    return loaded(write(folder, "trees.csv", content), weights=WeightRequest(column, classes), **how)


def weights_of(of: Loaded, part: str = "train") -> Array:
    found = of.parts[part].weights
    assert found is not None
    return found


def test_balanced_classes_count_the_same_in_all_and_the_mean_weight_is_one(tmp_path: Path) -> None:
    of = of_trees(tmp_path, classes="balanced")

    assert of.class_weights == pytest.approx({"ash": 20 / 36, "birch": 20 / 18, "cedar": 20 / 6})
    weights = weights_of(of)
    assert np.mean(weights) == pytest.approx(1)
    assert [weights[np.array(TREES) == tree].sum() for tree in ("ash", "birch", "cedar")] == pytest.approx([20 / 3] * 3)


def test_balanced_weights_are_learned_from_the_training_part_and_count_there_alone(tmp_path: Path) -> None:
    of = of_trees(tmp_path, classes="balanced", fractions={"validation": 0.25, "test": 0.25})
    trained = Counter(TREES[row] for row in of.parts["train"].rows)

    assert of.class_weights == pytest.approx({tree: 10 / (3 * count) for tree, count in trained.items()})
    assert of.parts["validation"].weights is None
    assert of.parts["test"].weights is None
    assert of.parts["train"].metric_weights is None


def test_classes_that_are_not_named_weigh_one(tmp_path: Path) -> None:
    of = of_trees(tmp_path, classes={"cedar": 5.0, "ash": 0.0})

    assert of.class_weights == {"ash": 0.0, "birch": 1.0, "cedar": 5.0}
    assert weights_of(of).tolist() == [0.0] * 12 + [1.0] * 6 + [5.0] * 2


def test_numbers_are_labels_too(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", csv({"x": range(4), "y": [0, 1, 1, 1]}))

    of = loaded(path, "binary_cross_entropy", weights=WeightRequest(None, {"0": 3.0}))

    assert weights_of(of).tolist() == [3.0, 1.0, 1.0, 1.0]


def test_a_column_of_weights_is_no_feature_and_counts_in_every_part(tmp_path: Path) -> None:
    of = of_trees(tmp_path, column="w", fractions={"test": 0.25})

    assert of.feature_names == ["x"]
    for part in of.parts.values():
        assert part.weights is not None
        assert part.metric_weights is not None
        assert part.weights.tolist() == part.metric_weights.tolist() == part.rows.tolist()


def test_both_are_multiplied_in_the_loss_and_metrics_have_those_of_the_column(tmp_path: Path) -> None:
    of = of_trees(tmp_path, column="w", classes={"cedar": 5.0})

    assert weights_of(of).tolist() == [*map(float, range(18)), 90.0, 95.0]
    assert of.parts["train"].metric_weights is not None
    assert of.parts["train"].metric_weights.tolist() == [*map(float, range(20))]


def test_the_last_column_is_the_target_even_before_one_of_weights(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", csv({"x": range(4), "y": "abab", "w": [1, 2, 3, 4]}))

    of = loaded(path, weights=WeightRequest("w"))

    assert (of.targets.names, of.feature_names) == (["y"], ["x"])


@pytest.mark.parametrize(
    ("cells", "error", "hint"),
    [
        ("1,-2,3,4", "weight 'w' is -2 at t.csv:3", "weights are 0 or more, and at most 3.4e+38"),
        ("1,1e39,3,4", "weight 'w' is 1e+39 at t.csv:3", "weights are 0 or more, and at most 3.4e+38"),
        ("0,0,0,0", "every weight 'w' of t.csv is 0", "give examples a weight"),
        ("1,two,3,4", "weight 'w' is 'two' at t.csv:3, not a number", "name a column of numbers"),
        (
            "1,,3,4",
            "t.csv:3: the weight 'w' is missing (1 in all)",
            "leave examples without a weight out of the file",
        ),
    ],
)
def test_weights_that_are_none_are_refused(cells: str, error: str, hint: str, tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", csv({"x": range(4), "w": cells.split(","), "y": "abab"}))

    report = refusal(partial(loaded, path, dtype="float32", weights=WeightRequest("w")))

    assert report == f"error: {error}\nhint: {hint}"


def test_a_part_whose_weights_are_all_0_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", csv({"t": range(4), "x": range(4), "w": [1, 1, 1, 0], "y": range(4)}))
    columns = SplitColumns(order="t")

    report = refusal(
        partial(
            loaded,
            path,
            "half_squared_error",
            fractions={"test": 0.25},
            split_columns=columns,
            weights=WeightRequest("w"),
        )
    )

    assert report == "error: every weight 'w' of the test part of t.csv is 0\nhint: give examples a weight"


@pytest.mark.parametrize(
    ("loss", "classes", "error", "hint"),
    [
        ("cross_entropy", {"c": 2.0}, "there is no class 'c' to weigh", "the classes are a, b"),
        ("cross_entropy", {"a": 0.0, "b": 0.0}, "every class has the weight 0", "give a class a weight"),
        (
            "cross_entropy",
            {"a": 1e300},
            "the weight of class 'a' is 1e+300",
            "weights are 0 or more, and at most 3.4e+38",
        ),
        (
            "half_squared_error",
            "balanced",
            "class_weight is for a classification with one target column",
            "data.sample_weight: a column takes a weight for each example",
        ),
    ],
)
def test_class_weights_that_fit_no_class_are_refused(
    loss: str, classes: Any, error: str, hint: str, tmp_path: Path
) -> None:
    y = "abab" if loss == "cross_entropy" else range(4)
    path = write(tmp_path, "t.csv", csv({"x": range(4), "y": y}))

    weights = WeightRequest(None, classes)
    assert refusal(partial(loaded, path, loss, dtype="float32", weights=weights)) == f"error: {error}\nhint: {hint}"


@pytest.mark.parametrize(
    ("cells", "classes", "error", "hint"),
    [
        (
            "3e38,3e38,1,1",
            None,
            "the weights 'w' of t.csv add up to 6e+38, out of the range of float32",
            "smaller ones: 3.4e+38 at most in all",
        ),
        (
            "1e30,1,1,1",
            {"a": 1e30},
            "weights by class times sample weights add up to inf, out of the range of float32",
            "smaller ones: 3.4e+38 at most in all",
        ),
        (
            "1,0,1,0",
            {"a": 0.0},
            "every training example has the weight 0: of its class, or its own",
            "give a class with examples of a weight a weight too",
        ),
    ],
)
def test_weights_that_add_up_to_nothing_or_too_much_are_refused(
    cells: str, classes: Any, error: str, hint: str, tmp_path: Path
) -> None:
    path = write(tmp_path, "t.csv", csv({"x": range(4), "w": cells.split(","), "y": "abab"}))

    report = refusal(partial(loaded, path, dtype="float32", weights=WeightRequest("w", classes)))

    assert report == f"error: {error}\nhint: {hint}"
