"""The line search: what it returns satisfies the strong Wolfe conditions, wherever it starts."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf, log, sqrt

import pytest

from bpcli.nn.optimizers.second_order.line_search import CURVATURE, DECREASE, LOOKS, Point, _between, search

Curve = tuple[Callable[[float], float], Callable[[float], float]]

CURVES: dict[str, Curve] = {
    "parabola": (lambda a: (a - 1) ** 2, lambda a: 2 * (a - 1)),
    "flat valley": (lambda a: -a / (a * a + 2), lambda a: (a * a - 2) / (a * a + 2) ** 2),  # Moré & Thuente 1994
    "steep wall": (lambda a: (a + 0.004) ** 5 - 2 * (a + 0.004) ** 4, lambda a: (a + 0.004) ** 3 * (5 * a - 7.98)),
    "long slope": (lambda a: exp(-a / 50) + 1e-6 * a, lambda a: -exp(-a / 50) / 50 + 1e-6),
    "pole": (lambda a: -log(3 - a) - 2 * a if a < 3 else inf, lambda a: 1 / (3 - a) - 2 if a < 3 else inf),
    "kink": (lambda a: sqrt((a - 2) ** 2 + 1e-3), lambda a: (a - 2) / sqrt((a - 2) ** 2 + 1e-3)),
}


def looked(curve: Curve, seen: list[float]) -> Callable[[float], Point]:
    def at(step: float) -> Point:
        seen.append(step)
        return Point(step, curve[0](step), curve[1](step))

    return at


@pytest.mark.parametrize("name", CURVES)
def test_the_step_satisfies_both_conditions_from_any_first_step(name: str) -> None:
    curve = CURVES[name]
    start = Point(0.0, curve[0](0), curve[1](0))
    for first in (1e-3, 0.1, 1.0, 10.0, 1e3):
        seen: list[float] = []
        found = search(looked(curve, seen), start, first, 0.0)
        assert found is not None
        assert found.step > 0
        assert found.value <= start.value + DECREASE * found.step * start.slope
        assert abs(found.slope) <= CURVATURE * abs(start.slope)
        assert seen[0] == first
        assert seen[-1] == found.step  # so its gradient is at hand
        assert len(seen) <= LOOKS


def test_a_cubic_is_minimised_by_one_interpolation() -> None:
    def value(a: float) -> float:
        return 2 * a**3 - a**2 - 3 * a + 5

    def slope(a: float) -> float:
        return 6 * a**2 - 2 * a - 3

    low, high = (Point(a, value(a), slope(a)) for a in (0.0, 2.0))
    minimum = (1 + sqrt(19)) / 6
    assert _between(low, high) == pytest.approx(minimum, rel=1e-14)
    assert _between(high, low) == pytest.approx(minimum, rel=1e-14)


def test_rounding_that_hides_the_decrease_leaves_the_choice_to_the_slopes() -> None:
    curve: Curve = (lambda a: 1.0 + 1e-17 * (a - 1) ** 2, lambda a: 2e-17 * (a - 1))
    start = Point(0.0, 1.0, -2e-17)
    assert search(looked(curve, []), start, 1.0, 1e-15) == Point(1.0, 1.0, 0.0)
    climbing: Curve = (lambda a: 1.0 + 1e-15, lambda a: -2e-17 * (1 + a))
    assert search(looked(climbing, []), start, 1.0, 0.0) is None


def test_a_slope_without_end_has_no_step() -> None:
    curve: Curve = (lambda a: -a, lambda a: -1.0)
    seen: list[float] = []
    assert search(looked(curve, seen), Point(0.0, 0.0, -1.0), 1.0, 0.0) is None
    assert len(seen) == LOOKS
