"""Which numbers can be drawn: of two that are too far apart, not even the distance is a number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np

from bpcli.figures.figure import Band, Bars, Figure, Line, Mark, Panel, Points, Reference
from bpcli.nn import Array

LARGEST = 1e250
"""Beyond it nothing is drawn, so that an axis has room for its margin, on a scale of logarithms too."""

Placed = Line | Band | Points | Reference | Bars
"""The marks that are drawn where their numbers are; the numbers of the others are within an axis' limits."""


def is_drawable(values: Array) -> Array:
    """Which values are, as booleans; NaN is not."""
    return np.abs(values) <= LARGEST


def drawable(panel: Panel) -> Panel:
    """The panel with NaN, which is a gap, in place of what cannot be drawn."""
    return replace(panel, marks=tuple(map(_with_gaps, panel.marks)))


def notes_of(figure: Figure) -> tuple[str, ...]:
    """The notes of a figure; the last one says how many numbers cannot be drawn, where there are some."""
    beyond = sum(int((np.abs(values) > LARGEST).sum()) for values in _numbers(figure))
    return (*figure.notes, *([f"Not drawn, for beyond ±{LARGEST:.0e}: {beyond:,} numbers."] if beyond else []))


def _with_gaps(mark: Mark) -> Mark:
    if not isinstance(mark, Placed):
        return mark
    drawn: dict[str, Any] = {name: np.where(is_drawable(each), each, np.nan) for name, each in _arrays(mark)}
    return replace(mark, **drawn)


def _numbers(figure: Figure) -> Iterator[Array]:
    """The numbers of what is shown; lines that others are compared with are no part of it."""
    for panel in figure.panels:
        for mark in panel.marks:
            if isinstance(mark, Placed) and not isinstance(mark, Reference):
                yield from (values for _, values in _arrays(mark))


def _arrays(mark: Placed) -> Iterator[tuple[str, Array]]:
    """The arrays of a mark, by the names of their fields."""
    for field in fields(mark):
        values = getattr(mark, field.name)
        if isinstance(values, np.ndarray):
            yield field.name, values
