"""The strong Wolfe line search: how far to go along a direction.

Nocedal & Wright 2006, algorithms 3.5 and 3.6, with the cubic interpolation of their eq. 3.59. A step is long enough
and short enough where

    φ(α) ≤ φ(0) + c₁ α φ′(0)  and  |φ′(α)| ≤ c₂ |φ′(0)|.

Near a minimum rounding hides the decrease of φ. There the slopes decide (Hager & Zhang 2005, eq. 4.1):
(2c₁ − 1) φ′(0) ≥ φ′(α) ≥ c₂ φ′(0), which is the same for a quadratic.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, sqrt
from typing import NamedTuple

DECREASE, CURVATURE = 1e-4, 0.9
"""c₁ and c₂, Nocedal & Wright's for quasi-Newton directions."""

EXPANSION = 4.0
"""A step that is too short is tried this many times as long."""

LOOKS = 30
"""The most values of φ looked at."""

MARGIN = 0.1
"""An interpolated step keeps this part of its interval to either side."""


class Point(NamedTuple):
    """φ at a step length: its value and its slope."""

    step: float
    value: float
    slope: float


def search(at: Callable[[float], Point], start: Point, first: float, noise: float) -> Point | None:
    """A step that satisfies the conditions, ``first`` being tried first; None where none was found.

    ``start`` is φ at 0, its slope below 0; ``noise`` is how far rounding may move a value. The point
    returned is the last one that ``at`` was called for.
    """
    along = _Search(at, start, noise)
    before, step = start, first
    while along.looks < LOOKS:
        here = along.look(step)
        if along.accepts(here):
            return here
        if along.too_high(here) or (before is not start and here.value >= before.value):
            return along.zoom(before, here)
        if here.slope >= 0:
            return along.zoom(here, before)
        before, step = here, step * EXPANSION
    return None


class _Search:
    """φ along one direction, and the number of looks at it."""

    def __init__(self, at: Callable[[float], Point], start: Point, noise: float) -> None:
        self.at, self.start, self.noise, self.looks = at, start, noise, 0

    def look(self, step: float) -> Point:
        """φ at a step; a point that is not finite counts as infinitely high."""
        self.looks += 1
        found = self.at(step)
        return found if isfinite(found.value) and isfinite(found.slope) else Point(step, float("inf"), 0.0)

    def too_high(self, here: Point) -> bool:
        """Whether φ has not decreased enough."""
        return not here.value <= self.start.value + DECREASE * here.step * self.start.slope

    def accepts(self, here: Point) -> bool:
        """Whether the conditions hold, by the values or, where these differ by rounding alone, by the slopes."""
        slope = self.start.slope
        if not self.too_high(here):
            return abs(here.slope) <= -CURVATURE * slope
        hidden = abs(here.value - self.start.value) <= self.noise
        return hidden and (2 * DECREASE - 1) * slope >= here.slope >= CURVATURE * slope

    def zoom(self, low: Point, high: Point) -> Point | None:
        """A step between two that enclose one: φ decreases from ``low``, the lowest so far, towards ``high``."""
        while self.looks < LOOKS and low.step != high.step:
            here = self.look(_between(low, high))
            if self.accepts(here):
                return here
            if self.too_high(here) or here.value >= low.value:
                high = here
                continue
            if here.slope * (high.step - low.step) >= 0:
                high = low
            low = here
        return self.look(low.step) if low.step > 0 else None


def _between(low: Point, high: Point) -> float:
    """The minimum of the cubic through both points, kept from coming too close to them; their middle for none."""
    width, middle = high.step - low.step, (low.step + high.step) / 2
    if not isfinite(high.value):
        return middle
    d1 = low.slope + high.slope - 3 * (low.value - high.value) / -width
    root = d1 * d1 - low.slope * high.slope
    if not (isfinite(root) and root >= 0):
        return middle
    d2 = sqrt(root) if width > 0 else -sqrt(root)
    bottom = high.slope - low.slope + 2 * d2
    step = high.step - width * (high.slope + d2 - d1) / bottom if bottom else middle
    least, most = sorted((low.step + MARGIN * width, high.step - MARGIN * width))
    return min(max(step, least), most)
