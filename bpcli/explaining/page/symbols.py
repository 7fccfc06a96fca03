"""Which step of a document a symbol stands for, wherever it stands: in the step, in others, entry by entry, turned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bpcli.explaining.documents.steps import DerivationStep
from bpcli.explaining.evaluation.evaluator import Evaluator
from bpcli.explaining.evaluation.nodes import Apply, Derivative, Entry, EquationError, Nabla, Name, Symbol, Transpose


def steps_by_symbol(steps: Sequence[DerivationStep], evaluator: Evaluator) -> Callable[[str], int | None]:
    """A function from a symbol's markup to the place of the step that gives it; None for what no step gives.

    ``evaluator`` knows the document's symbols, and the arrays of the rule's memory by name.
    """
    places: dict[Any, int] = {}
    for place, step in enumerate(steps):
        places.setdefault(next(_meanings(step.symbol, evaluator), None), place)

    def owner(markup: str) -> int | None:
        return next((places[one] for one in _meanings(markup, evaluator) if one in places), None)

    return owner


def _meanings(markup: str, evaluator: Evaluator) -> Iterator[Any]:
    """What a symbol means, equal for all ways to write it; then more loosely; nothing for no symbol.

    Of an entry with a digit, as the biases' w_{0 k} is, that is the array without it; then what it is defined as.
    """
    try:
        node = evaluator.parse(markup)
    except (EquationError, IndexError, ValueError):  # a part of an equation may be anything
        return
    while node is not None:
        meaning = _of(node, evaluator)
        if meaning is not None:
            yield from ((meaning, digits) for digits in _digits(node, evaluator))
            yield meaning
        node = _definition(node, evaluator)


def _of(node: Any, evaluator: Evaluator) -> Any:
    match node:
        case Symbol():
            found = evaluator.vocabulary.find(node)
            if found is None:
                return node
            array = evaluator.quantities.matrix_of(found)
            return array.quantity.template, array.layer
        case Transpose(of) | Entry(of, _):
            return _of(of, evaluator)
        case Derivative(of, by):
            return "derivative", _of(of, evaluator), _of(by, evaluator)
        case Nabla(by):
            return "gradient", _of(by, evaluator)
        case Apply(function, primes, argument):
            return function, primes, _of(argument, evaluator)
        case Name(text):
            return text
    return None


def _digits(node: Any, evaluator: Evaluator) -> Iterator[tuple[str, ...]]:
    """The digits among the indices of an array's entry."""
    found = evaluator.vocabulary.find(node) if isinstance(node, Symbol) else None
    digits = () if found is None else tuple(mark for mark in found.indices if mark.isdigit())
    if digits:
        yield digits


def _definition(node: Any, evaluator: Evaluator) -> Any:
    """What a symbol is defined as; None where it is no such symbol, or given by its numbers."""
    found = evaluator.vocabulary.find(node) if isinstance(node, Symbol) else None
    meaning = None if found is None else found.quantity.meaning(found.layer)
    return evaluator.parse(meaning) if isinstance(meaning, str) else None
