"""Metrics: against plain loops, and the same however the examples are cut into batches."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.nn import Array
from bpcli.nn.metrics import (
    METRICS,
    Metric,
    by_column,
    column_of,
    kind_of_column,
    metric_columns,
    metric_values,
    tallies_for,
    usual_metrics,
)
from bpcli.nn.metrics.classes import F1, TopK
from bpcli.nn.metrics.decisions import Accuracy, LabelAccuracy
from bpcli.nn.metrics.residuals import R2, Mae, Mse, Pinball, Rmse
from bpcli.nn.tallies import Judging, Residuals, Scoring, Tallies, described

from .support import PRECISIONS, Cuts, cut_batches, decisions, deterministic, metric, residuals, tallied, tally_kind

every_precision = pytest.mark.parametrize("dtype", PRECISIONS)
every_metric = pytest.mark.parametrize("name", METRICS)


def value_of(of: Metric, tally: Any) -> float:
    return float(of.value(tally))


def r2_by_loops(A: Array, Y: Array) -> float:
    """Exact sums of the very floats given."""
    scores = []
    for outputs, targets in zip(A.tolist(), Y.tolist(), strict=True):
        a, y = [Fraction(value) for value in outputs], [Fraction(value) for value in targets]
        mean = sum(y) / len(y)
        residual = sum((p - q) ** 2 for p, q in zip(a, y, strict=True))
        spread = sum((q - mean) ** 2 for q in y)
        scores.append(float(1 - residual / spread) if spread else float(residual == 0))
    return math.fsum(scores) / len(scores)


def rmse_by_loops(A: Array, Y: Array) -> float:
    means = [math.fsum((a - y) ** 2 for a, y in zip(*rows, strict=True)) / A.shape[1] for rows in rows_of(A, Y)]
    return math.fsum(map(math.sqrt, means)) / len(means)


def mae_by_loops(A: Array, Y: Array) -> float:
    means = [math.fsum(abs(a - y) for a, y in zip(*rows, strict=True)) / A.shape[1] for rows in rows_of(A, Y)]
    return math.fsum(means) / len(means)


def rows_of(A: Array, Y: Array) -> list[tuple[list[float], list[float]]]:
    return list(zip(A.tolist(), Y.tolist(), strict=True))


REGRESSION: dict[str, Callable[[Array, Array], float]] = {
    "r2": r2_by_loops,
    "rmse": rmse_by_loops,
    "mae": mae_by_loops,
}


def first_largest(values: list[float]) -> int:
    best = 0
    for i, value in enumerate(values):
        if value > values[best]:
            best = i
    return best


JUDGINGS = [
    Judging(4, "largest", probabilities=True),
    Judging(2, "largest"),
    Judging(1, "threshold", probabilities=True),
    Judging(3, "threshold", probabilities=True),
    Judging(2, "residuals", units=np.array([0.5, 40.0]), origins=np.array([3.0, 0.0])),
    Judging(6, "quantiles", units=np.tile([0.5, 40.0], 3), levels=(0.1, 0.5, 0.9)),
]


def drawn(judging: Judging, examples: int, seed: int, offset: float) -> tuple[Array, Array]:
    """Outputs and targets of this kind."""
    rng, n = np.random.default_rng(seed), judging.n
    if judging.of_numbers:
        return rng.normal(offset, 1, (n, examples)), rng.normal(offset, 1, (n, examples))
    A = rng.integers(1, 9, (n, examples)) / 8
    if judging.scoring == "largest":
        return A / A.sum(axis=0), rng.integers(0, n, examples)
    return A, rng.integers(0, 2, (n, examples)).astype(np.float64)


@every_metric
@given(batches=cut_batches(), offset=st.sampled_from([0.0, 1.0, 1e6]))
@deterministic
def test_batches_of_any_sizes_count_as_one(name: str, batches: tuple[int, Cuts, int], offset: float) -> None:
    examples, cuts, seed = batches
    suited = [judging for judging in JUDGINGS if metric(name).suits(judging)]
    assert suited
    for judging in suited:
        A, Y = drawn(judging, examples, seed, offset)
        whole, cut = (tallied(tally_kind(name)(judging), A, Y, each) for each in ((), cuts))
        values = value_of(metric(name), whole), value_of(metric(name), cut)
        assert values[1] == pytest.approx(values[0], rel=1e-7, abs=1e-7, nan_ok=True)


@pytest.mark.parametrize("name", REGRESSION)
@given(batches=cut_batches(), targets=st.integers(1, 3))
@deterministic
def test_regression_metrics_match_plain_loops(name: str, batches: tuple[int, Cuts, int], targets: int) -> None:
    examples, cuts, seed = batches
    rng = np.random.default_rng(seed)
    Y = rng.normal(3, 2, (targets, examples))
    A = Y + rng.normal(0, 0.5, Y.shape)
    assert value_of(metric(name), residuals(A, Y, cuts)) == pytest.approx(REGRESSION[name](A, Y), rel=1e-11, abs=1e-11)


@given(batches=cut_batches(), classes=st.integers(2, 4))
@deterministic
def test_accuracy_of_class_indices_matches_plain_loops(batches: tuple[int, Cuts, int], classes: int) -> None:
    examples, cuts, seed = batches
    rng = np.random.default_rng(seed)
    A, Y = rng.integers(0, 3, (classes, examples)) / 2, rng.integers(0, classes, examples)
    expected = sum(first_largest(A[:, j].tolist()) == Y[j] for j in range(examples)) / examples
    assert value_of(Accuracy(), decisions("largest", A, Y, cuts)) == expected


@given(batches=cut_batches(), classes=st.integers(2, 4))
@deterministic
def test_accuracy_of_one_hot_targets_equals_that_of_class_indices(batches: tuple[int, Cuts, int], classes: int) -> None:
    examples, cuts, seed = batches
    rng = np.random.default_rng(seed)
    A, Y = rng.normal(size=(classes, examples)), rng.integers(0, classes, examples)
    one_hot = (np.arange(classes)[:, None] == Y).astype(np.float64)
    by_class, by_column = decisions("largest", A, Y, cuts), decisions("largest", A, one_hot, cuts)
    assert by_class.sums.tolist() == by_column.sums.tolist()


@given(batches=cut_batches(), labels=st.integers(1, 4))
@deterministic
def test_label_metrics_match_plain_loops(batches: tuple[int, Cuts, int], labels: int) -> None:
    examples, cuts, seed = batches
    rng = np.random.default_rng(seed)
    A, Y = rng.integers(0, 5, (labels, examples)) / 4, rng.integers(0, 5, (labels, examples)) / 4
    right = [[(A[i, j] > 0.5) == (Y[i, j] > 0.5) for i in range(labels)] for j in range(examples)]
    tally = decisions("threshold", A, Y, cuts)
    assert value_of(Accuracy(), tally) == sum(all(column) for column in right) / examples
    assert value_of(LabelAccuracy(), tally) == sum(sum(column) for column in right) / (examples * labels)


def test_accuracy_needs_all_labels_of_an_example_and_label_accuracy_counts_each() -> None:
    A = np.array([[0.9, 0.9, 0.1, 0.2], [0.1, 0.9, 0.1, 0.7], [0.8, 0.9, 0.1, 0.7]])
    Y = np.array([[1.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    tally = decisions("threshold", A, Y)
    assert value_of(Accuracy(), tally) == 2 / 4
    assert value_of(LabelAccuracy(), tally) == (3 + 2 + 3 + 0) / 12


@pytest.mark.parametrize("name", REGRESSION)
def test_perfect_predictions_are_perfect(name: str) -> None:
    Y = np.random.default_rng(3).normal(5, 1, (2, 7))
    assert value_of(metric(name), residuals(Y.copy(), Y, (3,))) == (1 if metric(name).higher else 0)


def test_r2_of_the_mean_is_zero() -> None:
    Y = np.array([[1.0, 2.0, 3.0, 6.0]])
    assert value_of(R2(), residuals(np.full_like(Y, 3), Y, (1, 3))) == pytest.approx(0, abs=1e-15)


def test_r2_worked_by_hand() -> None:
    A, Y = np.array([[2.0, 2.0, 4.0]]), np.array([[1.0, 2.0, 6.0]])
    assert value_of(R2(), residuals(A, Y)) == pytest.approx(1 - (1 + 0 + 4) / (4 + 1 + 9), rel=1e-15)


def test_rmse_and_mae_worked_by_hand_and_averaged_over_targets() -> None:
    A, Y = np.array([[3.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 4.0], [0.0, 0.0]])
    tally = residuals(A, Y)
    assert value_of(Rmse(), tally) == pytest.approx((math.sqrt(12.5) + 1) / 2, rel=1e-15)
    assert value_of(Mae(), tally) == (3.5 + 1) / 2


def test_rmse_and_mae_are_in_the_targets_own_units_and_r2_has_none() -> None:
    rng = np.random.default_rng(4)
    A, Y, units = rng.normal(size=(2, 8)), rng.normal(size=(2, 8)), np.array([0.5, 40.0])
    scaled = tallied(Residuals(Judging(2, "residuals", units=units, origins=7.0)), A, Y)
    own = residuals(A * units[:, None] + 7, Y * units[:, None] + 7)
    for of in (R2(), Rmse(), Mae()):
        assert of.value(scaled) == pytest.approx(of.value(own), rel=1e-12)


@pytest.mark.parametrize("cuts", [(), (50,), (1, 2, 97), tuple(range(1, 100))])
def test_r2_keeps_its_digits_under_a_large_mean(cuts: Cuts) -> None:
    rng = np.random.default_rng(5)
    Y = 1e6 + rng.normal(0, 1e-3, (1, 100))
    A = Y + rng.normal(0, 3e-4, Y.shape)
    assert value_of(R2(), residuals(A, Y, cuts)) == pytest.approx(r2_by_loops(A, Y), rel=1e-7)


@pytest.mark.parametrize("cuts", [(), (50,), (1, 2, 97), tuple(range(1, 100))])
def test_r2_in_float32_keeps_what_digits_its_targets_have(cuts: Cuts) -> None:
    rng = np.random.default_rng(6)
    Y = (2000 + rng.normal(0, 0.05, (1, 100))).astype(np.float32)
    A = (Y + rng.normal(0, 0.02, Y.shape)).astype(np.float32)
    assert value_of(R2(), residuals(A, Y, cuts)) == pytest.approx(r2_by_loops(A, Y), rel=1e-4)


@given(
    value=st.floats(-1e9, 1e9, allow_subnormal=False),
    dtype=st.sampled_from(PRECISIONS),
    batches=cut_batches(),
)
@deterministic
def test_r2_of_a_constant_target_is_one_if_met_and_zero_if_missed(
    value: float, dtype: str, batches: tuple[int, Cuts, int]
) -> None:
    examples, cuts, _ = batches
    Y = np.full((1, examples), value, dtype)
    missed = Y + np.dtype(dtype).type(abs(value) + 1)
    assert value_of(R2(), residuals(Y.copy(), Y, cuts)) == 1
    assert value_of(R2(), residuals(missed, Y, cuts)) == 0


def test_r2_averages_a_constant_target_with_the_others() -> None:
    Y = np.array([[1.0, 2.0, 6.0], [0.1, 0.1, 0.1]])
    A = np.array([[1.0, 2.0, 6.0], [0.2, 0.1, 0.1]])
    assert value_of(R2(), residuals(A, Y)) == 0.5


def test_r2_of_a_single_example_is_one_if_met_and_zero_if_missed() -> None:
    assert value_of(R2(), residuals(np.array([[2.5]]), np.array([[2.5]]))) == 1
    assert value_of(R2(), residuals(np.array([[2.0]]), np.array([[2.5]]))) == 0


def test_metrics_say_whether_higher_is_better() -> None:
    assert {name: metric(name).higher for name in ("accuracy", "label_accuracy", "r2", "rmse", "mae")} == {
        "accuracy": True,
        "label_accuracy": True,
        "r2": True,
        "rmse": False,
        "mae": False,
    }


@every_metric
def test_values_are_plain_floats(name: str) -> None:
    for judging in JUDGINGS:
        if metric(name).suits(judging):
            A, Y = drawn(judging, 9, 3, 0.0)
            counted = Tallies([tallied(tally_kind(name)(judging), A, Y)])
            assert type(metric_values({name: metric(name)}, counted)[name]) is float


def test_a_metric_is_named_after_its_settings_too() -> None:
    several = [METRICS["accuracy"](), F1(), F1("weighted"), TopK(3), Pinball(0.1), METRICS["roc_auc"]()]
    assert list(by_column(several)) == ["accuracy", "f1_macro", "f1_weighted", "top_3", "pinball_0.1", "roc_auc"]


@every_metric
def test_a_column_is_known_by_its_name(name: str) -> None:
    assert kind_of_column(column_of(metric(name))) is METRICS[name]


@pytest.mark.parametrize("column", ["loss", "epoch", "val_accuracy", "accuracy_macro", "f1macro", "top", "topk_3", "f"])
def test_what_is_no_column_of_a_metric_is_not_taken_for_one(column: str) -> None:
    assert kind_of_column(column) is None


@pytest.mark.parametrize(
    ("one", "judging"),
    [
        (TopK(4), Judging(4, "largest")),
        (TopK(2), Judging(1, "threshold")),
        (F1("binary"), Judging(3, "largest")),
        (F1("binary"), Judging(2, "threshold")),
        (METRICS["log_loss"](), Judging(3, "largest", probabilities=False)),
        (METRICS["label_accuracy"](), Judging(1, "threshold")),
        (METRICS["matthews_correlation"](), Judging(2, "threshold")),
        (METRICS["r2"](), Judging(1, "threshold")),
        (METRICS["accuracy"](), Judging(1, "residuals")),
    ],
)
def test_a_metric_does_not_suit_what_it_says_nothing_of(one: Metric, judging: Judging) -> None:
    assert not one.suits(judging)


def test_what_is_judged_is_described() -> None:
    assert [described(judging) for judging in JUDGINGS] == [
        "4 classes",
        "2 classes with outputs that are no probabilities",
        "2 classes",
        "3 labels",
        "a regression",
        "a regression of quantiles",
    ]


@pytest.mark.parametrize(
    ("scoring", "n", "names"),
    [
        ("largest", 3, ["accuracy"]),
        ("threshold", 1, ["accuracy"]),
        ("threshold", 2, ["accuracy", "label_accuracy"]),
        ("residuals", 2, ["r2", "rmse", "mae"]),
    ],
)
def test_targets_have_the_metrics_that_suit_them(scoring: Scoring, n: int, names: list[str]) -> None:
    assert list(by_column(usual_metrics(Judging(n, scoring)))) == names


@pytest.mark.parametrize("n", [1, 3, 8, 9, 130])
def test_values_of_several_epochs_are_those_of_each_alone_to_the_bit(n: int) -> None:
    judgings = Judging(n, "residuals", units=np.linspace(0.1, 3, n)), Judging(n, "threshold", probabilities=True)
    for judging in judgings:
        kinds = {name: kind() for name, kind in METRICS.items() if kind().suits(judging) and kind().tally_kind.recorded}
        each = []
        for seed in range(9):
            A, Y = drawn(judging, 10, seed, 1e3)
            one = tallies_for(kinds, judging)
            for tally in one.by_kind.values() if seed else ():  # the first is empty
                tallied(tally, A, Y)
            each.append(one)
        sums = [np.stack(own) for own in zip(*(one.tensors().values() for one in each), strict=True)]
        heir = MseHeir() if judging.scoring == "residuals" else AccuracyHeir()
        metrics = {**kinds, "alone": Unstated(next(iter(kinds.values()))), "heir": heir}
        found = metric_columns(metrics, each[0].with_sums(sums))
        assert len(kinds) > 1 or n == 1
        for k, one in enumerate(each):
            assert str({name: column[k] for name, column in found.items()}) == str(metric_values(metrics, one))


class Unstated:
    """A metric whose value is not marked as one of several epochs."""

    def __init__(self, other: Metric) -> None:
        self.tally_kind, self.higher, self.usual, self.suits = other.tally_kind, True, False, other.suits
        self.other = other

    def value(self, tally: Any) -> float:
        assert tally.sums.ndim == 1
        return float(self.other.value(tally))


class AccuracyHeir(Accuracy):
    """A metric with a value of its own, of one epoch, that has inherited all else."""

    def value(self, tally: Any) -> float:
        return float(1 - tally.sums[1] / tally.sums[0])


class MseHeir(Mse):
    """As above, of residuals."""

    def value(self, tally: Any) -> float:
        return float(tally.sums[1] / tally.sums[0])
