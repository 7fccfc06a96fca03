"""The bootstrap: weights that count draws give the metrics of the drawn rows, and SciPy finds the same intervals."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from bpcli.nn import Array
from bpcli.nn.metrics import Metric, by_column, metric_values, suiting, tallies_for
from bpcli.nn.tallies import Judging, Outputs
from bpcli.nn.workspace import OutputScratch, layer_scratch, output_scratch
from bpcli.reporting.bootstrap import (
    FEWEST_RESAMPLES,
    MOST_RESAMPLES,
    SORTED_CELLS,
    bootstrap,
    cheap,
    resamples_for,
    times_drawn,
)
from bpcli.streams import stream

JUDGINGS = {
    "classes": Judging(3, "largest", probabilities=True),
    "two classes": Judging(1, "threshold", probabilities=True),
    "labels": Judging(3, "threshold", probabilities=True),
    "numbers": Judging(2, "residuals", units=np.array([2.0, 0.5]), origins=np.array([1.0, -3.0])),
}


def outputs_of(judging: Judging, size: int, dtype: type = np.float64, weights: Array | None = None) -> Outputs:
    rng = np.random.default_rng(7)
    if judging.of_numbers:
        Y: Array = rng.normal(0, 1, (judging.n, size))
        A: Array = Y + rng.normal(0, 0.5, Y.shape)
    elif judging.scoring == "largest":
        Y = rng.integers(judging.n, size=size)
        A = rng.dirichlet(np.ones(judging.n), size).T + 0.3 * np.eye(judging.n)[:, Y]
        A /= A.sum(axis=0)
    else:
        Y = rng.integers(2, size=(judging.n, size)).astype(np.float64)
        A = np.clip(0.3 * Y + 0.7 * rng.random(Y.shape), 0.01, 0.99)
    return kept(judging, A.astype(dtype), Y if Y.ndim == 1 else Y.astype(dtype), weights)


def scratch_of(A: Array) -> OutputScratch:
    return output_scratch(layer_scratch(A.shape[0], A.shape[1], A.dtype))


def kept(judging: Judging, A: Array, Y: Array, weights: Array | None = None) -> Outputs:
    outputs = Outputs(judging)
    outputs.update(A, Y, scratch_of(A), weights)
    return outputs


def values_of(outputs: Outputs, metrics: dict[str, Metric], weights: Array | None = None) -> Array:
    A, Y = outputs.outputs, outputs.targets
    tallies = tallies_for(metrics, outputs.judging)
    tallies.update(A, Y, scratch_of(A), weights)
    return np.array(list(metric_values(metrics, tallies).values()))


@pytest.mark.parametrize("judging", JUDGINGS.values(), ids=JUDGINGS)
def test_times_drawn_as_weights_give_every_metric_of_the_drawn_rows(judging: Judging) -> None:
    outputs, metrics = outputs_of(judging, 40), by_column(suiting(judging).values())
    times = times_drawn(np.random.default_rng(1), 40)
    drawn = np.repeat(np.arange(40), times)
    assert len(drawn) == 40
    assert len(set(drawn)) < 40
    rows = kept(judging, outputs.outputs[:, drawn], outputs.targets[..., drawn])
    assert values_of(outputs, metrics, times.astype(np.float64)) == pytest.approx(values_of(rows, metrics), rel=1e-10)


@pytest.mark.parametrize(("judging", "name"), [("classes", "accuracy"), ("numbers", "rmse"), ("numbers", "r2")])
def test_scipy_finds_the_same_interval(judging: str, name: str) -> None:
    outputs = outputs_of(JUDGINGS[judging], 150)
    metrics = {name: suiting(outputs.judging)[name]}
    found = bootstrap(outputs, metrics, seed=3).bounds[name]

    def statistic(rows: Array) -> float:
        some = kept(outputs.judging, outputs.outputs[:, rows], outputs.targets[..., rows])
        return float(values_of(some, metrics)[0])

    theirs = scipy.stats.bootstrap(
        (np.arange(150),),
        statistic,
        n_resamples=400,
        vectorized=False,
        method="percentile",
        rng=np.random.default_rng(5),
    ).confidence_interval
    width = theirs.high - theirs.low
    assert width > 0
    assert [found.low, found.high] == pytest.approx([theirs.low, theirs.high], abs=width / 7)


def test_bounds_are_the_percentiles_of_the_stream_of_their_own() -> None:
    judging = JUDGINGS["numbers"]
    weights = np.linspace(0.5, 2, 30)
    outputs = outputs_of(judging, 30, weights=weights)
    metrics = {"mae": suiting(judging)["mae"]}
    draws, values = stream(11, "bootstrap"), []
    for _ in range(MOST_RESAMPLES):
        rows = draws.integers(30, size=30)
        values.append(values_of(outputs, metrics, weights * np.bincount(rows, minlength=30))[0])
    found = bootstrap(outputs, metrics, seed=11)
    assert found.resamples == MOST_RESAMPLES
    assert [found.bounds["mae"].low, found.bounds["mae"].high] == pytest.approx(np.percentile(values, [2.5, 97.5]))
    assert bootstrap(outputs, metrics, seed=12).bounds["mae"] != found.bounds["mae"]


def test_single_precision_and_weights_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpcli.reporting.bootstrap.resamples_for", lambda _: 20)
    for judging in JUDGINGS.values():
        metrics = by_column(suiting(judging).values())
        outputs = outputs_of(judging, 12, np.float32, np.full(12, 2.0, np.float32))
        assert all(one.low <= one.high for one in bootstrap(outputs, metrics, seed=0).bounds.values())


def test_a_metric_that_is_mostly_undefined_has_no_interval() -> None:
    judging = JUDGINGS["two classes"]
    Y = np.zeros((1, 50))
    Y[0, 0] = 1  # drawn in 63 % of the samples
    some = kept(judging, np.linspace(0.1, 0.9, 50)[None], Y)
    metrics = {"roc_auc": suiting(judging)["roc_auc"]}
    assert np.isfinite(bootstrap(some, metrics, seed=0).bounds["roc_auc"].low)
    never = bootstrap(kept(judging, some.outputs, np.zeros((1, 50))), metrics, seed=0).bounds["roc_auc"]
    assert np.isnan([never.low, never.high]).all()


def test_large_parts_are_resampled_less_often_and_sorted_only_on_request() -> None:
    assert [resamples_for(cells) for cells in (0, 100, 40_000, 100_000, 10**9)] == [
        *[MOST_RESAMPLES] * 3,
        400,
        FEWEST_RESAMPLES,
    ]
    every = by_column(suiting(JUDGINGS["two classes"]).values())
    assert cheap(every, SORTED_CELLS) == every
    assert every.keys() - cheap(every, SORTED_CELLS + 1).keys() == {
        *("roc_auc", "average_precision", "expected_calibration_error_15"),
    }
