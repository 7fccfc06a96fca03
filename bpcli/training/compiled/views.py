"""Ways to look at an array: how a view is made of the array it looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class View(Protocol):
    """One way to look at an array."""

    def source(self, of: str) -> str:
        """The view of the array called ``of``, as source."""
        ...


@dataclass(frozen=True)
class Transposed:
    """The axes the other way round."""

    def source(self, of: str) -> str:
        """``of.T``."""
        return f"{of}.T"


@dataclass(frozen=True)
class Reshaped:
    """The same numbers in another shape, lengths as source; one vector of them where there is none."""

    lengths: tuple[str, ...] = ()

    def source(self, of: str) -> str:
        """``of.reshape(…)``."""
        return f"{of}.reshape({', '.join(self.lengths) or '-1'})"


@dataclass(frozen=True)
class Row:
    """One entry of the first axis."""

    place: int

    def source(self, of: str) -> str:
        """``of[place]``."""
        return f"{of}[{self.place}]"


@dataclass(frozen=True)
class Range:
    """A part of a vector, its bounds as source."""

    start: str
    stop: str

    def source(self, of: str) -> str:
        """``of[start:stop]``."""
        return f"{of}[{self.start}:{self.stop}]"


@dataclass(frozen=True)
class Indexed:
    """What slices, whole numbers and new axes leave, axis by axis, each as source."""

    parts: tuple[str, ...]

    def source(self, of: str) -> str:
        """``of[…]``."""
        return f"{of}[{', '.join(self.parts)}]"


def index_source(part: Any) -> str:
    """A slice, a whole number or None as source."""
    if not isinstance(part, slice):
        return str(part)
    return f"{'' if part.start is None else part.start}:{'' if part.stop is None else part.stop}"
