"""What the indices of an equation run over, from the places where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bpcli.explaining.evaluation.indices import CLASS, entry_runs
from bpcli.explaining.evaluation.nodes import Entry, EquationError, Node, SumOver, Symbol, parts
from bpcli.explaining.evaluation.quantities import EvaluatesMarkup
from bpcli.explaining.evaluation.scope import Scope
from bpcli.explaining.evaluation.tensors import Range
from bpcli.explaining.evaluation.vocabulary import Vocabulary


class Places:
    """The places of indices, by what the symbols of a vocabulary have there."""

    def __init__(self, vocabulary: Vocabulary, evaluator: EvaluatesMarkup) -> None:
        self.vocabulary, self.evaluator = vocabulary, evaluator

    def declared(
        self, left: Node, starts: Mapping[str, int], at: Mapping[str, int], said: Mapping[str, Range] | None = None
    ) -> dict[str, Range]:
        """What the indices of a left side run over, from the places where they stand.

        ``starts`` are their first numbers where those are not 1; indices in ``at`` have one value alone; ``said`` is
        what is known of some without their places.

        Raises:
            EquationError: an index stands in two places of different kinds.
        """
        ranges: dict[str, Range] = {}
        for mark, place in (*(said or {}).items(), *self.of(left)):
            if mark.isdigit() or mark.startswith(CLASS):
                continue
            run = (said or {}).get(mark) or replace(place, first=starts.get(mark, 1))
            if mark in at:
                run = replace(place, first=at[mark], last=at[mark])
            if ranges.setdefault(mark, run) != run:
                raise EquationError(f"index {mark} runs over {ranges[mark].space} and {place.space}")
        return ranges

    def of(self, node: Any) -> Iterator[tuple[str, Range]]:
        """Every index of an equation that no sum binds, with what it can run over there."""
        if isinstance(node, Symbol):
            yield from self._of_symbol(node)
        elif isinstance(node, SumOver):
            yield from ((mark, place) for mark, place in self.of(node.body) if mark != node.index)
        elif isinstance(node, Entry):
            value = self.evaluator.evaluate(node.of, Scope())
            yield from zip(node.indices, entry_runs(value, len(node.indices)), strict=False)
        else:
            for one in parts(node):
                yield from self.of(one)

    def _of_symbol(self, symbol: Symbol) -> Iterator[tuple[str, Range]]:
        found = self.vocabulary.find(symbol)
        if found is None:
            return
        for slot, mark in zip(found.slots, found.indices, strict=True):
            yield mark, self.vocabulary.range(found.quantity.runs[slot], found.layer)
        if found.quantity.implicit:
            yield found.quantity.implicit, self.vocabulary.range("m", 0)
