"""Every metric against scikit-learn's function, with ties, weights, absent classes and what is not defined."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as peer
from sklearn.preprocessing import label_binarize

from bpcli.nn import Array
from bpcli.nn.metrics import METRICS, Metric, by_column, metric_values, suiting, tallies_for
from bpcli.nn.metrics.classes import F1, Precision, Recall, TopK
from bpcli.nn.metrics.probabilities import ExpectedCalibrationError
from bpcli.nn.metrics.residuals import Pinball
from bpcli.nn.tallies import Judging

from .support import output_scratch

CASES = 21
"""Random cases of each kind of targets."""


@dataclass(frozen=True)
class Case:
    """Outputs and targets, and weights or None; ``y`` and ``scores`` are as scikit-learn wants them."""

    judging: Judging
    A: Array
    Y: Array
    weights: Array | None
    cuts: tuple[int, ...]

    def values(self, metrics: tuple[Metric, ...]) -> dict[str, float]:
        """bp's values, in batches between the cuts, every second one merged."""
        named = by_column(metrics)
        whole, other = tallies_for(named, self.judging), tallies_for(named, self.judging)
        bounds = [0, *self.cuts, self.A.shape[1]]
        for k, (start, end) in enumerate(pairwise(bounds)):
            A, Y = np.ascontiguousarray(self.A[:, start:end]), np.ascontiguousarray(self.Y[..., start:end])
            weights = None if self.weights is None else self.weights[start:end]
            (whole, other)[k % 2].update(A, Y, output_scratch(A), weights)
        whole.merge(other)
        return metric_values(named, whole)


def cuts(rng: np.random.Generator, size: int) -> tuple[int, ...]:
    return tuple(sorted(set(rng.integers(1, size, 3).tolist()))) if size > 1 else ()


def weights(rng: np.random.Generator, size: int) -> Array | None:
    return (None, rng.uniform(0.1, 3, size), rng.integers(1, 4, size).astype(float))[int(rng.integers(3))]


def agree(found: dict[str, float], expected: dict[str, float], note: object) -> None:
    assert set(found) == set(expected)
    for name, value in expected.items():
        same = found[name] == pytest.approx(value, rel=1e-12, abs=1e-12, nan_ok=True)
        assert same, f"{name}: {found[name]} for {value}, {note}"


@pytest.fixture(autouse=True)
def undefined_values_are_expected() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


AVERAGES = ("macro", "micro", "weighted")

OF_DECISIONS: tuple[Metric, ...] = tuple(
    kind(average)  # type: ignore[arg-type]
    for kind in (Precision, Recall, F1)
    for average in AVERAGES
)

PEERS: dict[str, Callable[..., float]] = {
    "precision": peer.precision_score,
    "recall": peer.recall_score,
    "f1": peer.f1_score,
}


def of_decisions(y: Array, decided: Array, weights: Array | None) -> dict[str, float]:
    return {
        f"{name}_{average}": function(y, decided, average=average, sample_weight=weights)
        for name, function in PEERS.items()
        for average in AVERAGES
    }


def several_classes(seed: int) -> Case:
    """3 to 5 classes; some absent, or one alone; probabilities with ties, some exactly 0 and 1."""
    rng = np.random.default_rng(seed)
    n, size = int(rng.integers(3, 6)), int(rng.integers(1, 40))
    occurring = rng.choice(n, int(rng.integers(1, n + 1)), replace=False)
    P = rng.integers(0, 4, (n, size)) + (0 if seed % 2 else rng.uniform(0, 1, (n, size)))
    if seed % 3 == 0:
        P[np.setdiff1d(np.arange(n), occurring)] = 0
    P[occurring[0]] += P.sum(axis=0) == 0
    return Case(
        Judging(n, "largest", probabilities=True),
        P / P.sum(axis=0),
        rng.choice(occurring, size),
        weights(rng, size),
        cuts(rng, size),
    )


@pytest.mark.parametrize("one_hot", ["class indices", "one-hot"])
def test_metrics_of_several_classes_are_scikit_learns(one_hot: str) -> None:
    for seed in range(CASES):
        case = several_classes(seed)
        n, y, w, scores = case.judging.n, case.Y, case.weights, case.A.T
        if one_hot == "one-hot":
            case = Case(case.judging, case.A, (np.arange(n)[:, None] == y).astype(float), w, case.cuts)
        decided, every = scores.argmax(axis=1), np.arange(n)
        columns = label_binarize(y, classes=every)
        expected = {
            "accuracy": peer.accuracy_score(y, decided, sample_weight=w),
            "balanced_accuracy": peer.balanced_accuracy_score(y, decided, sample_weight=w),
            "matthews_correlation": peer.matthews_corrcoef(y, decided, sample_weight=w),
            "top_2": peer.top_k_accuracy_score(y, scores, k=2, labels=every, sample_weight=w),
            "roc_auc": peer.roc_auc_score(y, scores, multi_class="ovr", labels=every, sample_weight=w),
            "average_precision": peer.average_precision_score(columns, scores, sample_weight=w),
            "log_loss": peer.log_loss(y, scores, labels=every, sample_weight=w),
            "brier": peer.brier_score_loss(y, scores, labels=every, sample_weight=w),
            **of_decisions(y, decided, w),
        }
        suited = suiting(case.judging)
        plain = [suited[name] for name in METRICS if name in expected]
        agree(case.values((*plain, TopK(2), *OF_DECISIONS)), expected, seed)


def two_classes(seed: int) -> Case:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 40))
    p = (rng.integers(0, 5, size) / 4, rng.uniform(0, 1, size))[seed % 2]
    y = rng.integers(0, 2, size) if seed % 5 else np.full(size, seed % 2)
    judging = Judging(1, "threshold", probabilities=True)
    return Case(judging, p[None], y[None].astype(float), weights(rng, size), cuts(rng, size))


def of_two_classes(y: Array, p: Array, decided: Array, w: Array | None) -> dict[str, float]:
    binary = {f"{name}_binary": function(y, decided, sample_weight=w) for name, function in PEERS.items()}
    return {
        "accuracy": peer.accuracy_score(y, decided, sample_weight=w),
        "balanced_accuracy": peer.balanced_accuracy_score(y, decided, sample_weight=w),
        "matthews_correlation": peer.matthews_corrcoef(y, decided, sample_weight=w),
        "roc_auc": peer.roc_auc_score(y, p, sample_weight=w),
        "average_precision": peer.average_precision_score(y, p, sample_weight=w),
        "log_loss": peer.log_loss(y, p, labels=[0, 1], sample_weight=w),
        "brier": peer.brier_score_loss(y, p, labels=[0, 1], pos_label=1, sample_weight=w),
        **of_decisions(y, decided, w),
        **binary,
    }


@pytest.mark.parametrize("outputs", [1, 2])
def test_metrics_of_two_classes_are_scikit_learns(outputs: int) -> None:
    for seed in range(CASES):
        case = two_classes(seed)
        p, y = case.A[0], case.Y[0].astype(int)
        decided = (p > 0.5).astype(int)
        if outputs == 2:
            judging = Judging(2, "largest", probabilities=True)
            case = Case(judging, np.stack([1 - p, p]), y, case.weights, case.cuts)
        suited = suiting(case.judging)
        expected = of_two_classes(y, p, decided, case.weights)
        plain = [suited[name] for name in METRICS if name in expected]
        binary = (Precision("binary"), Recall("binary"), F1("binary"))
        agree(case.values((*plain, *OF_DECISIONS, *binary)), expected, seed)


def test_a_threshold_moves_decisions_and_not_scores() -> None:
    for seed in range(20):
        case = two_classes(seed)
        moved = Case(Judging(1, "threshold", 0.2, probabilities=True), case.A, case.Y, case.weights, case.cuts)
        p, y = case.A[0], case.Y[0].astype(int)
        expected = of_two_classes(y, p, (p > 0.2).astype(int), case.weights)
        plain = [suiting(case.judging)[name] for name in METRICS if name in expected]
        binary = (Precision("binary"), Recall("binary"), F1("binary"))
        agree(moved.values((*plain, *OF_DECISIONS, *binary)), expected, seed)


def test_metrics_of_several_labels_are_scikit_learns() -> None:
    for seed in range(CASES // 3):
        rng = np.random.default_rng(seed)
        n, size = int(rng.integers(2, 5)), int(rng.integers(2, 40))
        P = (rng.integers(0, 5, (n, size)) / 4, rng.uniform(0, 1, (n, size)))[seed % 2]
        Y = (rng.uniform(0, 1, (n, size)) < rng.uniform(0, 1, (n, 1))).astype(float)
        case = Case(Judging(n, "threshold", probabilities=True), P, Y, weights(rng, size), cuts(rng, size))
        w, y, decided = case.weights, Y.T.astype(int), (P.T > 0.5).astype(int)
        each = [of_two_classes(y[:, k], P[k], decided[:, k], w) for k in range(n)]
        expected = {
            "accuracy": peer.accuracy_score(y, decided, sample_weight=w),
            "label_accuracy": 1 - peer.hamming_loss(y, decided, sample_weight=w),
            "roc_auc": peer.roc_auc_score(y, P.T, sample_weight=w),
            "average_precision": peer.average_precision_score(y, P.T, sample_weight=w),
            "log_loss": np.mean([one["log_loss"] for one in each]),
            "brier": np.mean([one["brier"] for one in each]),
            **of_decisions(y, decided, w),
        }
        suited = suiting(case.judging)
        plain = [suited[name] for name in METRICS if name in expected]
        agree(case.values((*plain, *OF_DECISIONS)), expected, seed)


def test_metrics_of_a_regression_are_scikit_learns() -> None:
    for seed in range(CASES):
        rng = np.random.default_rng(seed)
        n, size = int(rng.integers(1, 4)), int(rng.integers(2, 40))
        Y = (rng.integers(-3, 4, (n, size)).astype(float), rng.normal(3, 2, (n, size)))[seed % 2]
        A = (rng.integers(-3, 4, (n, size)).astype(float), Y + rng.normal(0.4, 1, Y.shape))[seed % 2]
        if seed % 7 == 0:
            Y[0] = 2.0
        if seed % 14 == 0:
            A[0] = 3.0
        units, origins = rng.choice([0.5, 2.0, 4.0], n), rng.choice([0.0, 1.0, -2.0], n)
        judging = Judging(n, "residuals", units=units, origins=origins)
        case = Case(judging, A, Y, weights(rng, size), cuts(rng, size))
        y, a, w = Y.T * units + origins, A.T * units + origins, case.weights
        expected = {
            "r2": peer.r2_score(y, a, sample_weight=w),
            "explained_variance": peer.explained_variance_score(y, a, sample_weight=w),
            "mse": peer.mean_squared_error(y, a, sample_weight=w),
            "rmse": peer.root_mean_squared_error(y, a, sample_weight=w),
            "mae": peer.mean_absolute_error(y, a, sample_weight=w),
            "median_absolute_error": peer.median_absolute_error(y, a, sample_weight=w),
            "mape": peer.mean_absolute_percentage_error(y, a, sample_weight=w),
            "pinball_0.5": peer.mean_pinball_loss(y, a, sample_weight=w),
            "pinball_0.9": peer.mean_pinball_loss(y, a, alpha=0.9, sample_weight=w),
        }
        plain = [metric for name, metric in suiting(judging).items() if name in expected]
        agree(case.values((*plain, Pinball(0.5), Pinball(0.9))), expected, seed)


def calibration_error_by_loops(case: Case, bins: int) -> float:
    """Guo et al. 2017, eq. 3, one example and one bin at a time."""
    judging, w = case.judging, case.weights if case.weights is not None else np.ones(case.A.shape[1])
    errors = []
    for label in range(judging.labels or 1):
        judged = []
        for j, weight in enumerate(w.tolist()):
            if judging.scoring == "largest":
                column = case.A[:, j].tolist()
                judged.append((max(column), column.index(max(column)) == case.Y[j], weight))
            else:
                p, y = float(case.A[label, j]), bool(case.Y[label, j] > 0.5)
                judged.append((max(p, 1 - p), (p > 0.5) == y, weight))
        error = 0.0
        for b in range(bins):
            inside = [one for one in judged if (b / bins < one[0] or b == 0) and one[0] <= (b + 1) / bins]
            error += abs(math.fsum(weight * (right - confidence) for confidence, right, weight in inside))
        errors.append(error / w.sum())
    return math.fsum(errors) / len(errors)


@pytest.mark.parametrize("bins", [1, 4, 15])
def test_the_calibration_error_matches_plain_loops(bins: int) -> None:
    metric = ExpectedCalibrationError(bins)
    for seed in range(30):
        for case in (several_classes(seed), two_classes(seed)):
            found = case.values((metric,))[f"expected_calibration_error_{bins}"]
            assert found == pytest.approx(calibration_error_by_loops(case, bins), rel=1e-12, abs=1e-12)


def test_two_outputs_are_calibrated_as_one_is() -> None:
    metric = ExpectedCalibrationError(10)
    for seed in range(20):
        one = two_classes(seed)
        if (one.A == 0.5).any():
            continue
        judging = Judging(2, "largest", probabilities=True)
        two = Case(judging, np.concatenate([1 - one.A, one.A]), one.Y[0].astype(int), one.weights, one.cuts)
        assert two.values((metric,)) == pytest.approx(one.values((metric,)), rel=1e-12, abs=1e-12)


def test_float32_outputs_are_clipped_by_their_own_epsilon_and_computed_in_float64() -> None:
    p, y = np.array([[0.0, 1.0, 0.3]], np.float32), np.array([[1.0, 0.0, 1.0]], np.float32)
    case = Case(Judging(1, "threshold", probabilities=True), p, y, None, ())
    epsilon = float(np.finfo(np.float32).eps)
    expected = (-2 * math.log(epsilon) - math.log(float(np.float32(0.3)))) / 3
    found = case.values((METRICS["log_loss"](), METRICS["brier"]()))
    assert found["log_loss"] == pytest.approx(expected, rel=1e-14)
    assert found["log_loss"] == pytest.approx(peer.log_loss(y[0], p[0]), rel=1e-6)
    assert found["brier"] == pytest.approx((2 + (1 - float(np.float32(0.3))) ** 2) / 3, rel=1e-14)


def every_metric_of(judging: Judging) -> tuple[Metric, ...]:
    return tuple(suiting(judging).values())


def test_without_weight_no_metric_is_a_number_that_could_be_believed() -> None:
    for judging in (Judging(3, "largest", probabilities=True), Judging(1, "threshold", probabilities=True)):
        for metric in every_metric_of(judging):
            A = np.full((judging.n, 2), 0.5)
            Y: Any = np.array([0, 1]) if judging.scoring == "largest" else np.array([[0.0, 1.0]])
            (value,) = Case(judging, A, Y, np.zeros(2), ()).values((metric,)).values()
            assert math.isnan(value) or value == 0, metric


def test_examples_without_weight_change_no_metric() -> None:
    for seed in range(20):
        for case in (several_classes(seed), two_classes(seed)):
            size = case.A.shape[1]
            w = np.random.default_rng(seed).integers(0, 2, size).astype(float)
            if w.any():
                kept = np.flatnonzero(w)
                weighted = Case(case.judging, case.A, case.Y, w, case.cuts)
                without = Case(case.judging, case.A[:, kept], case.Y[..., kept], None, ())
                agree(
                    weighted.values(every_metric_of(case.judging)), without.values(every_metric_of(case.judging)), seed
                )


@pytest.mark.slow
def test_a_million_examples_take_seconds() -> None:
    rng, n, size = np.random.default_rng(0), 10, 1_000_000
    y, w = rng.integers(0, n, size), rng.uniform(0.5, 2, size)
    P = rng.uniform(0, 1, (n, size)) + (np.arange(n)[:, None] == y)
    P /= P.sum(axis=0)
    judging = Judging(n, "largest", probabilities=True)
    case = Case(judging, P, y, w, tuple(range(1024, size, 1024)))
    began = perf_counter()
    found = case.values(every_metric_of(judging))
    print(f"\nevery metric, 10 classes, 10⁶ examples: {perf_counter() - began:.1f} s")  # noqa: T201 - a figure to read
    decided = P.argmax(axis=0)
    assert found["f1_macro"] == pytest.approx(peer.f1_score(y, decided, average="macro", sample_weight=w), rel=1e-11)
    assert found["log_loss"] == pytest.approx(peer.log_loss(y, P.T, sample_weight=w), rel=1e-11)
    area = peer.roc_auc_score(y, P.T, multi_class="ovr", sample_weight=w)
    assert found["roc_auc"] == pytest.approx(area, rel=1e-11)
