"""The entries of a step's value: what each is called, its number, and the arithmetic that gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bpcli.explaining.arithmetic.substitution import Place, Substitution
from bpcli.explaining.arithmetic.symbols import entry_symbol
from bpcli.explaining.arithmetic.terms import Condition
from bpcli.explaining.documents.steps import DerivationStep
from bpcli.explaining.evaluation.scope import Scope
from bpcli.explaining.evaluation.sheet import Sheet, Side


@dataclass(frozen=True)
class Entry:
    """One entry: its symbol in markup, its number, its arithmetic, and the conditions of the cases in it."""

    symbol: str
    result: float
    tree: Any
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Entries:
    """Those of one step, by the side ``markup`` of its equation, on a sheet that knows the steps before it."""

    step: DerivationStep
    side: Side
    markup: str
    sheet: Sheet

    def entry(self, number: int) -> Entry:
        """The entry at a place of the value, row by row.

        Raises:
            EquationError: the side does not fit together.
        """
        evaluator, layout = self.sheet.evaluator, self.side.layout
        at, place = self._place(number)
        ranges = {
            letter: replace(run, first=at[letter], last=at[letter]) if letter in at else run
            for letter, run in layout.ranges.items()
        }
        substitution = Substitution(evaluator, layout.ranges)
        tree = substitution.entry(evaluator.parse(self.markup), Scope(ranges), place)
        column = layout.shape is not None and layout.lengths[1] == 1
        symbol = entry_symbol(self.step.symbol, self.side.node, evaluator.vocabulary, at, place, column=column)
        result = float(self.step.value.reshape(-1)[number])
        return Entry(symbol, result, tree, tuple(substitution.conditions))

    def _place(self, number: int) -> tuple[Mapping[str, int], Place]:
        """The numbers of the left side's indices at an entry, and its place in the left side's matrix."""
        layout, value = self.side.layout, self.step.value
        row, column = divmod(number, value.shape[1]) if value.ndim else (0, 0)
        fixed = {letter: run.first for letter, run in layout.ranges.items() if run.size == 1}
        if layout.shape is None:
            along = {layout.rows: row, layout.columns: column}
            numbers = {letter: run.first + along.get(letter, 0) for letter, run in layout.ranges.items()}
            return fixed | numbers, None
        if not layout.letters:
            return {}, (row, column)
        letter = layout.letters[0]
        return fixed | {letter: layout.ranges[letter].first + column}, (row, 0)
