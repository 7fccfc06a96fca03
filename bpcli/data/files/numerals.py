"""How are numbers written? With which decimal mark, and with marks between the thousands or none."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from typing import Literal

INFINITE = re.compile(r"\s*[-+]?inf(inity)?\s*", re.IGNORECASE | re.ASCII)

DecimalMark = Literal[".", ","]
ThousandsMark = Literal[",", ".", "'", " "]

SPACES = " \u00a0\u202f"
"""What stands between thousands where a space does: also the spaces that do not break a line."""


@dataclass(frozen=True)
class Numerals:
    """The way of writing numbers: 1234567.5 is ``1,234,567.5`` with a point and commas."""

    decimal: str = "."
    thousands: str | None = None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        point, whole = re.escape(self.decimal), "[0-9]+"
        if self.thousands is not None:
            whole = f"(?:[0-9]{{1,3}}(?:[{re.escape(self._marks)}][0-9]{{3}})+|[0-9]+)"
        return re.compile(rf"\s*[-+]?({whole}(?:{point}[0-9]*)?|{point}[0-9]+)([eE][-+]?[0-9]+)?\s*", re.ASCII)

    @property
    def _marks(self) -> str:
        """The characters that stand between thousands."""
        return SPACES if self.thousands == " " else self.thousands or ""

    def is_number(self, text: str) -> bool:
        """Whether text is a number, every group of three whole where thousands are marked."""
        return self._pattern.fullmatch(text) is not None

    def looks_like_number(self, text: str) -> bool:
        """Whether text is a number, or an infinite one, which is refused later with its line."""
        return self.is_number(text) or INFINITE.fullmatch(text) is not None

    @property
    def value(self) -> Callable[[str], float]:
        """What makes the number of a text that is one, rounded correctly."""
        return float if self is PLAIN else self._value

    def exact(self, text: str) -> Decimal:
        """The number of a text that is one, all digits of it."""
        return Decimal(self._plain(text))

    def _value(self, text: str) -> float:
        return float(self._plain(text))

    def _plain(self, text: str) -> str:
        text = text.strip()
        for mark in self._marks:
            text = text.replace(mark, "")
        return text.replace(self.decimal, ".")


PLAIN = Numerals()
"""As Python and most programs write numbers."""


@cache
def numerals(decimal: str, thousands: str | None) -> Numerals:
    """The numerals with these marks, made once."""
    return PLAIN if (decimal, thousands) == (".", None) else Numerals(decimal, thousands)
