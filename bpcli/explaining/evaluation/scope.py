"""What holds where an equation is evaluated: the ranges of indices, names, and a tilt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
