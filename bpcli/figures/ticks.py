"""Where an axis has its numbers, and how they are written."""

from __future__ import annotations

from math import ceil, floor, log10

STEPS = (1, 2, 5, 10)
"""What the distance of two numbers may be, times a power of ten."""


def ticks(low: float, high: float, most: int, *, whole: bool = False) -> list[float]:
    """At most ``most`` round numbers at equal distances within [low, high]; whole ones where they must be."""
    if not low < high:
        return [low]
    power = floor(log10((high - low) / most))
    candidates = (step * 10.0**exponent for exponent in range(power - 1, power + 3) for step in STEPS)
    for distance in candidates:
        first, last = ceil(low / distance - 1e-9), floor(high / distance + 1e-9)
        if last - first < most and (not whole or distance >= 1):
            return [float(f"{place * distance:.12g}") for place in range(first, last + 1)]
    return [low]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """The same of exponents of ten, for an axis of logarithms: whole exponents, where there are two."""
    whole = ticks(low, high, most, whole=True)
    if len(whole) > 1:
        return whole
    within = (exponent + log10(step) for exponent in range(floor(low), ceil(high) + 1) for step in (1, 2, 5))
    return [place for place in within if low <= place <= high][:most] or [low]


def written(value: float) -> str:
    """A number as an axis has it."""
    return f"{value:.4g}"


def numeral(value: float) -> str:
    """A number in a cell: a count as it is, else three digits."""
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e7 else f"{value:.3g}"
