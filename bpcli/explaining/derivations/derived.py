"""An equation that a document displays: its sides, where it stands, for which layers, and its value on a network.

Every side is evaluated by itself, from the parameters and the examples alone, by the document's definitions. A
derivative on the left is a slope of those definitions, so the sides agree only if the equation is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bpcli.explaining.documents.steps import DerivationStep, with_layer
from bpcli.explaining.evaluation.sheet import Sheet, Side, apart
from bpcli.nn import Array


@dataclass(frozen=True)
class Derived:
    """One equation, or one line of a system, in markup with ``<l>`` for layers, as in a document's table.

    ``label`` is the displayed equation that it is, or is part of. ``layers`` are those it holds for; None
    for an equation without a layer. ``rows`` and ``columns`` are the indices shown along them; any other index is
    shown at 1. ``runs`` says what an index runs over where its place does not say it, or allows more. ``whole`` is
    whether the equation is of all examples in a document of one. ``unless`` says why the network has no such
    equation.
    """

    label: str
    title: str
    forms: tuple[str, ...]
    rows: str = ""
    columns: str = ""
    layers: tuple[int | None, ...] = (None,)
    runs: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    whole: bool = False
    unless: str = ""

    def filled(self, layer: int | None) -> tuple[str, ...]:
        """The sides for one layer."""
        return tuple(with_layer(form, layer) for form in self.forms)

    def of_layer(self, layer: int | None) -> dict[str, tuple[str, int]]:
        """``runs`` with the layer."""
        return {letter: (kind, layer or 0) for letter, kind in self.runs.items()}


@dataclass(frozen=True)
class Heading:
    """A derived equation's left side as a sheet reads it."""

    symbol: str
    rows: str
    columns: str


@dataclass(frozen=True)
class Sides:
    """The values of an equation's sides, and the layout of its left side."""

    side: Side
    values: tuple[Array, ...]

    @property
    def distance(self) -> float:
        """How far the sides are apart, as a fraction of the largest entry."""
        return max(apart(value, self.values[-1]) for value in self.values[:-1])

    @property
    def difference(self) -> float:
        """How far they are apart, as a number."""
        return float(max(np.abs(value - self.values[-1]).max(initial=0) for value in self.values[:-1]))


def evaluated(equation: Derived, layer: int | None, sheet: Sheet, at: Mapping[str, int] | None = None) -> Sides:
    """The values of all sides.

    Raises:
        EquationError: an index, a shape or a symbol does not fit.
    """
    forms = equation.filled(layer)
    names = [with_layer(index, layer) for index in (equation.rows, equation.columns)]
    heading = Heading(forms[0], *(_start(name) for name in names))
    side = sheet.side(heading, at, equation.of_layer(layer))
    return Sides(side, (sheet.independent(side), *(sheet.value(form, side) for form in forms[1:])))


def _start(index: str) -> str:
    """``k = 0`` of ``k:0``."""
    letter, _, start = index.partition(":")
    return f"{letter} = {start or 1}" if letter else ""


def step(equation: Derived, layer: int | None, sheet: Sheet) -> DerivationStep:
    """The equation as a step, at one value of each index that is neither along rows nor columns.

    Raises:
        EquationError: an index, a shape or a symbol does not fit.
    """
    at = _fixed(equation, layer, sheet)
    found = evaluated(equation, layer, sheet, at)
    forms, value = equation.filled(layer), found.values[-1]
    runs = [_run(found.side, name, with_layer(name, layer)) for name in (equation.rows, equation.columns)]
    return DerivationStep(
        stage="derivation",
        key=equation.label,
        layer=layer,
        title=with_layer(equation.title, layer, "{}"),
        reference=equation.label,
        symbol=forms[0],
        relation="=",
        formula=forms[1],
        more=forms[2:],
        value=np.asarray(value, np.float64),
        rows=runs[0],
        columns=runs[1],
        notes=equation.notes,
        at=", ".join(f"{letter} = {number}" for letter, number in at.items()),
        distance=found.distance,
        difference=found.difference,
    )


def _fixed(equation: Derived, layer: int | None, sheet: Sheet) -> dict[str, int]:
    """The indices that are neither along rows nor columns, each with the value at which it is shown."""
    along = {_letter(with_layer(name, layer)) for name in (equation.rows, equation.columns)}
    ranges = sheet.ranges(equation.filled(layer)[0], equation.of_layer(layer))
    return {letter: max(run.first, 1) for letter, run in ranges.items() if letter not in along}


def _letter(index: str) -> str:
    """``n_1`` of ``n_{1}:0``."""
    return index.partition(":")[0].replace("{", "").replace("}", "")


def _run(side: Side, index: str, written: str) -> str:
    """What an index runs over, in words of markup."""
    if not index:
        return ""
    letter = written.partition(":")[0]
    run = side.layout.ranges.get(_letter(written))
    if run is None:
        return ""
    return f"{letter} = {run.first}" if run.size == 1 else rf"{letter} = {run.first} \ldots {run.last}"
