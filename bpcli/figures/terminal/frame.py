"""The axes of a chart in the terminal, and what plotext draws between them: lines and points, each by a character."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.figures.figure import Axis
from bpcli.figures.libraries import terminal_library
from bpcli.figures.ticks import log_ticks, ticks, written
from bpcli.nn import Array, IndexArray

HEIGHT = 17
"""Lines of a chart, with its frame and the numbers below."""

X_TICKS, Y_TICKS = 7, 5
"""The most numbers at an axis."""

NO_POINT = (np.empty(0), np.empty(0))

MARGIN = 0.03
"""How much of its range an axis has beyond its marks."""


@dataclass(frozen=True)
class Frame:
    """Where a chart's marks lie: the ends of the axes as they are drawn, and how wide and high the whole is."""

    library: Any
    x: tuple[float, float]
    y: tuple[float, float]
    log: tuple[bool, bool]
    width: int
    height: int

    @property
    def columns(self) -> int:
        """About how many characters there are between the ends of the x axis."""
        return self.width - 8

    @property
    def rows(self) -> int:
        """How many there are between those of the y axis."""
        return self.height - 3

    def places(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Where values are drawn: logarithms on such an axis; NaN where there is no place."""
        drawn = (_scaled(values, log=log) for values, log in zip((x, y), self.log, strict=True))
        horizontal, vertical = np.broadcast_arrays(*drawn)
        there = np.isfinite(horizontal) & np.isfinite(vertical)
        for values, (low, high) in ((horizontal, self.x), (vertical, self.y)):
            there = there & (values >= low) & (values <= high)
        return np.where(there, horizontal, np.nan), np.where(there, vertical, np.nan)

    def scatter(self, x: Array, y: Array, character: str) -> None:
        """Draw points by a character, those that share a cell once."""
        across, down = self.places(x, y)
        there = ~np.isnan(across)
        steps = [(high - low) / count / 2 for (low, high), count in ((self.x, self.columns), (self.y, self.rows))]
        cells = np.stack([across[there] / steps[0], down[there] / steps[1]]).round()
        _, first = np.unique(cells, axis=1, return_index=True)
        if len(first):
            self.library.scatter(across[there][first].tolist(), down[there][first].tolist(), marker=character)

    def line(self, x: Array, y: Array, character: str) -> None:
        """Draw a line by a character, with a gap where a value has no place."""
        across, down = self.places(x, y)
        for piece in _pieces(~np.isnan(across)):
            places = piece.start + _telling(down[piece], 2 * self.columns)
            self.library.plot(across[places].tolist(), down[places].tolist(), marker=character)

    def text(self) -> str:
        """What was drawn, with its frame and numbers; the next chart starts from nothing."""
        drawn: str = self.library.uncolorize(self.library.build())
        self.library.clear_figure()
        return drawn


def framed(x: Axis, y: Axis, points: Iterable[tuple[Array, Array]], width: int, height: int) -> Frame:
    """An empty chart for such axes, whose ends hold all the points.

    Raises:
        ConfigError: plotext is not installed.
    """
    library = terminal_library()
    across, down = (np.concatenate(values) for values in zip(NO_POINT, *points, strict=True))
    frame = Frame(library, _ends(x, across), _ends(y, down), (x.log, y.log), width, height)
    library.clear_figure()
    library.theme("clear")
    library.limit_size(False, False)
    library.plotsize(width, height)
    library.xlim(*frame.x)
    library.ylim(*frame.y)
    library.xticks(*_ticks(x, frame.x, X_TICKS))
    library.yticks(*_ticks(y, frame.y, Y_TICKS))
    return frame


def _ticks(axis: Axis, ends: tuple[float, float], most: int) -> tuple[list[float], list[str]]:
    if axis.log:
        places = log_ticks(*ends, most)
        return places, [written(10**place) for place in places]
    places = ticks(*ends, most, whole=axis.whole)
    return places, [written(place) for place in places]


def _telling(values: Array, most: int) -> IndexArray:
    """The places of the lowest and the highest of each of so many stretches, and of the ends; all of a few values."""
    if len(values) <= most:
        return np.arange(len(values))
    starts = np.linspace(0, len(values), most // 2 + 1).astype(np.intp)
    found = [
        start + place(values[start:stop])
        for start, stop in itertools.pairwise(starts)
        for place in (np.argmin, np.argmax)
    ]
    return np.unique([0, *found, len(values) - 1])


def _ends(axis: Axis, values: Array) -> tuple[float, float]:
    """The ends of an axis, as drawn: those it states, else the values' with a margin."""
    if axis.limits is not None:
        low, high = _scaled(np.array(axis.limits), log=axis.log)
        return float(low), float(high)
    drawn = _scaled(values, log=axis.log)
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return 0.0, 1.0
    low, high = float(drawn.min()), float(drawn.max())
    margin = (high - low) * MARGIN or max(abs(low) * 0.1, 0.5)
    return low - margin, high + margin


def _scaled(values: Array, *, log: bool) -> Array:
    """Values as an axis draws them; on an axis of logarithms NaN where there is none."""
    numbers = np.asarray(values, np.float64)
    if not log:
        return numbers
    positive = np.isfinite(numbers) & (numbers > 0)
    logarithms: Array = np.log10(numbers, out=np.full(numbers.shape, np.nan), where=positive)
    return logarithms


def _pieces(there: Array) -> Iterator[slice]:
    """The longest stretches of places that are there."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(int)))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        yield slice(int(start), int(stop))
