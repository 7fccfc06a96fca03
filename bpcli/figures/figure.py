"""A picture as plain data: panels of marks, with titles and axes; nothing of how it is drawn.

A kind of picture makes a :class:`Figure` of runs, and a drawer makes text or a file of
the figure. Marks hold numbers and words as they are: NaN is a gap, and words of the data may
hold anything, which the drawers make harmless.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bpcli.nn import Array

NOTHING = np.empty(0)


@dataclass(frozen=True)
class Axis:
    """What an axis counts, ``log`` its scale, ``whole`` its numbers; ``limits`` its ends, by default the marks'."""

    label: str = ""
    log: bool = False
    whole: bool = False
    limits: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Line:
    """A line through (x, y), both (n,); ``series`` is its number in the palette, ``name`` its entry in the legend."""

    x: Array
    y: Array
    name: str = ""
    series: int = 0


@dataclass(frozen=True, eq=False)
class Band:
    """What lies between ``low`` and ``high`` over ``x``, all (n,)."""

    x: Array
    low: Array
    high: Array
    name: str = ""
    series: int = 0


@dataclass(frozen=True, eq=False)
class Points:
    """Points at (x, y), both (n,); ``strong`` are few points to be seen among lines, others may be thousands."""

    x: Array
    y: Array
    name: str = ""
    series: int = 0
    strong: bool = False


@dataclass(frozen=True, eq=False)
class Reference:
    """A thin line through (x, y), both (n,), that other marks are compared with."""

    x: Array
    y: Array
    name: str = ""


@dataclass(frozen=True, eq=False)
class Histogram:
    """A histogram: ``heights``, (n,), between ``edges``, (n + 1,)."""

    edges: Array
    heights: Array
    name: str = ""
    series: int = 0


@dataclass(frozen=True, eq=False)
class Bars:
    """A horizontal bar for each of ``names``, the first on top: ``lengths``, and their ends ``low`` to ``high``."""

    names: tuple[str, ...]
    lengths: Array
    low: Array = field(default_factory=lambda: NOTHING)
    high: Array = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, eq=False)
class Cells:
    """A matrix, (r, c), drawn as cells, the first row on top.

    ``rows`` and ``columns`` are the names, none where the places say nothing. ``shades``, (r, c) in [0, 1], say
    how dark the cells are; by default that follows from the values, those that are ``signed`` from their largest size
    below 0 to the same above. ``numbered`` cells show their numbers where there is room.
    """

    values: Array
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    shades: Array | None = None
    signed: bool = False
    numbered: bool = False

    @property
    def largest(self) -> float:
        """The value at the end of the scale: the largest absolute value, 1 where there is none but 0."""
        finite = np.abs(self.values[np.isfinite(self.values)])
        return float(finite.max(initial=0.0)) or 1.0

    @property
    def darkness(self) -> Array:
        """How dark each cell is, (r, c) in [0, 1]; of signed values ½ is zero. NaN stays."""
        if self.shades is not None:
            return self.shades
        shares = np.clip(self.values / self.largest, -1.0, 1.0)
        return np.asarray((shares + 1) / 2 if self.signed else shares)


@dataclass(frozen=True, eq=False)
class Regions:
    """Which of ``names`` holds at each point of a grid: ``classes``, (r, c), over ``x``, (c,) and ``y``, (r,)."""

    x: Array
    y: Array
    classes: Array
    names: tuple[str, ...]


Mark = Line | Band | Points | Reference | Histogram | Bars | Cells | Regions


@dataclass(frozen=True)
class Panel:
    """Marks on common axes, later ones above earlier ones; ``square`` where both axes count the same."""

    marks: tuple[Mark, ...]
    title: str = ""
    x: Axis = field(default_factory=Axis)
    y: Axis = field(default_factory=Axis)
    square: bool = False


@dataclass(frozen=True)
class Figure:
    """Panels, at most ``across`` side by side; ``notes`` say in sentences what is shown, and what was left out."""

    title: str
    panels: tuple[Panel, ...]
    notes: tuple[str, ...] = ()
    across: int = 2
