"""How sure is a mean over several runs? A 95 % interval by Student's t."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan, cos, isnan, pi, sin, sqrt
from statistics import fmean, variance

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """The mean of ``runs`` values, and the bounds within which it lies with 95 % confidence; NaN for one value."""

    mean: float
    low: float
    high: float
    runs: int


def interval(values: list[float], overlap: float = 0.0) -> Interval:
    """The mean of values and its interval: mean ± t · s · √(1/J + overlap), J values with the deviation s.

    ``overlap`` is n_test/n_train where each value is of a split of its own of the same rows: their training
    parts overlap, so the values vary less than independent ones would (Nadeau & Bengio 2003, §3.2). It is
    0 where only the chance of training differs. A value that is NaN makes everything NaN.
    """
    mean, count = fmean(values), len(values)
    if count < 2 or isnan(mean):
        return Interval(mean, float("nan"), float("nan"), count)
    half = student_quantile(count - 1) * sqrt(variance(values) * (1 / count + overlap))
    return Interval(mean, mean - half, mean + half, count)


def student_quantile(freedom: int, confidence: float = CONFIDENCE) -> float:
    """The t with P(|T| ≤ t) = ``confidence`` for Student's distribution with ``freedom`` degrees, 1 or more."""
    low, high = 0.0, 1.0
    while within(high, freedom) < confidence:
        low, high = high, 2 * high
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if within(middle, freedom) < confidence else (low, middle)
    return high


def within(t: float, freedom: int) -> float:
    """P(|T| ≤ t): the finite series for whole degrees of freedom (Abramowitz & Stegun 1964, 26.7.3 and 26.7.4)."""
    angle = atan(t / sqrt(freedom))
    odd = freedom % 2
    term = cos(angle) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(2 + odd, freedom - 1, 2):
        term *= (k - 1) / k * cos(angle) ** 2
        total += term
    return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total
