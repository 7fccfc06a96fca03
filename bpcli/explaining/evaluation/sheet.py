"""A derivation's steps in order: each evaluated by its own markup from those before it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bpcli.explaining.evaluation.evaluator import Evaluator
from bpcli.explaining.evaluation.grammar import marks
from bpcli.explaining.evaluation.layout import Layout
from bpcli.explaining.evaluation.nodes import Apply, Derivative, Nabla, Name, Node, Symbol
from bpcli.explaining.evaluation.scope import Scope
from bpcli.explaining.evaluation.shown import Known
from bpcli.explaining.evaluation.tensors import Range, Shape, Value
from bpcli.explaining.evaluation.vocabulary import SIZE, Vocabulary
from bpcli.nn import Array

TWO = 2
"""The axes of a matrix."""

RUN = re.compile(r"(.+?) = (\d+)")


Runs = Mapping[str, tuple[str, int]]
"""By index: what it runs over, as a vocabulary has it, and of which layer."""


class Shown(Protocol):
    """What a sheet reads of a step."""

    @property
    def symbol(self) -> str:
        """The left side."""
        ...

    @property
    def rows(self) -> str:
        """``k = 0 … 3``, or nothing."""
        ...

    @property
    def columns(self) -> str:
        """The same of the columns."""
        ...


@dataclass(frozen=True)
class Side:
    """The left side of a step: its nodes, and the layout of its value."""

    node: Node
    layout: Layout


class Sheet:
    """The steps of one update so far."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.evaluator = Evaluator(vocabulary)

    def side(self, shown: Shown, at: Mapping[str, int] | None = None, runs: Runs | None = None) -> Side:
        """A step's left side; ``runs`` says what an index runs over where its place does not.

        Raises:
            EquationError: the left side does not fit together.
        """
        node = self.evaluator.parse(shown.symbol)
        rows, columns = _run(shown.rows), _run(shown.columns)
        starts = dict(run for run in (rows, columns) if run is not None)
        ranges = self.evaluator.places.declared(node, starts, at or {}, self._said(runs or {}))
        letters = [run[0] if run else "" for run in (rows, columns)]
        return Side(node, Layout(ranges, letters[0], letters[1], *self._shape(node, ranges)))

    def ranges(self, markup: str, runs: Runs) -> dict[str, Range]:
        """What the indices that stand on a side run over."""
        return self.evaluator.places.declared(self.evaluator.parse(markup), {}, {}, self._said(runs))

    def _said(self, runs: Runs) -> dict[str, Range]:
        return {letter: self.evaluator.vocabulary.range(kind, layer) for letter, (kind, layer) in runs.items()}

    def value(self, markup: str, side: Side) -> Array:
        """A right side's value as the step shows it.

        Raises:
            EquationError: it does not fit the left side, or itself.
        """
        return self._shown(self.evaluator.parse(markup), side.layout)

    def independent(self, side: Side) -> Array:
        """The left side's own value, from the steps and the document's definitions."""
        return self._shown(side.node, side.layout)

    def _shown(self, node: Node, layout: Layout) -> Array:
        with np.errstate(all="ignore"):
            return layout.shown(self.evaluator.evaluate(node, Scope(layout.ranges)))

    def learn(self, side: Side, value: Array) -> None:
        """Take a step's value for its left side from now on."""
        if isinstance(side.node, Name):
            self.evaluator.name(side.node.text, side.layout.value(value))
        else:
            self.evaluator.learn(Known(side.node, side.layout.ranges, side.layout.value(value)))
            self._learn_whole(side, value)

    def _learn_whole(self, side: Side, value: Array) -> None:
        """Know the matrix of which a step showed every entry."""
        whole, layout, vocabulary = self.evaluator.shown.whole(side.node), side.layout, self.evaluator.vocabulary
        if whole is None:
            return
        node, found = whole
        shape = vocabulary.shape(self.evaluator.quantities.matrix_of(found))
        if shape is None or tuple(found.indices) != layout.letters or value.ndim != TWO:
            return
        if value.shape == (vocabulary.length(shape[0]), vocabulary.length(shape[1])):
            self.evaluator.learn(Known(node, {}, Value(value, (), shape)))

    def name(self, text: str, like: Side | None, value: Array) -> Side:
        """Take a symbol as a whole, marks and all, with a value laid out as that of ``like``; else it is a number."""
        layout = like.layout if like else Layout({}, "", "", None)
        self.evaluator.name(text, layout.value(value))
        return Side(Name(text), layout)

    def _shape(self, node: Node, ranges: Mapping[str, Range]) -> tuple[Shape | None, tuple[int, int]]:
        """The spaces of a left side's rows and columns, and their lengths."""
        declared = self._declared(node)
        if declared is not None:
            length = self.evaluator.vocabulary.length
            return declared, (length(declared[0]), length(declared[1]))
        if isinstance(node, Symbol | Name):
            return None, (1, 1)
        value = self.evaluator.evaluate(node, Scope(ranges))
        return value.shape, (value.array.shape[-2:] if value.shape else (1, 1))

    def _declared(self, node: Node) -> Shape | None:
        """The shape of a symbol, of the gradient by it, and of a function of it."""
        vocabulary = self.evaluator.vocabulary
        if isinstance(node, Symbol):
            found = vocabulary.find(node)
            return None if found is None else vocabulary.shape(found)
        if isinstance(node, Apply) and node.function.base != SIZE:
            return self._declared(node.argument)
        if isinstance(node, Nabla):
            return self._declared(node.by)
        if isinstance(node, Derivative):
            return self._of_derivative(node)
        return None

    def _of_derivative(self, node: Derivative) -> Shape | None:
        """The shape of the symbol below; for two columns the Jacobian's, unless the document writes its diagonal."""
        vocabulary, by = self.evaluator.vocabulary, self._declared(node.by)
        if by is None or not isinstance(node.of, Symbol):
            return by
        is_function = node.of.base in vocabulary.letters
        of = None if is_function else self._declared(node.of)
        return by if of is None or (node.of.base, node.by.base) in vocabulary.diagonal else (of[0], by[0])


def _run(text: str) -> tuple[str, int] | None:
    """An index and its first number, from ``k = 0 … 3``."""
    found = RUN.match(text)
    if found is None:
        return None
    (letter,) = marks(found[1])
    return letter, int(found[2])


def apart(found: Array, expected: Array) -> float:
    """The largest difference as a fraction of the largest entry; infinite where shapes or finiteness differ."""
    if found.shape != expected.shape or not np.array_equal(np.isnan(found), np.isnan(expected)):
        return np.inf
    difference = np.nanmax(np.abs(np.where(found == expected, 0, found - expected)), initial=0)
    largest = np.nanmax(np.abs(expected), initial=0)
    if difference == 0:
        return 0.0
    return float(difference / largest) if largest else np.inf
