"""What is known where an equation is evaluated: the ranges of indices, names, a tilt, and the steps shown before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bpcli.explaining.evaluation.nodes import Node, Symbol, parts
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
    if type(left) is not type(right):
        return False
    if isinstance(left, Symbol):
        return bool(left.base == right.base) and _all_same(
            (left.sub, left.sup), (right.sub, right.sup), letters, renamed
        )
    return _all_same(parts(left), parts(right), letters, renamed) if parts(left) else bool(left == right)


def _all_same(left: Any, right: Any, letters: Mapping[str, Range], renamed: dict[str, str]) -> bool:
    return len(left) == len(right) and all(same(x, y, letters, renamed) for x, y in zip(left, right, strict=True))
