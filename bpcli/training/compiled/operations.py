"""The operations of a recorded program, on arrays and numbers that are referred to by name.

An operand is the name of an array or of a number, or a plain number. ``out``
names the result: an array, which is replaced or, where ``replaces`` is False,
changed in part; or a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar

Operand = Any


@dataclass(frozen=True)
class Operation:
    """An operation with the result ``out``."""

    out: str

    not_operands: ClassVar[frozenset[str]] = frozenset({"out", "ufunc"})
    """The fields that are text, but no operands."""

    @property
    def replaces(self) -> bool:
        """Whether every entry of ``out`` is replaced."""
        return True

    @property
    def reads(self) -> tuple[str, ...]:
        """The names of the arrays and numbers that it reads."""
        return tuple(self._operands()) + (() if self.replaces else (self.out,))

    def _operands(self) -> Iterator[str]:
        """The operands that are names."""
        for field in fields(self):
            value = getattr(self, field.name)
            several = value if isinstance(value, tuple) else (value,)
            if field.name not in self.not_operands:
                yield from (one for one in several if isinstance(one, str))


@dataclass(frozen=True)
class Elementwise(Operation):
    """out ← ufunc(inputs), elementwise, the inputs broadcast to the shape of ``out``."""

    ufunc: str
    inputs: tuple[Operand, ...]


@dataclass(frozen=True)
class ScalarOperation(Operation):
    """The number ufunc(inputs), all inputs being numbers."""

    ufunc: str
    inputs: tuple[Operand, ...]


@dataclass(frozen=True)
class Reduce(Operation):
    """out ← ufunc reduced over axis 0 or 1 of a matrix, or over a whole vector, to a number, where ``axis`` is None."""

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
        """With a factor it adds to ``out``."""
        return self.factor is None


@dataclass(frozen=True)
class Inner(Operation):
    """The number ⟨left, right⟩ of two vectors."""

    left: str
    right: str


@dataclass(frozen=True)
class Take(Operation):
    """out_j ← array[index_j]; all three are vectors."""

    array: str
    index: str


@dataclass(frozen=True)
class Put(Operation):
    """out[index_j] ← value_j; all three are vectors, or ``value`` is one number."""

    index: str
    value: Operand

    @property
    def replaces(self) -> bool:
        """The other entries stay."""
        return False


@dataclass(frozen=True)
class ArgMax(Operation):
    """out_i ← the index of row i's largest entry, the first of equal ones."""

    array: str


@dataclass(frozen=True)
class ArgMaxOfColumns(Operation):
    """out_j ← the index of column j's largest entry, the first of equal ones."""

    array: str


@dataclass(frozen=True)
class CountNonzero(Operation):
    """The number of a vector's entries that are not zero."""

    array: str


@dataclass(frozen=True)
class ReadEntry(Operation):
    """The number array[place] of a vector."""

    array: str
    place: int


@dataclass(frozen=True)
class ReleaseEntry(Operation):
    """out[place] ← 1, seen by other threads no sooner than all that was done before."""

    place: int

    @property
    def replaces(self) -> bool:
        """The other entries stay."""
        return False


@dataclass(frozen=True)
class WriteEntry(Operation):
    """out[place] ← value."""

    place: int
    value: Operand

    @property
    def replaces(self) -> bool:
        """The other entries stay."""
        return False
