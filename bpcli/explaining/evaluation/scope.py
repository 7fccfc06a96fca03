"""What is known where an equation is evaluated: the ranges of indices, names, a tilt, and the steps shown before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from bpcli.explaining.evaluation.nodes import Node, Symbol
from bpcli.explaining.evaluation.tensors import Range, Value


@dataclass(frozen=True)
class Tilt:
    """The quantity of a layer, by its template, that has an imaginary part: at ``entries`` in copies, or everywhere."""

    template: str
    layer: int
    entries: range | None = None


@dataclass(frozen=True)
class Scope:
    """What the indices run over, the symbols that have a value here alone, and what is tilted."""

    ranges: Mapping[str, Range] = field(default_factory=dict)
    names: Mapping[str, Value] = field(default_factory=dict)
    tilt: Tilt | None = None


@dataclass(frozen=True)
class Known:
    """A step shown before: its left side, what its indices run over, and its value."""

    left: Node
    ranges: Mapping[str, Range]
    value: Value


def covers(run: Range, mark: str, scope: Scope) -> bool:
    """Whether a step shows every value that an index takes."""
    if mark.isdigit():
        return run.first <= int(mark) <= run.last
    wanted = scope.ranges.get(mark)
    return wanted is None or wanted.space != run.space or (run.first <= wanted.first and wanted.last <= run.last)


def same(left: Any, right: Any, letters: Mapping[str, Range], renamed: dict[str, str]) -> bool:
    """Whether two equations are the same but for the names of indices."""
    if isinstance(left, str):
        if left in letters and isinstance(right, str):
            return renamed.setdefault(left, right) == right
        return bool(left == right)
    if isinstance(left, tuple):
        return (
            isinstance(right, tuple)
            and len(left) == len(right)
            and all(same(x, y, letters, renamed) for x, y in zip(left, right, strict=True))
        )
    if isinstance(left, Symbol):
        return (
            isinstance(right, Symbol)
            and left.base == right.base
            and same(_marks(left), _marks(right), letters, renamed)
        )
    if is_dataclass(left):
        return type(left) is type(right) and all(
            same(getattr(left, one.name), getattr(right, one.name), letters, renamed) for one in fields(left)
        )
    return bool(left == right)


def _marks(symbol: Symbol) -> tuple[tuple[str, ...], ...]:
    return symbol.sub, symbol.sup
