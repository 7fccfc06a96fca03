"""Horizontal bars as text: a name, a bar, the number, and how far it spreads."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.figures.figure import Axis, Bars
from bpcli.figures.ticks import written
from bpcli.figures.words import names_of, shortened
from bpcli.lines.cells import cells, padded

FULL, HALF = "█", "▌"


def bar_lines(mark: Bars, axis: Axis, width: int) -> Iterator[str]:
    """A line for each bar, below what they count; a bar that is negative has the sign of its number alone."""
    names = names_of(mark.names)
    numbers = [_number(mark, k) for k in range(len(names))]
    name_width, number_width = (max(map(cells, each), default=0) for each in (names, numbers))
    room = max(4, width - name_width - number_width - 3)
    longest = float(np.max(mark.lengths[np.isfinite(mark.lengths)], initial=0.0)) or 1.0
    if axis.label:
        yield shortened(axis.label, width)
    for name, number, length in zip(names, numbers, mark.lengths, strict=True):
        halves = int(np.nan_to_num(max(0.0, length / longest) * room * 2).round())
        bar = FULL * (halves // 2) + HALF * (halves % 2)
        yield f"{padded(name, name_width)} {padded(bar, room)} {padded(number, number_width, right=True)}"


def _number(mark: Bars, k: int) -> str:
    """The length of a bar with its ends."""
    text = written(float(mark.lengths[k]))
    return f"{text} ({written(float(mark.low[k]))} to {written(float(mark.high[k]))})" if len(mark.low) else text
