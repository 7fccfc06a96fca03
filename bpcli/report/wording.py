"""Numbers and counts in the words of a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isnan

LONGEST = 60
"""Characters of a cell that are shown."""

MINUS = "−"


def number(value: float | None, digits: int = 4) -> str:
    """A number with so many significant digits; a dash where there is none."""
    if value is None or isnan(value):
        return "–"
    return f"{value:.{digits}g}".replace("-", MINUS)


def count(number_of: int, noun: str, plural: str = "") -> str:
    """``1 row``, ``1,200 rows``."""
    return f"{number_of:,} {noun if number_of == 1 else plural or noun + 's'}"


def percent(share: float) -> str:
    """A share as ``98.3 %``."""
    return f"{100 * share:.1f} %"


def listed(words: Iterable[object], most: int = 8) -> str:
    """Words one after another, of many the first ones and how many more."""
    every = [clipped(str(word)) for word in words]
    more = f" and {len(every) - most:,} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def clipped(text: str, longest: int = LONGEST) -> str:
    """A text's beginning, where it is long."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def sentence(parts: Sequence[str]) -> str:
    """The parts that are not empty, between semicolons."""
    return "; ".join(part for part in parts if part)
