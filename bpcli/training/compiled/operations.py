"""What a recorded program consists of: one small operation after another, on arrays and numbers by name.

An operand is the name of an array or of a number, or a plain number. What an
operation makes stands in its field ``out``: an array of that name, filled anew or,
where ``replaces`` does not hold, changed in part; or a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar

Operand = Any


@dataclass(frozen=True)
class Operation:
    """An operation that writes ``out``."""

    out: str

    words: ClassVar[frozenset[str]] = frozenset({"out", "ufunc"})
    """Fields that are text but no operands."""

    @property
    def replaces(self) -> bool:
        """Whether nothing stays of what ``out`` was before."""
        return True

    @property
    def reads(self) -> tuple[str, ...]:
        """The arrays and numbers that it needs."""
        return tuple(self._operands()) + (() if self.replaces else (self.out,))

    def _operands(self) -> Iterator[str]:
        for field in fields(self):
            value = getattr(self, field.name)
            several = value if isinstance(value, tuple) else (value,)
            if field.name not in self.words:
                yield from (one for one in several if isinstance(one, str))


@dataclass(frozen=True)
class Each(Operation):
    """out ← ufunc(inputs), entry by entry."""

    ufunc: str
    inputs: tuple[Operand, ...]


@dataclass(frozen=True)
class OfNumbers(Operation):
    """The number ufunc(inputs), of numbers."""

    ufunc: str
    inputs: tuple[Operand, ...]


@dataclass(frozen=True)
class Reduce(Operation):
    """out ← ufunc over an axis, 0 or 1; a number, over the whole vector, where ``axis`` is None."""

    ufunc: str
    array: str
    axis: int | None


@dataclass(frozen=True)
class Dot(Operation):
    """out ← left · right; with ``factor``, out ← out − factor · left · right."""

    left: str
    right: str
    factor: Operand = None

    @property
    def replaces(self) -> bool:
        """It adds where there is a factor."""
        return self.factor is None


@dataclass(frozen=True)
class Inner(Operation):
    """The number ⟨left, right⟩ of two vectors."""

    left: str
    right: str


@dataclass(frozen=True)
class Take(Operation):
    """out_j ← array[index_j], vectors all."""

    array: str
    index: str


@dataclass(frozen=True)
class Put(Operation):
    """out[index_j] ← value_j, vectors all, or one number everywhere."""

    index: str
    value: Operand

    @property
    def replaces(self) -> bool:
        """The other entries stay."""
        return False


@dataclass(frozen=True)
class ArgMax(Operation):
    """out_i ← the first place of row i's largest entry."""

    array: str


@dataclass(frozen=True)
class CountNonzero(Operation):
    """The number of a vector's entries that are not zero."""

    array: str


@dataclass(frozen=True)
class ReadEntry(Operation):
    """The number in one place of a vector."""

    array: str
    place: int


@dataclass(frozen=True)
class WriteEntry(Operation):
    """out[place] ← value."""

    place: int
    value: Operand

    @property
    def replaces(self) -> bool:
        """The other entries stay."""
        return False
