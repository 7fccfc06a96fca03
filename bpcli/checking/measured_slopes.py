"""The slope of a function along each of its variables, and how exactly differences show it.

Central differences D(h) with h shrinking by tens. From one step to the next the
truncation error falls to a hundredth, so |D(h) − D(h/10)| shows it; the noise of
the function, measured from its high-order differences, gives the round-off. The
step with the smallest sum of both is taken. A variable much smaller than the others of its
array is tried with steps in proportion to itself too: the function may change within its size.
At a kink the slopes on the two sides stay apart however small the step: there every value
between them is a derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import comb

import numpy as np

from bpcli.nn import Array

__tracebackhide__ = True  # a test's failure shows the user's lines alone

STEPS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
"""The steps tried, as multiples of a variable's scale."""

CLOSER_STEPS = (1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10)
"""The steps tried besides at a kink, for others nearer by."""

TINY = 0.1
"""A variable below this share of its scale has steps of its own."""

LEAST = 1e-280
"""The least variable that has some: no step underflows."""

APART = 4.0
"""Slopes by two scales contradict each other where they differ by so many times the sum of their errors."""

SHRINKING = 10.0
"""The share of |D(h) − D(h/10)| counted as the truncation error of D(h/10) is one in this; theory says in 99."""

KINK = 0.5
"""A smooth function's slopes on both sides differ by a tenth after a step ten times smaller; at a kink, by as much."""

EXACT = 1e-14
"""A function with less noise than this share of its value, and the same value at every step, has the slope 0."""

NOISE_STEPS = (1e-6, 1e-4, 1e-2)
"""The distances of the points at which noise is measured: the first at which the function changes at all.

h⁴ of the first lies below the last bit of any smooth function; a function computed in few digits needs a larger one.
"""

NOISE_POINTS = 8
NOISE_ORDERS = (4, 5, 6)
NOISE_DIRECTIONS = 3

Function = Callable[[Array], float]
"""θ ↦ L, for real θ, (P,)."""


@dataclass(frozen=True)
class Slope:
    """A measured derivative, how far it may be off, and the slopes on the two sides; equal but at a kink.

    The derivative is NaN where the function was not finite at the steps around.
    ``exact`` where nothing was subtracted: what equals it to the last bit, such as 0, is right whatever the error.
    """

    value: float
    error: float
    low: float
    high: float
    exact: bool = False

    @property
    def at_kink(self) -> bool:
        """Whether the function has no derivative there."""
        return self.low < self.high

    @property
    def measured(self) -> bool:
        """Whether the function was finite at the steps around."""
        return bool(np.isfinite(self.value))


def largest_of(slopes: Iterable[Slope]) -> float:
    """The largest absolute value of the slopes that are known better than to their own size, 0 for none."""
    return max((abs(one.value) for one in slopes if one.measured and one.error <= abs(one.value)), default=0.0)


def exactly(value: float, error: float) -> Slope:
    """A derivative by the complex step; ``error`` is how far rounding may change it."""
    return Slope(value, error, value, value, exact=True)


def noise_of(function: Function, theta: Array, moves: Array, last_bit: float, rng: np.random.Generator) -> float:
    """The size of the rounding errors in the function's values near θ, at least ``last_bit`` of the value itself.

    ``moves``, (P,), is the length by which each variable may move; 0 holds it still.

    The differences of order k of independent errors of variance s² have the variance
    C(2k, k) s² (Moré & Wild 2011, *Estimating Computational Noise*, §2). Directions in which the
    function is not finite do not count.
    """
    found = []
    for _ in range(NOISE_DIRECTIONS):
        direction = moves * rng.choice((-1.0, 1.0), theta.shape)
        for step in NOISE_STEPS:
            values = np.array([function(theta + k * step * direction) for k in range(NOISE_POINTS)])
            if (values != values[0]).any():
                break
        if np.isfinite(values).all():
            found.append(_noise_in(values))
    return max(float(np.median(found)) if found else 0.0, last_bit * abs(function(theta)))


def _noise_in(values: Array) -> float:
    """The size of independent errors in a smooth function's values at equal distances."""
    largest = np.abs(values).max() or 1.0  # no square overflows
    parts = values / largest
    return float(largest * max(np.sqrt(np.mean(np.diff(parts, k) ** 2) / comb(2 * k, k)) for k in NOISE_ORDERS))


def measure(function: Function, theta: Array, here: float, i: int, scale: float, noise: float) -> Slope:
    """The derivative by θ_i, by the step at which it is known best; ``here`` is the function's value."""
    own = abs(float(theta[i]))
    with np.errstate(all="ignore"):  # a quotient may overflow
        found = _by_scale(function, theta, here, i, scale, noise, 0.0 if noise <= EXACT * abs(here) else noise)
        if not LEAST < own < TINY * scale:
            return found
        closer = _by_scale(function, theta, here, i, own, noise, noise)
    if closer.error <= found.error or abs(closer.value - found.value) > APART * (closer.error + found.error):
        return closer
    return found


def _by_scale(
    function: Function, theta: Array, here: float, i: int, scale: float, noise: float, noise_if_flat: float
) -> Slope:
    """The derivative by θ_i, by the best of the steps in proportion to a scale."""
    point = theta.copy()
    best, before, flat = Slope(np.nan, np.inf, np.nan, np.nan), None, True
    for step in STEPS:
        above, below = theta[i] + step * scale, theta[i] - step * scale
        point[i] = above
        high = function(point)
        point[i] = below
        low = function(point)
        if not flat and high == low == here:
            break  # the step is too small for the function's digits
        flat = flat and high == low == here
        sides = np.array([(here - low) / (theta[i] - below), (high - here) / (above - theta[i])])
        central = (high - low) / (above - below)
        if before is not None and np.isfinite([central, before[0]]).all():
            roundoff = 2 * (noise_if_flat if flat else noise) / (step * scale)
            error = abs(central - before[0]) / SHRINKING + roundoff
            if error < best.error:
                best = _slope(central, error, sides, before[1], roundoff)
        before = central, sides
    return _with_kinks_nearby(function, theta, here, i, scale, noise, best) if best.at_kink else best


def _with_kinks_nearby(
    function: Function, theta: Array, here: float, i: int, scale: float, noise: float, found: Slope
) -> Slope:
    """A slope at a kink with the slopes on both sides closer to it: there may be several kinks."""
    point, low, high = theta.copy(), found.low, found.high
    before = np.array([np.nan, np.nan])
    for step in CLOSER_STEPS:
        sides = np.empty(2)
        for k, move in enumerate((-step * scale, step * scale)):
            point[i] = theta[i] + move
            sides[k] = (function(point) - here) / (point[i] - theta[i])
        limits, roundoff = sides + (sides - before) / 9, 8 * noise / (step * scale)
        low, high, before = np.fmin(low, limits.min() + roundoff), np.fmax(high, limits.max() - roundoff), sides
    return replace(found, low=float(low), high=float(high))


def _slope(central: float, error: float, sides: Array, sides_before: Array, roundoff: float) -> Slope:
    """A slope, with its two sides where they do not come closer as the step shrinks.

    The sides' error is in proportion to the step, so a ninth of their last change leads to its limit.
    """
    apart, apart_before = abs(sides[1] - sides[0]), abs(sides_before[1] - sides_before[0])
    if apart > 4 * roundoff and apart > KINK * apart_before:
        limits = sides + (sides - sides_before) / 9
        return Slope(central, error, float(limits.min()), float(limits.max()))
    return Slope(central, error, central, central)
