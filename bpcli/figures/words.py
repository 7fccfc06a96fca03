"""Words of the data on a picture: no control character, and not so long that they push the picture away."""

from __future__ import annotations

from collections.abc import Iterable

from bpcli.errors import printable

LONGEST = 24
"""Characters of a name on a picture."""


def shortened(name: object, most: int = LONGEST) -> str:
    """A name with escapes for what cannot be printed, its middle left out where it is too long."""
    text = printable(str(name))
    if len(text) <= most:
        return text
    start = (most - 1 + 1) // 2
    return f"{text[:start]}…{text[len(text) - (most - 1 - start) :]}"


def names_of(names: Iterable[object], most: int = LONGEST) -> tuple[str, ...]:
    """Each name, shortened."""
    return tuple(shortened(name, most) for name in names)
