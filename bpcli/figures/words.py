"""Words of the data on a picture: no control character, and not so long that they push the picture away."""

from __future__ import annotations

from collections.abc import Iterable

from bpcli.errors import printable
from bpcli.lines import cells

LONGEST = 24
"""Cells of a line that a name takes on a picture at most."""


def shortened(name: object, most: int = LONGEST) -> str:
    """A name with escapes for what cannot be printed, its middle left out where it is too long."""
    return cells.shortened(printable(str(name)), most)


def names_of(names: Iterable[object], most: int = LONGEST) -> tuple[str, ...]:
    """Each name, shortened."""
    return tuple(shortened(name, most) for name in names)
