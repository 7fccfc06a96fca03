"""Metrics: against plain loops, and the same however the examples are cut into batches."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.nn import Array
from bpcli.nn.metrics import (
    METRICS,
    R2,
    Accuracy,
    LabelAccuracy,
    Mae,
    Metric,
    Rmse,
)
from bpcli.nn.tallies import Decisions, Judgement, Residuals

from .support import PRECISIONS, counts, deterministic, metric, output_scratch

every_precision = pytest.mark.parametrize("dtype", PRECISIONS)
every_metric = pytest.mark.parametrize("name", METRICS)

Cuts = tuple[int, ...]


def count(tally: Any, A: Array, Y: Array, cuts: Cuts = ()) -> Any:
    """The tally after the batches between the cuts."""
    for start, end in pairwise((0, *cuts, A.shape[1])):
        outputs, targets = np.ascontiguousarray(A[:, start:end]), np.ascontiguousarray(Y[..., start:end])
        tally.update(outputs, targets, output_scratch(outputs))
    return tally


def read(of: Metric, tally: Any, units: float = 1.0) -> float:
    return of.value(tally, np.full(tally.n, units))


def residuals(A: Array, Y: Array, cuts: Cuts = ()) -> Any:
    return count(Residuals(A.shape[0]), A, Y, cuts)


def decisions(rule: Judgement, A: Array, Y: Array, cuts: Cuts = ()) -> Any:
    return count(Decisions(A.shape[0], rule), A, Y, cuts)


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


@st.composite
def cut_batches(draw: st.DrawFn) -> tuple[int, Cuts, int]:
    """A number of examples, where to cut them, and a seed."""
    examples = draw(st.integers(1, 24))
    cuts = draw(st.sets(st.integers(1, examples - 1))) if examples > 1 else set()
    return examples, tuple(sorted(cuts)), draw(st.integers(0, 2**32 - 1))


@every_metric
@given(batches=cut_batches(), targets=st.integers(1, 3), offset=st.sampled_from([0.0, 1.0, 1e6]))
@deterministic
def test_batches_of_any_sizes_count_as_one(
    name: str, batches: tuple[int, Cuts, int], targets: int, offset: float
) -> None:
    examples, cuts, seed = batches
    rng = np.random.default_rng(seed)
    A, Y = rng.normal(offset, 1, (targets, examples)), rng.normal(offset, 1, (targets, examples))
    if counts(name) is Residuals:
        whole, cut = residuals(A, Y), residuals(A, Y, cuts)
        assert read(metric(name), cut) == pytest.approx(read(metric(name), whole), rel=1e-7, abs=1e-7)
        return
    for rule in ("largest", "threshold"):
        assert decisions(rule, A, Y, cuts).sums.tolist() == decisions(rule, A, Y).sums.tolist()


@pytest.mark.parametrize("name", REGRESSION)
@given(batches=cut_batches(), targets=st.integers(1, 3))
@deterministic
def test_regression_metrics_match_plain_loops(name: str, batches: tuple[int, Cuts, int], targets: int) -> None:
    examples, cuts, seed = batches
    rng = np.random.default_rng(seed)
    Y = rng.normal(3, 2, (targets, examples))
    A = Y + rng.normal(0, 0.5, Y.shape)
    assert read(metric(name), residuals(A, Y, cuts)) == pytest.approx(REGRESSION[name](A, Y), rel=1e-11, abs=1e-11)


@given(batches=cut_batches(), classes=st.integers(2, 4))
@deterministic
def test_accuracy_of_class_indices_matches_plain_loops(batches: tuple[int, Cuts, int], classes: int) -> None:
    examples, cuts, seed = batches
    rng = np.random.default_rng(seed)
    A, Y = rng.integers(0, 3, (classes, examples)) / 2, rng.integers(0, classes, examples)
    expected = sum(first_largest(A[:, j].tolist()) == Y[j] for j in range(examples)) / examples
    assert read(Accuracy(), decisions("largest", A, Y, cuts)) == expected


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
    assert read(Accuracy(), tally) == sum(all(column) for column in right) / examples
    assert read(LabelAccuracy(), tally) == sum(sum(column) for column in right) / (examples * labels)


@every_precision
def test_ties_go_to_the_first_class(dtype: str) -> None:
    A = np.array([[0.5, 0.2, 0.25], [0.5, 0.4, 0.25], [0.0, 0.4, 0.5]], dtype)
    assert read(Accuracy(), decisions("largest", A, np.array([0, 1, 2]))) == 1
    assert read(Accuracy(), decisions("largest", A, np.array([1, 2, 2]))) == pytest.approx(1 / 3)


def test_ties_among_targets_go_to_the_first_class_too() -> None:
    A, Y = np.array([[0.9], [0.1]]), np.array([[0.5], [0.5]])
    assert read(Accuracy(), decisions("largest", A, Y)) == 1


@every_precision
def test_exactly_one_half_is_not_above_the_threshold(dtype: str) -> None:
    above = np.nextafter(np.dtype(dtype).type(0.5), np.dtype(dtype).type(1))
    A = np.array([[0.5, above, 0.5, above]], dtype)
    Y = np.array([[0, 1, 1, 0]], dtype)
    assert decisions("threshold", A, Y).sums.tolist() == [4, 2, 2]


def test_accuracy_of_labels_wants_all_of_them_and_label_accuracy_counts_each() -> None:
    A = np.array([[0.9, 0.9, 0.1, 0.2], [0.1, 0.9, 0.1, 0.7], [0.8, 0.9, 0.1, 0.7]])
    Y = np.array([[1.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    tally = decisions("threshold", A, Y)
    assert read(Accuracy(), tally) == 2 / 4
    assert read(LabelAccuracy(), tally) == (3 + 2 + 3 + 0) / 12


def test_outputs_are_not_changed_by_counting() -> None:
    rng = np.random.default_rng(0)
    A, Y, classes = rng.normal(size=(3, 5)), rng.normal(size=(3, 5)), rng.integers(0, 3, 5)
    before = [array.copy() for array in (A, Y, classes)]
    for tally, targets in (
        (Residuals(3), Y),
        (Decisions(3, "largest"), Y),
        (Decisions(3, "largest"), classes),
        (Decisions(3, "threshold"), Y),
    ):
        tally.update(A, targets, output_scratch(A))
    for array, copy in zip((A, Y, classes), before, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("tally", [Residuals(2), Decisions(2, "largest"), Decisions(2, "threshold")])
def test_a_fresh_tally_is_empty_and_of_the_same_kind(tally: Any) -> None:
    A = np.random.default_rng(1).normal(size=(2, 5))
    count(tally, A, A)
    fresh = tally.fresh()
    assert not fresh.sums.any()
    assert count(fresh, A, A).sums.tolist() == tally.sums.tolist()


@pytest.mark.parametrize("tally", [Residuals(2), Decisions(2, "largest"), Decisions(2, "threshold")])
def test_the_sums_are_all_there_is_to_save(tally: Any) -> None:
    rng = np.random.default_rng(2)
    A, Y = rng.normal(size=(2, 9)), rng.normal(size=(2, 9))
    restored = tally.fresh()
    restored.sums[...] = count(tally, A[:, :4], Y[:, :4]).sums
    count(tally, A[:, 4:], Y[:, 4:])
    count(restored, A[:, 4:], Y[:, 4:])
    assert restored.sums.tolist() == tally.sums.tolist()


@pytest.mark.parametrize("name", REGRESSION)
def test_perfect_predictions_are_perfect(name: str) -> None:
    Y = np.random.default_rng(3).normal(5, 1, (2, 7))
    assert read(metric(name), residuals(Y.copy(), Y, (3,))) == (1 if metric(name).higher else 0)


def test_r2_of_the_mean_is_zero() -> None:
    Y = np.array([[1.0, 2.0, 3.0, 6.0]])
    assert read(R2(), residuals(np.full_like(Y, 3), Y, (1, 3))) == pytest.approx(0, abs=1e-15)


def test_r2_worked_by_hand() -> None:
    A, Y = np.array([[2.0, 2.0, 4.0]]), np.array([[1.0, 2.0, 6.0]])
    assert read(R2(), residuals(A, Y)) == pytest.approx(1 - (1 + 0 + 4) / (4 + 1 + 9), rel=1e-15)


def test_rmse_and_mae_worked_by_hand_and_averaged_over_targets() -> None:
    A, Y = np.array([[3.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 4.0], [0.0, 0.0]])
    tally = residuals(A, Y)
    assert read(Rmse(), tally) == pytest.approx((math.sqrt(12.5) + 1) / 2, rel=1e-15)
    assert read(Mae(), tally) == (3.5 + 1) / 2


def test_rmse_and_mae_are_in_the_targets_own_units_and_r2_has_none() -> None:
    rng = np.random.default_rng(4)
    A, Y, units = rng.normal(size=(2, 8)), rng.normal(size=(2, 8)), np.array([0.5, 40.0])
    scaled, own = residuals(A, Y), residuals(A * units[:, None] + 7, Y * units[:, None] + 7)
    for of in (R2(), Rmse(), Mae()):
        assert of.value(scaled, units) == pytest.approx(of.value(own, np.ones(2)), rel=1e-12)


@pytest.mark.parametrize("cuts", [(), (50,), (1, 2, 97), tuple(range(1, 100))])
def test_r2_keeps_its_digits_under_a_large_mean(cuts: Cuts) -> None:
    rng = np.random.default_rng(5)
    Y = 1e6 + rng.normal(0, 1e-3, (1, 100))
    A = Y + rng.normal(0, 3e-4, Y.shape)
    assert read(R2(), residuals(A, Y, cuts)) == pytest.approx(r2_by_loops(A, Y), rel=1e-7)


@pytest.mark.parametrize("cuts", [(), (50,), (1, 2, 97), tuple(range(1, 100))])
def test_r2_in_float32_keeps_what_digits_its_targets_have(cuts: Cuts) -> None:
    rng = np.random.default_rng(6)
    Y = (2000 + rng.normal(0, 0.05, (1, 100))).astype(np.float32)
    A = (Y + rng.normal(0, 0.02, Y.shape)).astype(np.float32)
    assert read(R2(), residuals(A, Y, cuts)) == pytest.approx(r2_by_loops(A, Y), rel=1e-4)


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
    assert read(R2(), residuals(Y.copy(), Y, cuts)) == 1
    assert read(R2(), residuals(missed, Y, cuts)) == 0


def test_r2_averages_a_constant_target_with_the_others() -> None:
    Y = np.array([[1.0, 2.0, 6.0], [0.1, 0.1, 0.1]])
    A = np.array([[1.0, 2.0, 6.0], [0.2, 0.1, 0.1]])
    assert read(R2(), residuals(A, Y)) == 0.5


def test_r2_of_a_single_example_is_one_if_met_and_zero_if_missed() -> None:
    assert read(R2(), residuals(np.array([[2.5]]), np.array([[2.5]]))) == 1
    assert read(R2(), residuals(np.array([[2.0]]), np.array([[2.5]]))) == 0


def test_metrics_know_whether_more_is_better() -> None:
    assert {name: metric(name).higher for name in ("accuracy", "label_accuracy", "r2", "rmse", "mae")} == {
        "accuracy": True,
        "label_accuracy": True,
        "r2": True,
        "rmse": False,
        "mae": False,
    }


@every_metric
def test_values_are_plain_floats(name: str) -> None:
    Y = np.array([[0.0, 1.0, 1.0]])
    tally = residuals(Y, Y) if counts(name) is Residuals else decisions("threshold", Y, Y)
    assert type(read(metric(name), tally)) is float
