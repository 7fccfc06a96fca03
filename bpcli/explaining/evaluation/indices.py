r"""The numbers and places that an index takes: those of its range, one number, or the true class ``\ell``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bpcli.explaining.evaluation.nodes import EquationError, Node, Number, Symbol
from bpcli.explaining.evaluation.scope import Scope
from bpcli.explaining.evaluation.tensors import ONE, Range, Value
from bpcli.explaining.evaluation.vocabulary import Found, Vocabulary

CLASS = r"\ell"
"""The true class as an index; ``\\ell_i`` is that of example i."""


def index(vocabulary: Vocabulary, mark: str, place: Range, scope: Scope) -> Value:
    """The places along an axis that an index takes, from 0.

    Raises:
        EquationError: the index is not bound, or runs over something else.
    """
    if mark.isdigit():
        if not place.first <= int(mark) <= place.last:
            raise EquationError(f"there is no {mark} in {place.space}")
        return Value(np.asarray(int(mark) - place.first))
    if mark.startswith(CLASS):
        return _class(vocabulary, mark, place, scope)
    run = scope.ranges.get(mark)
    if run is None:
        raise EquationError(f"index {mark} is neither on the left nor under a sum")
    if run.space != place.space or run.first < place.first or run.last > place.last:
        raise EquationError(f"index {mark} runs over {run}, where {place} is meant")
    return Value(np.arange(run.first, run.last + 1) - place.first, (mark,))


def symbol_indices(vocabulary: Vocabulary, found: Found, scope: Scope) -> list[Value]:
    """The places that the indices of a symbol take, along the axes of its quantity.

    Raises:
        EquationError: one is not bound, or runs over something else.
    """
    runs = [vocabulary.range(found.quantity.runs[slot], found.layer) for slot in found.slots]
    return [index(vocabulary, mark, run, scope) for mark, run in zip(found.indices, runs, strict=True)]


def _class(vocabulary: Vocabulary, mark: str, place: Range, scope: Scope) -> Value:
    """The true class, of an example where the mark says so."""
    classes, letter = vocabulary.classes, mark.removeprefix(CLASS).removeprefix("_")
    if classes is None or place.space != vocabulary.range("L", 0).space:
        raise EquationError(f"{mark} is a class, where {place} is meant")
    if not letter:
        if vocabulary.examples > 1:
            raise EquationError(f"{mark} has a value for each example")
        return Value(np.asarray(classes[0] - place.first))
    example = index(vocabulary, letter, vocabulary.range("m", 0), scope)
    return Value(classes[example.array] - place.first, example.letters)


def numbers(vocabulary: Vocabulary, mark: str, scope: Scope) -> Value:
    """The numbers that an index takes."""
    run = scope.ranges.get(mark) or vocabulary.range("L", 0)
    whole = replace(run, first=0) if mark not in scope.ranges else run
    place = index(vocabulary, mark, whole, scope) if not mark.isdigit() else Value(np.asarray(int(mark)))
    return place if mark.isdigit() else Value(place.array + whole.first, place.letters)


def entry_runs(value: Value, count: int) -> list[Range]:
    """What the indices of an entry can run over."""
    assert value.shape is not None
    rows, columns = (Range(space, 1, size) for space, size in zip(value.shape, value.array.shape[-2:], strict=True))
    if count == 2:
        return [rows, columns]
    return [rows if value.shape[1] == ONE else columns]


def mark_of(node: Node) -> str:
    """The index that a side of a condition is."""
    if isinstance(node, Number):
        return node.text
    if isinstance(node, Symbol):
        return node.base + "".join(f"_{mark}" for mark in node.sub)
    raise EquationError(f"{node} is no index")
