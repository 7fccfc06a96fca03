"""Horizontal bars as text: a name, a bar, the number, and how far it spreads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bpcli.figures.figure import Axis, Bars
from bpcli.figures.words import names_of, shortened
from bpcli.lines.cells import cells, padded

FULL, HALF = "█", "▌"


LEAST_ROOM = 10
"""Where bars would be shorter, numbers stand without their spread."""


def bar_lines(mark: Bars, axis: Axis, width: int) -> Iterator[str]:
    """A line for each bar, below what they count; a bar that is negative has the sign of its number alone."""
    names = names_of(mark.names)
    numbers = [_number(mark, k, spread=True) for k in range(len(names))]
    if _room(names, numbers, width) < LEAST_ROOM:
        numbers = [_number(mark, k, spread=False) for k in range(len(names))]
    room = _room(names, numbers, width)
    name_width, number_width = _widest(names), _widest(numbers)
    longest = float(np.max(mark.lengths[np.isfinite(mark.lengths)], initial=0.0)) or 1.0
    if axis.label:
        yield shortened(axis.label, width)
    for name, number, length in zip(names, numbers, mark.lengths, strict=True):
        halves = int(np.nan_to_num(max(0.0, length / longest) * room * 2).round())
        bar = FULL * (halves // 2) + HALF * (halves % 2)
        yield f"{padded(name, name_width)} {padded(bar, room)} {padded(number, number_width, right=True)}"


def _room(names: Sequence[str], numbers: Sequence[str], width: int) -> int:
    """How long the longest bar may be."""
    return max(0, width - _widest(names) - _widest(numbers) - 2)


def _widest(texts: Sequence[str]) -> int:
    return max(map(cells, texts), default=0)


def _number(mark: Bars, k: int, *, spread: bool) -> str:
    """The length of a bar, with its ends if it has any and their ``spread`` is asked for."""
    values = [mark.lengths[k], *((mark.low[k], mark.high[k]) if spread and len(mark.low) else ())]
    length, *ends = (f"{float(value):.3g}" for value in values)
    return f"{length} ({' to '.join(ends)})" if ends else length
