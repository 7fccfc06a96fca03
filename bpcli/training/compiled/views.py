"""Views of arrays: the expression that makes each kind of view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class View(Protocol):
    """One kind of view."""

    def source(self, of: str) -> str:
        """The expression for this view of the array named ``of``."""
        ...


@dataclass(frozen=True)
class Transposed:
    """The axes in reverse order."""

    def source(self, of: str) -> str:
        """``of.T``."""
        return f"{of}.T"


@dataclass(frozen=True)
class Same:
    """The same array under another name."""

    def source(self, of: str) -> str:
        """``of``."""
        return of


@dataclass(frozen=True)
class Reshaped:
    """The same entries in another shape, its lengths being expressions; without lengths, a vector in compiled code."""

    lengths: tuple[str, ...] = ()

    def source(self, of: str) -> str:
        """``of.reshape(…)``, or ``flat(of)``."""
        return f"{of}.reshape({', '.join(self.lengths)})" if self.lengths else f"flat({of})"


@dataclass(frozen=True)
class Row:
    """One entry along the first axis; a negative ``place`` counts from the end."""

    place: int

    def source(self, of: str) -> str:
        """``of[place]``."""
        return f"{of}[{self.place}]"


@dataclass(frozen=True)
class Range:
    """A part of a vector, its bounds being expressions."""

    start: str
    stop: str

    def source(self, of: str) -> str:
        """``of[start:stop]``."""
        return f"{of}[{self.start}:{self.stop}]"


@dataclass(frozen=True)
class Indexed:
    """What slices, integers and new axes select, axis by axis, each an expression."""

    parts: tuple[str, ...]

    def source(self, of: str) -> str:
        """``of[…]``."""
        return f"{of}[{', '.join(self.parts)}]"


def index_source(part: Any) -> str:
    """A slice, an integer or None as an expression."""
    if not isinstance(part, slice):
        return str(part)
    return f"{'' if part.start is None else part.start}:{'' if part.stop is None else part.stop}"
