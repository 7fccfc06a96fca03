"""Tallies: what they count, parts that are merged, and metrics that share them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.metrics import METRICS, Metric, metric_values, tallies_for
from bpcli.nn.tallies import Decisions, Judging, Outputs, Quantiles, Residuals, Tallies, empty_tallies

from .support import PRECISIONS, decisions, output_scratch, tallied

KINDS: dict[str, Callable[[], Any]] = {
    "largest": lambda: Decisions(Judging(3, "largest")),
    "threshold": lambda: Decisions(Judging(3, "threshold")),
    "residuals": lambda: Residuals(Judging(3, "residuals")),
    "quantiles": lambda: Quantiles(Judging(3, "quantiles", levels=(0.1, 0.5, 0.9))),
    "outputs": lambda: Outputs(Judging(3, "residuals")),
}

every_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
every_precision = pytest.mark.parametrize("dtype", PRECISIONS)

Batch = tuple[Array, Array]


def three_batches() -> list[Batch]:
    rng = np.random.default_rng(3)
    return [(rng.normal(0.5, 1, (3, m)), rng.normal(0.5, 1, (3, m))) for m in (4, 1, 7)]


def of_batches(tally: Any, *batches: Batch) -> Any:
    for A, Y in batches:
        tallied(tally, A, Y)
    return tally


def copies(tally: Any) -> dict[str, Array]:
    return {name: array.copy() for name, array in tally.tensors().items()}


def assert_alike(one: Any, other: Any) -> None:
    for name, array in other.tensors().items():
        np.testing.assert_allclose(one.tensors()[name], array, rtol=1e-12, err_msg=name)


@every_precision
def test_ties_go_to_the_first_class(dtype: str) -> None:
    A = np.array([[0.5, 0.2, 0.25], [0.5, 0.4, 0.25], [0.0, 0.4, 0.5]], dtype)
    assert decisions("largest", A, np.array([0, 1, 2])).sums.tolist() == [3, 3, 3]
    assert decisions("largest", A, np.array([1, 2, 2])).sums.tolist() == [3, 1, 1]


def test_ties_among_targets_go_to_the_first_class_too() -> None:
    A, Y = np.array([[0.9], [0.1]]), np.array([[0.5], [0.5]])
    assert decisions("largest", A, Y).sums.tolist() == [1, 1, 1]


@every_precision
def test_exactly_one_half_is_not_above_the_threshold(dtype: str) -> None:
    above = np.nextafter(np.dtype(dtype).type(0.5), np.dtype(dtype).type(1))
    A = np.array([[0.5, above, 0.5, above]], dtype)
    Y = np.array([[0, 1, 1, 0]], dtype)
    assert decisions("threshold", A, Y).sums.tolist() == [4, 2, 2]


def test_the_threshold_is_a_setting() -> None:
    A, Y = np.array([[-0.25, 0.25]]), np.array([[-1.0, 1.0]])
    assert tallied(Decisions(Judging(1, "threshold", 0.0, 0.0)), A, Y).sums.tolist() == [2, 2, 2]
    assert tallied(Decisions(Judging(1, "threshold", 0.5, 0.5)), A, Y).sums.tolist() == [2, 1, 1]


def test_an_example_is_correct_where_all_its_outputs_are() -> None:
    A, Y = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]]), np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
    assert decisions("threshold", A, Y).sums.tolist() == [3, 1, 3]


def test_residuals_worked_by_hand() -> None:
    A, Y = np.array([[3.0, 1.0]]), np.array([[1.0, 5.0]])
    assert tallied(Residuals(Judging(1, "residuals")), A, Y).sums.tolist() == [2, 2 + 4, 4 + 16, 3, 4 + 4]


def test_outputs_and_targets_are_not_changed() -> None:
    rng = np.random.default_rng(0)
    A, Y, classes = rng.normal(size=(3, 5)), rng.normal(size=(3, 5)), rng.integers(0, 3, 5)
    before = [array.copy() for array in (A, Y, classes)]
    for tally, targets in (
        (Residuals(Judging(3, "residuals")), Y),
        (Decisions(Judging(3, "largest")), Y),
        (Decisions(Judging(3, "largest")), classes),
        (Decisions(Judging(3, "threshold")), Y),
        (Outputs(Judging(3, "residuals")), Y),
    ):
        tally.update(A, targets, output_scratch(A))
    for array, copy in zip((A, Y, classes), before, strict=True):
        np.testing.assert_array_equal(array, copy)


@every_kind
def test_a_fresh_tally_is_empty_and_of_the_same_kind(make: Callable[[], Any]) -> None:
    tally = of_batches(make(), *three_batches())
    fresh = Tallies([tally]).fresh().of(type(tally))
    for name, array in copies(make()).items():
        np.testing.assert_array_equal(fresh.tensors()[name], array)
    of_batches(fresh, *three_batches())
    for name, array in tally.tensors().items():
        np.testing.assert_array_equal(fresh.tensors()[name], array)


@every_kind
@pytest.mark.parametrize("cut", [0, 1, 2, 3])
def test_merged_parts_are_the_whole(make: Callable[[], Any], cut: int) -> None:
    batches = three_batches()
    merged = of_batches(make(), *batches[:cut])
    merged.merge(of_batches(make(), *batches[cut:]))
    assert_alike(merged, of_batches(make(), *batches))


@every_kind
def test_merging_leaves_the_other_as_it_was(make: Callable[[], Any]) -> None:
    other = of_batches(make(), *three_batches())
    before = copies(other)
    of_batches(make(), *three_batches()[:1]).merge(other)
    for name, array in other.tensors().items():
        np.testing.assert_array_equal(array, before[name])


@every_kind
@pytest.mark.parametrize("cut", [0, 1, 2, 3])
def test_a_tally_continues_from_what_was_saved(make: Callable[[], Any], cut: int) -> None:
    batches = three_batches()
    restored = make()
    restored.restore(copies(of_batches(make(), *batches[:cut])))
    assert_alike(of_batches(restored, *batches[cut:]), of_batches(make(), *batches))


def test_outputs_saved_before_the_first_batch_continue_with_class_indices() -> None:
    restored = Outputs(Judging(3, "residuals"))
    restored.restore(copies(Outputs(Judging(3, "residuals"))))
    tallied(restored, np.ones((3, 2)), np.array([0, 2]))
    assert restored.targets.tolist() == [0, 2]


@every_kind
def test_the_tensors_are_all_that_a_tally_needs_to_continue(make: Callable[[], Any]) -> None:
    A, Y = np.hstack([A for A, _ in three_batches()]), np.hstack([Y for _, Y in three_batches()])
    tally, restored = make(), make()
    tallied(tally, A[:, :4], Y[:, :4])
    restored.restore(copies(tally))
    for one in (tally, restored):
        tallied(one, A[:, 4:], Y[:, 4:])
    for name, array in tally.tensors().items():
        np.testing.assert_array_equal(restored.tensors()[name], array)


@every_kind
def test_a_cleared_tally_is_a_fresh_one(make: Callable[[], Any]) -> None:
    tally = of_batches(make(), *three_batches())
    Tallies([tally]).clear()
    assert_alike(tally, make())


@every_kind
@every_precision
def test_weight_2_is_the_example_twice_and_weight_0_none(make: Callable[[], Any], dtype: str) -> None:
    by_weight, by_count = make(), make()
    for k, (A, Y) in enumerate(three_batches()):
        A, Y = A.astype(dtype), Y.astype(dtype)
        counts = (np.arange(A.shape[1]) + k) % 3
        update(by_weight, A, Y, counts.astype(dtype))
        update(by_count, np.repeat(A, counts, axis=1), np.repeat(Y, counts, axis=1))
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    if isinstance(by_weight, Outputs):
        assert by_weight.weights.sum() == by_count.weights.sum() == by_count.outputs.shape[1]
        by_weight, by_count = weighted_means(by_weight), weighted_means(by_count)
        np.testing.assert_allclose(by_weight, by_count, rtol=tolerance)
        return
    for name, array in by_count.tensors().items():
        np.testing.assert_allclose(by_weight.tensors()[name], array, rtol=tolerance, err_msg=name)


def update(tally: Any, A: Array, Y: Array, weights: Array | None = None) -> None:
    """Count a batch, if it has examples."""
    if A.shape[1]:
        tally.update(A, Y, output_scratch(A), weights)


def weighted_means(tally: Outputs) -> Array:
    return np.asarray((tally.outputs * tally.weights).sum(axis=1) / tally.weights.sum())


@every_kind
def test_examples_that_all_weigh_nothing_change_nothing(make: Callable[[], Any]) -> None:
    weighed, plain = make(), make()
    if isinstance(weighed, Outputs):
        return
    for position, (A, Y) in enumerate(three_batches()):
        update(weighed, A + 5, Y, np.zeros(A.shape[1]))
        update(weighed, A, Y, np.ones(A.shape[1]))
        update(plain, A, Y)
        if position == 0:
            update(weighed, A + 5, Y, np.zeros(A.shape[1]))
    assert_alike(weighed, plain)


def test_outputs_are_kept_as_they_were_when_their_buffer_is_used_again() -> None:
    A, Y = np.ones((2, 3)), np.zeros((2, 3))
    tally = Outputs(Judging(2, "residuals"))
    tally.update(A, Y, output_scratch(A))
    A.fill(7)
    Y.fill(7)
    np.testing.assert_array_equal(tally.outputs, np.ones((2, 3)))
    np.testing.assert_array_equal(tally.targets, np.zeros((2, 3)))


@dataclass(frozen=True)
class AreaUnderCurve:
    """The share of pairs of a positive and a negative example that are in the right order, ties by half."""

    higher: ClassVar[bool] = True
    tally_kind: ClassVar[type[Any]] = Outputs

    def value(self, tally: Outputs) -> float:
        scores, positive = tally.outputs[0], tally.targets[0] > 0.5
        apart = scores[positive][:, None] - scores[~positive]
        return float(((apart > 0) + 0.5 * (apart == 0)).mean())


def test_a_metric_that_needs_every_output_is_computed_from_the_tally_that_keeps_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(METRICS, "auc", AreaUnderCurve)
    metrics: dict[str, Metric] = {name: METRICS[name]() for name in ("auc", "accuracy")}
    first = tallies_for(metrics, Judging(1, "threshold"))
    second = first.fresh()
    for part, scores, labels in ((first, [0.9, 0.2], [1, 0]), (second, [0.6, 0.6, 0.7], [1, 0, 0])):
        A = np.array([scores])
        part.update(A, np.array([labels], float), output_scratch(A))
    first.merge(second)
    assert metric_values(metrics, first) == {"auc": (3 + 1.5) / 6, "accuracy": 3 / 5}


def test_metrics_of_one_kind_share_a_tally() -> None:
    metrics: dict[str, Metric] = {name: METRICS[name]() for name in ("rmse", "mae", "r2")}
    assert list(tallies_for(metrics, Judging(2, "residuals")).by_kind) == [Residuals]


def test_every_kind_is_made_from_the_same_arguments() -> None:
    judging = Judging(3, "threshold", 0.25)
    made = empty_tallies([Decisions, Residuals, Outputs], judging)
    assert [(kind, made.of(kind).n) for kind in made.by_kind] == [(Decisions, 3), (Residuals, 3), (Outputs, 3)]
    assert all(tally.judging is judging for tally in made.by_kind.values())


def test_tallies_are_saved_by_kind_and_continue_from_it() -> None:
    whole, restored = (
        Tallies([Decisions(Judging(3, "largest")), Residuals(Judging(3, "residuals"))]) for _ in range(2)
    )
    assert list(whole.tensors()) == ["decisions.sums", "residuals.sums"]
    for A, Y in three_batches():
        whole.update(A, Y, output_scratch(A))
    restored.restore(copies(whole))
    assert_alike(restored, whole)
