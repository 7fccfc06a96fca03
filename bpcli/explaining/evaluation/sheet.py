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
from bpcli.explaining.evaluation.nodes import Apply, Derivative, EquationError, Nabla, Name, Node, Symbol
from bpcli.explaining.evaluation.scope import Known, Scope
from bpcli.explaining.evaluation.tensors import Shape
from bpcli.explaining.evaluation.vocabulary import Vocabulary
from bpcli.nn import Array

RUN = re.compile(r"(.+?) = (\d+)")


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

    def side(self, shown: Shown, at: Mapping[str, int] | None = None) -> Side:
        """What a step's left side says of its value.

        Raises:
            EquationError: the left side does not fit together.
        """
        node = self.evaluator.parse(shown.symbol)
        rows, columns = _run(shown.rows), _run(shown.columns)
        starts = dict(run for run in (rows, columns) if run is not None)
        ranges = self.evaluator.declared(node, starts, at or {})
        letters = [run[0] if run else "" for run in (rows, columns)]
        shape = self._shape(node)
        length = self.evaluator.vocabulary.length
        lengths = (length(shape[0]), length(shape[1])) if shape else (1, 1)
        return Side(node, Layout(ranges, letters[0], letters[1], shape, lengths))

    def value(self, markup: str, side: Side) -> Array:
        """A right side's value as the step shows it.

        Raises:
            EquationError: it does not fit the left side, or itself.
        """
        return side.layout.shown(self.evaluator.evaluate(self.evaluator.parse(markup), Scope(side.layout.ranges)))

    def independent(self, side: Side) -> Array:
        """The left side's own value, from the steps and the document's definitions."""
        return side.layout.shown(self.evaluator.evaluate(side.node, Scope(side.layout.ranges)))

    def learn(self, side: Side, value: Array) -> None:
        """Take a step's value for its left side from now on."""
        if isinstance(side.node, Name):
            self.evaluator.names[side.node.text] = side.layout.value(value)
        else:
            self.evaluator.learn(Known(side.node, side.layout.ranges, side.layout.value(value)))

    def name(self, text: str, like: Side | None, value: Array) -> Side:
        """Take a symbol as a whole, marks and all, with a value laid out as that of ``like``; else it is a number."""
        layout = like.layout if like else Layout({}, "", "", None)
        self.evaluator.names[text] = layout.value(value)
        return Side(Name(text), layout)

    def _shape(self, node: Node) -> Shape | None:
        """The spaces of a left side's rows and columns."""
        vocabulary = self.evaluator.vocabulary
        if isinstance(node, Symbol):
            found = vocabulary.find(node)
            return None if found is None else vocabulary.shape(found)
        if isinstance(node, Apply):
            return self._shape(node.argument)
        if isinstance(node, Nabla):
            return self._shape(node.by)
        if isinstance(node, Derivative):
            of = None if not isinstance(node.of, Symbol) or node.of.base in vocabulary.letters else self._shape(node.of)
            by = self._shape(node.by)
            pair = isinstance(node.of, Symbol) and (node.of.base, node.by.base) in vocabulary.diagonal
            return (of[0], by[0]) if of and by and not pair and of != ("1", "1") else by
        value = self.evaluator.evaluate(node, Scope(self.evaluator.declared(node, {}, {})))
        return value.shape


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


__all__ = ["EquationError", "Sheet", "Side", "apart"]
