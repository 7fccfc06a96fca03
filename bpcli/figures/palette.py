"""How the marks of several series differ: in colour, and without colour in dashes and markers too.

The colours are those of Okabe and Ito (Color Universal Design, 2008), distinct to the colour-blind, the light ones
darkened until each has a contrast of 3 to white and to dark pages.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """The ``colour``; ``dashes`` in points, on and off; the ``marker`` in Matplotlib's name, and as one character."""

    colour: str
    dashes: tuple[float, ...]
    marker: str
    character: str


PALETTE = (
    Style("#0072b2", (), "o", "o"),
    Style("#d55e00", (6, 2), "s", "x"),
    Style("#009e73", (2, 2), "^", "+"),
    Style("#b8609a", (8, 2, 2, 2), "D", "#"),
    Style("#a67c00", (10, 3), "v", "*"),
    Style("#4f8fc0", (4, 1, 1, 1, 1, 1), "P", "="),
    Style("#8a6fb0", (1, 1), "X", "%"),
    Style("#7f7f7f", (3, 1, 1, 1), "*", "@"),
)
"""The styles in the order in which series take them; a ninth series has that of the first."""

MUTED = "#808080"
"""The colour of what others are compared with, and of grids."""


def style_of(number: int) -> Style:
    """The style of the series with this number."""
    return PALETTE[number % len(PALETTE)]
