"""How the marks of several series differ: in colour, and without colour in dashes and markers too.

The colours are those of Okabe and Ito (Color Universal Design, 2008), distinct to the colour-blind, the light ones
darkened until each has a contrast of 3 to white and to dark pages.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """The ``colour``; ``dashes`` in points, on and off; the ``marker`` in Matplotlib's name, and as one character."""

    colour: str
    dashes: tuple[float, ...]
    marker: str
    character: str


PALETTE = (
    Look("#0072b2", (), "o", "o"),
    Look("#d55e00", (6, 2), "s", "x"),
    Look("#009e73", (2, 2), "^", "+"),
    Look("#b8609a", (8, 2, 2, 2), "D", "#"),
    Look("#a67c00", (10, 3), "v", "*"),
    Look("#4f8fc0", (4, 1, 1, 1, 1, 1), "P", "="),
    Look("#8a6fb0", (1, 1), "X", "%"),
    Look("#7f7f7f", (3, 1, 1, 1), "*", "@"),
)
"""The looks in the order in which series take them; a ninth series looks like the first."""

MUTED = "#808080"
"""The colour of what others are compared with, and of grids."""


def look(number: int) -> Look:
    """The look of the series with this number."""
    return PALETTE[number % len(PALETTE)]
