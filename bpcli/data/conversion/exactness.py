"""Which whole numbers does the file not keep? Those that its precision has not, or that were written in two ways."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite

import numpy as np

from bpcli.data.encoding.spelling import EXACT
from bpcli.data.files.numerals import Numerals
from bpcli.nn import Array, IndexArray

MOST = 1000
"""Up to so many different numbers of a target are compared: more are no classes."""

DIGITS = 15
"""So many digits float64 always has."""


def rounded_rows(cells: Array, kept: Array) -> IndexArray:
    """Where whole numbers became others in the file's precision, (m,) each.

    Of floating cells, those up to 2⁵³ are looked at: larger ones may have been rounded as they were read.
    """
    numbers = cells.astype(np.float64)
    changed = (kept != numbers) & (numbers == np.round(numbers)) & (np.abs(numbers) <= EXACT)
    if cells.dtype.kind in "iu":
        for row in np.flatnonzero(np.abs(numbers) >= EXACT):
            changed[row] = int(kept[row]) != int(cells[row])
    return np.flatnonzero(changed)


@dataclass
class WrittenNumbers:
    """How a target's numbers are written: the first whole one that float64 has ``not``, and two ways for one number."""

    numerals: Numerals
    lost: str = ""
    two_ways: tuple[str, str] | None = None
    _written: dict[Decimal, str] = field(default_factory=dict)

    def add(self, spellings: frozenset[str]) -> None:
        """Look at some more numbers, as text."""
        for text in sorted(spellings):
            if len(text) > DIGITS or len(self._written) <= MOST:
                self._add(text, self.numerals.exact(text))

    def _add(self, text: str, value: Decimal) -> None:
        if not self.lost and _is_lost(value):
            self.lost = text
        if len(self._written) <= MOST and value == value.to_integral_value():
            other = self._written.setdefault(value, text)
            if other != text and self.two_ways is None:
                self.two_ways = other, text


def _is_lost(value: Decimal) -> bool:
    """Whether a whole number written in digits, as names are, is another in float64."""
    near = float(value)
    return value.as_tuple().exponent == 0 and isfinite(near) and Decimal(near) != value
