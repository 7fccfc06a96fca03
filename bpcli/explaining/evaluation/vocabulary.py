r"""What a document's symbols mean on one network: their indices, their shapes, their values or definitions.

A symbol is declared by a template such as ``\theta_{p,q}^{(l)}``: ``l`` stands for the layer, the letters that run over
something for indices, any other mark for itself. What an index runs over is written ``l``, the units of the
layer; ``l+1``; ``l:0``, the units and the bias node; ``x``, the inputs; ``L``, the outputs; ``m``, the examples;
``1``, one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bpcli.explaining.evaluation.grammar import parse
from bpcli.explaining.evaluation.nodes import EquationError, Symbol
from bpcli.explaining.evaluation.tensors import ONE, Range, Shape
from bpcli.nn import Array
from bpcli.nn.activations import Activation

EXAMPLES = "examples"

WHOLE = r"\cdot"
"""The mark in the place of an index that runs through a whole column."""

SIZE = r"\mathrm{size}"
"""The function that gives an array's rows and columns."""

DIAGONAL = r"\mathrm{diag}"
"""The function that gives the square matrix with a column as its diagonal."""

SPACE = re.compile(r"(l|L|x|m|1)([+-]\d)?(?::(\d))?")


@dataclass(frozen=True)
class Quantity:
    """A symbol of a document.

    ``meaning`` is its array for a layer, an axis for each letter of the template in its order, then ``implicit``, then
    rows and columns if there is a ``shape``; or it is its definition in markup. ``implicit`` is the index
    that the document leaves out. Where ``entries`` is set, the quantity is the entries of a matrix or column, and its
    meaning is the symbol of that array. Where it is ``stacked`` along indices, its meaning is an entry.
    """

    template: str
    meaning: Callable[[int], Array | float | str]
    runs: Mapping[str, str] = field(default_factory=dict)
    shape: tuple[str, str] | None = None
    implicit: str = ""
    entries: bool = False
    stacked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """A declared quantity in an equation: its layer, and the index in each place."""

    quantity: Quantity
    layer: int
    slots: tuple[str, ...]
    indices: tuple[str, ...]


@dataclass(frozen=True)
class Vocabulary:
    r"""A document's symbols on one network.

    ``units`` are the layers' sizes by the document's own numbers; ``sizes`` are the symbols of sizes, each
    with what it is the size of. ``functions`` give a layer's activation; a function without a layer has 0.
    ``owned`` gives the symbols of what a layer's activation owns, by name. ``slopes`` are the letters that are the
    derivatives of such functions. ``classes`` are the true classes, from 1, written ``\ell``. ``diagonal`` are the
    pairs whose Jacobian the document writes as its diagonal. ``loss`` is what ``\nabla`` is the gradient of.
    """

    quantities: tuple[Quantity, ...]
    sizes: Mapping[str, str]
    units: Mapping[int, int]
    examples: int
    functions: Mapping[str, Callable[[int], Activation]] = field(default_factory=dict)
    owned: Callable[[int], Mapping[str, str]] = lambda layer: {}
    slopes: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    classes: Array | None = None
    diagonal: frozenset[tuple[str, str]] = frozenset()
    loss: str = ""
    _found: dict[Symbol, Found | None] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def last(self) -> int:
        """The number of the output layer."""
        return max(self.units)

    @property
    def largest(self) -> int:
        """How many numbers the largest array holds: weights, bias nodes and all, for each example."""
        return max((self.units[l] + 1) * (self.units.get(l - 1, 0) + 1) for l in self.units) * self.examples

    @property
    def letters(self) -> frozenset[str]:
        """What is a function before a parenthesis."""
        return frozenset((*self.functions, *self.slopes, SIZE, DIAGONAL))

    def is_number(self, symbol: Symbol) -> bool:
        """Whether a declared symbol is a single number."""
        found = self.find(symbol)
        return found is not None and self.shape(found) is None and not found.slots

    def find(self, symbol: Symbol) -> Found | None:
        """The declaration of a symbol.

        Raises:
            EquationError: it has two meanings.
        """
        if symbol not in self._found:
            self._found[symbol] = self._only(symbol)
        return self._found[symbol]

    def _only(self, symbol: Symbol) -> Found | None:
        every = [found for quantity in self.quantities if (found := self._matched(quantity, symbol)) is not None]
        if len(every) > 1:
            raise EquationError(f"{symbol} has two meanings: {', '.join(one.quantity.template for one in every)}")
        return every[0] if every else None

    def _matched(self, quantity: Quantity, symbol: Symbol) -> Found | None:
        marks = self.matched(quantity.template, symbol, tuple(quantity.runs))
        if marks is None:
            return None
        layer, slots = marks
        return Found(quantity, layer, tuple(slots), tuple(slots.values()))

    def matched(self, template: str, symbol: Symbol, runs: tuple[str, ...]) -> tuple[int, dict[str, str]] | None:
        """The layer, 0 where there is none, and the mark in each letter's place; None where it is another symbol."""
        written = parse(template, frozenset())
        assert isinstance(written, Symbol)
        if (written.base, len(written.sub), len(written.sup)) != (symbol.base, len(symbol.sub), len(symbol.sup)):
            return None
        layer, slots = 0, dict[str, str]()
        for place, mark in zip(written.sub + written.sup, symbol.sub + symbol.sup, strict=True):
            if place == "l":
                if not (mark == "L" or mark.isdigit()):
                    return None
                layer = self.last if mark == "L" else int(mark)
            elif place in runs and mark != WHOLE:
                slots[place] = mark
            elif place != mark:
                return None
        return layer, slots

    def size(self, symbol: Symbol) -> Range | None:
        """What a symbol is the size of."""
        for template, runs in self.sizes.items():
            marks = self.matched(template, symbol, ())
            if marks is not None:
                return self.range(runs, marks[0])
        return None

    def range(self, runs: str, layer: int) -> Range:
        """What ``runs`` says of a layer."""
        found = SPACE.fullmatch(runs)
        assert found is not None, runs
        kind, shift, start = found.groups()
        first = int(start or 1)
        if kind == "1":
            return Range(ONE, 1, 1)
        if kind == "m":
            return Range(EXAMPLES, first, self.examples)
        number = {"L": self.last, "x": min(self.units)}.get(kind, layer) + int(shift or 0)
        if number not in self.units:
            raise EquationError(f"there is no layer {number}")
        return Range(f"layer {number}", first, self.units[number])

    def length(self, space: str) -> int:
        """How many rows or columns a space has."""
        if space in (ONE, EXAMPLES):
            return 1 if space == ONE else self.examples
        return self.units[int(space.removeprefix("layer "))]

    def shape(self, found: Found) -> Shape | None:
        """The spaces of a quantity's rows and columns."""
        if found.quantity.shape is None:
            return None
        rows, columns = (self.range(runs, found.layer).space for runs in found.quantity.shape)
        return rows, columns

    def activation(self, base: str, marks: tuple[str, ...]) -> Activation:
        """The activation that a function's letter stands for, in the layer of its mark.

        Raises:
            EquationError: it has two meanings, or none.
        """
        return self.functions[base](self.layer_of(marks))

    def layer_of(self, marks: tuple[str, ...]) -> int:
        """The layer of a function's mark; 0 without one."""
        if not marks:
            return 0
        return self.last if marks[0] == "L" else int(marks[0])


def one_activation(activations: Mapping[int, Activation]) -> Callable[[int], Activation]:
    """The activation of a layer; without a layer that of all layers, which must agree."""

    def of(layer: int) -> Activation:
        if layer:
            return activations[layer]
        first, *others = activations.values()
        if any(other != first for other in others):
            raise EquationError("a function without a layer has two meanings: the layers' activations differ")
        return first

    return of


def given(value: Any) -> Callable[[int], Any]:
    """A meaning that no layer changes."""
    return lambda layer: value
