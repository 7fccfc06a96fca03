"""A step of a derivation; a document, its notation and what it can express; and how its steps are built.

Equations are in markup (:mod:`bpcli.nn.markup`); in titles and notes it stands
between dollar signs. In an equation ``<l>``, ``<l-1>`` and ``<l+1>`` are the
numbers of layers. A number above a symbol is put into parentheses, ``a^{(2)}``,
because ``a^2`` is a square.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from bpcli.choices import name_of
from bpcli.explaining.trace import Trace
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, Activation
from bpcli.nn.losses import Loss
from bpcli.nn.markup import filled
from bpcli.nn.network import Network

Stage = Literal["given", "forward", "loss", "backward", "derivation", "update"]

Scope = Literal["first", "all"]
"""Which of several examples an equation is of."""

LAYER = re.compile(r"<l([+-]\d)?>")
POWER = re.compile(r"\^(<l(?:[+-]\d)?>)")
"""A layer's number alone above a symbol, where it could be read as a power."""


@dataclass(frozen=True)
class Line:
    """One entry written out, in markup: ``symbol`` ``relation`` ``sides`` = ``result``.

    Without sides it is a number as it stands. ``reason`` is why the case holds by which it was computed.
    """

    symbol: str
    sides: str
    result: str
    reason: str = ""
    relation: str = "="

    @property
    def equation(self) -> str:
        """The line in markup, without the reason."""
        return f"{self.symbol} {self.relation} {' = '.join(filter(None, (self.sides, self.result)))}"


@dataclass(frozen=True)
class Arithmetic:
    """The entries of a step written out, and how many more there are."""

    lines: tuple[Line, ...]
    left_out: int


@dataclass(frozen=True)
class DerivationStep:
    """One quantity: its equation in symbols, and its value.

    ``key`` names the quantity in every document, ``layer`` is the document's own
    number of the layer, ``example`` the column's number where each example has a
    step of its own. The equation is ``symbol`` ``relation`` ``formula``; a given
    quantity has no formula. ``value`` has the document's orientation, factor and
    sign; ``rows`` and ``columns`` say what its indices run over. ``before`` is what an
    update finds in the place of ``value``. ``more`` are further right
    sides, equal to ``formula``. An equation of a derivation is shown ``at`` one value
    of each index that is along neither; ``distance`` is how far its sides are apart, as a fraction of the
    largest entry, ``difference`` as a number; ``scope`` is set where a document that derives one example
    has several. ``names`` are those of the rows in the data.
    """

    stage: Stage
    key: str
    layer: int | None
    title: str
    reference: str
    symbol: str
    relation: str
    formula: str
    value: Array
    rows: str
    columns: str
    notes: tuple[str, ...]
    example: int | None = None
    before: Array | None = None
    more: tuple[str, ...] = ()
    at: str = ""
    distance: float | None = None
    difference: float = 0.0
    scope: Scope | None = None
    arithmetic: Arithmetic | None = None
    names: tuple[str, ...] = ()

    @property
    def sides(self) -> tuple[str, ...]:
        """The right side, and further ones; none for a given quantity."""
        return (self.formula, *self.more) if self.formula else ()

    @property
    def equation(self) -> str:
        """The equation in markup; the symbol alone for a given quantity."""
        return f"{self.symbol} {self.relation} {' = '.join(self.sides)}" if self.formula else self.symbol


@dataclass(frozen=True)
class Document:
    """A derivation of backpropagation.

    ``losses`` are those that it derives; it is empty where the document leaves the
    loss open. ``objection`` says why the document cannot express a network; it is
    empty where it can. ``steps`` are the derivation's on one update. A ``complete`` one has symbols for all that bp
    has: weights of examples, what activations own, every rule, penalty and clipping. ``slips`` are the notes on its
    mistakes in print.
    """

    name: str
    title: str
    expresses: str
    losses: tuple[type[Loss], ...]
    conventions: tuple[str, ...]
    notation: tuple[tuple[str, str], ...]
    objection: Callable[[Network], str]
    steps: Callable[[Trace], tuple[DerivationStep, ...]]
    complete: bool = False
    slips: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Equation:
    """How a document writes a quantity of any layer.

    ``rows`` and ``columns`` name the indices; ``k:0`` is one that counts from 0.
    ``notes`` are shown at the first such step; ``more`` are further right sides, equal to ``formula``.
    """

    title: str
    reference: str
    symbol: str
    formula: str = ""
    rows: str = ""
    columns: str = ""
    notes: tuple[str, ...] = ()
    more: tuple[str, ...] = ()


LEARNING_RATE = Equation("Learning rate", "from the config", r"\eta")


class StepBuilder:
    """Builds a derivation's steps in order, each from a document's table of equations.

    A key of the table may end in a variant after a slash, such as ``error/output``;
    the step's own key is without it.
    """

    def __init__(self, equations: Mapping[str, Equation]) -> None:
        self.equations = equations
        self.steps: list[DerivationStep] = []
        self.noted: set[str] = set()

    def add(
        self,
        stage: Stage,
        key: str,
        layer: int | None,
        value: ArrayLike,
        *,
        notes: tuple[str, ...] = (),
        formula: str = "",
        example: int | None = None,
    ) -> None:
        """Append a step of the table; ``notes`` follow the equation's own, ``formula`` replaces the equation's."""
        equation = self.equations[key]
        equation = replace(equation, formula=formula or equation.formula)
        fresh = tuple(note for note in equation.notes if note not in self.noted)
        self.noted |= set(fresh)
        self.append(equation, stage, key.partition("/")[0], layer, value, (*fresh, *notes), example=example)

    def append(
        self,
        equation: Equation,
        stage: Stage,
        key: str,
        layer: int | None,
        value: ArrayLike,
        notes: tuple[str, ...],
        relation: str = "=",
        example: int | None = None,
        before: Array | None = None,
    ) -> None:
        """Append a step of any equation; a value is a number or a matrix."""
        array = np.asarray(value, np.float64)
        shape = array.shape or (0, 0)
        step = DerivationStep(
            stage=stage,
            key=key,
            layer=layer,
            title=with_layer(equation.title, layer, "{}"),
            reference=equation.reference,
            symbol=with_layer(equation.symbol, layer),
            relation=relation,
            formula=with_layer(equation.formula, layer),
            value=array,
            rows=_index_range(with_layer(equation.rows, layer), shape[0]),
            columns=_index_range(with_layer(equation.columns, layer), shape[1]),
            notes=tuple(with_layer(note, layer) for note in notes),
            example=example,
            before=before,
            more=tuple(with_layer(side, layer) for side in equation.more),
        )
        self.steps.append(step)


def with_layer(text: str, layer: int | None, form: str = "{{{}}}") -> str:
    """``text`` with the numbers of the layers in place of ``<l>``, each in ``form``."""
    apart = POWER.sub(r"^{(\1)}", text)
    return LAYER.sub(lambda found: form.format((layer or 0) + int(found[1] or 0)), apart)


def _index_range(index: str, length: int) -> str:
    """``k = 0 … 3`` in markup, from ``k:0`` and 4; without a start an index counts from 1."""
    if not index:
        return ""
    letter, _, start = index.partition(":")
    first = int(start or 1)
    last = first + length - 1
    return f"{letter} = {first}" if first == last else rf"{letter} = {first} \ldots {last}"


def activation_names(network: Network) -> list[str]:
    """The activations' names by layer; the inputs' is empty."""
    return ["", *(name_of(ACTIVATIONS, activation) for activation in network.activations)]


def function_note(letter: str, layer: int, activation: Activation) -> tuple[str, ...]:
    """What function a document's letter is in a layer; nothing where the letter is fixed, or the sigmoid's σ."""
    name = name_of(ACTIVATIONS, activation)
    if not letter or (letter, name) == (r"\sigma", "sigmoid"):
        return ()
    symbol = with_layer(letter, layer)
    where = "" if LAYER.search(letter) else f" in layer {layer}"
    formula = filled(activation.formula, activation, z="x")
    return (f"${symbol}$ is {name.replace('_', ' ')}{where}: ${symbol}(x) = {formula}$.",)


def own_letter(letter: str, network: Network) -> str:
    """A document's one letter for every activation; with the layer's number where the layers' activations differ."""
    return letter if len(set(network.activations)) == 1 else f"{letter}_<l>"


def slope_formula(activation: Activation, z: str, a: str) -> str:
    """f′ of a layer from its symbols before and after activation."""
    return filled(activation.derivative, activation, z=z, a=a)


def slope_of_numbers(activation: Activation, z: str, a: str) -> str:
    """The same where the symbols are single numbers, between which the product has no sign."""
    return slope_formula(activation, z, a).replace(r" \odot ", " ")
