"""Intervals of means: Student's quantiles, and what they cover."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest
from scipy import stats

from bpcli.runs.intervals import interval, student_quantile, within


def test_quantiles_are_students() -> None:
    for freedom in [*range(1, 40), 99, 500]:
        for confidence in (0.5, 0.95, 0.999):
            wanted = stats.t.ppf((1 + confidence) / 2, freedom)
            assert student_quantile(freedom, confidence) == pytest.approx(wanted, rel=1e-9), freedom


def test_probabilities_are_students() -> None:
    for freedom in range(1, 30):
        for t in (0.0, 0.3, 1.0, 4.0, 50.0):
            wanted = stats.t.cdf(t, freedom) - stats.t.cdf(-t, freedom)
            assert within(t, freedom) == pytest.approx(wanted, abs=1e-12), (freedom, t)


def test_an_interval_by_hand() -> None:
    found = interval([1.0, 2.0, 3.0])
    half = 4.302652729911275 / 3**0.5  # t for two degrees of freedom; s = 1
    assert (found.mean, found.runs) == (2.0, 3)
    assert (found.low, found.high) == pytest.approx((2 - half, 2 + half))


def test_overlapping_training_parts_widen_it() -> None:
    values = [0.9, 0.95, 0.93, 0.97, 0.91]
    plain, folds = interval(values), interval(values, overlap=1 / 4)
    assert (folds.high - folds.low) / (plain.high - plain.low) == pytest.approx(((1 / 5 + 1 / 4) / (1 / 5)) ** 0.5)


def test_it_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(3, 2, (2000, 5)).tolist()
    hits = sum(found.low <= 3 <= found.high for found in map(interval, samples))
    assert 0.935 < hits / 2000 < 0.965


def test_one_value_has_no_interval_and_nan_no_mean() -> None:
    one, broken = interval([0.5]), interval([0.5, nan, 0.7])
    assert (one.mean, one.runs) == (0.5, 1)
    assert all(map(isnan, (one.low, one.high, broken.mean, broken.low, broken.high)))
