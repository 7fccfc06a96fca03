"""Tallies: parts counted apart and merged, and the one that keeps every output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.metrics import METRICS, Metric, read_metrics, tallies_for
from bpcli.nn.tallies import Decisions, Outputs, Residuals, Tallies

from .support import output_scratch

KINDS: dict[str, Callable[[], Any]] = {
    "largest": lambda: Decisions(3, "largest"),
    "threshold": lambda: Decisions(3, "threshold"),
    "residuals": lambda: Residuals(3),
    "outputs": lambda: Outputs(3),
}

every_kind = pytest.mark.parametrize("made", KINDS.values(), ids=KINDS)


def batches() -> list[tuple[Array, Array]]:
    rng = np.random.default_rng(3)
    return [(rng.normal(0.5, 1, (3, m)), rng.normal(0.5, 1, (3, m))) for m in (4, 1, 7)]


def counted(tally: Any, *given: tuple[Array, Array]) -> Any:
    for A, Y in given:
        tally.update(A, Y, output_scratch(A))
    return tally


def same(one: Any, other: Any) -> None:
    for name, array in other.tensors().items():
        np.testing.assert_allclose(one.tensors()[name], array, rtol=1e-12, err_msg=name)


@every_kind
@pytest.mark.parametrize("cut", [0, 1, 2, 3])
def test_parts_that_are_merged_count_as_the_whole(made: Callable[[], Any], cut: int) -> None:
    given = batches()
    merged = counted(made(), *given[:cut])
    merged.merge(counted(made(), *given[cut:]))
    same(merged, counted(made(), *given))


@every_kind
def test_merging_leaves_the_other_as_it_was(made: Callable[[], Any]) -> None:
    other = counted(made(), *batches())
    before = {name: array.copy() for name, array in other.tensors().items()}
    counted(made(), *batches()[:1]).merge(other)
    for name, array in other.tensors().items():
        np.testing.assert_array_equal(array, before[name])


@every_kind
def test_a_tally_goes_on_from_what_was_saved(made: Callable[[], Any]) -> None:
    given = batches()
    saved = {name: array.copy() for name, array in counted(made(), *given[:2]).tensors().items()}
    resumed = made()
    resumed.restore(saved)
    same(counted(resumed, given[2]), counted(made(), *given))


@every_kind
def test_a_cleared_tally_is_a_fresh_one(made: Callable[[], Any]) -> None:
    tally = counted(made(), *batches())
    tally.clear()
    same(tally, made())


def test_outputs_are_kept_as_they_were_when_their_buffer_is_used_again() -> None:
    A, Y = np.ones((2, 3)), np.zeros((2, 3))
    tally = counted(Outputs(2), (A, Y))
    A.fill(7)
    np.testing.assert_array_equal(tally.outputs, np.ones((2, 3)))


def test_the_threshold_is_a_setting() -> None:
    A, Y = np.array([[-0.25, 0.25]]), np.array([[-1.0, 1.0]])
    assert counted(Decisions(1, "threshold", 0.0), (A, Y)).sums.tolist() == [2, 2, 2]
    assert counted(Decisions(1, "threshold", 0.5), (A, Y)).sums.tolist() == [2, 1, 1]


@dataclass(frozen=True)
class AreaUnderCurve:
    """The share of pairs of a positive and a negative example that are in the right order, ties by half."""

    higher: ClassVar[bool] = True
    counts: ClassVar[type[Any]] = Outputs

    def value(self, tally: Outputs, units: Array) -> float:
        scores, positive = tally.outputs[0], tally.targets[0] > 0.5
        apart = scores[positive][:, None] - scores[~positive]
        return float(((apart > 0) + 0.5 * (apart == 0)).mean())


def test_a_metric_that_needs_every_output_reads_the_tally_that_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METRICS, "auc", AreaUnderCurve)
    metrics: dict[str, Metric] = {name: METRICS[name]() for name in ("auc", "accuracy")}
    tallies = tallies_for(metrics, 1, "threshold")
    first, second = tallies, tallies.fresh()
    for part, scores, labels in ((first, [0.9, 0.2], [1, 0]), (second, [0.6, 0.6, 0.7], [1, 0, 0])):
        A = np.array([scores])
        part.update(A, np.array([labels], float), output_scratch(A))
    first.merge(second)
    found = read_metrics(metrics, first, np.ones(1))
    assert found == {"auc": (3 + 1.5) / 6, "accuracy": 3 / 5}


def test_tallies_of_one_kind_are_counted_once() -> None:
    metrics: dict[str, Metric] = {name: METRICS[name]() for name in ("rmse", "mae", "r2")}
    assert list(tallies_for(metrics, 2, "residuals").by_kind) == [Residuals]


def test_tallies_are_saved_by_kind() -> None:
    both = Tallies([Decisions(3, "largest"), Residuals(3)])
    assert list(both.tensors()) == ["decisions.sums", "residuals.sums"]
