r"""Equations written out: a line for each entry, ``z_1 = 0.1 \cdot 0.5 + 0.2 \cdot 1 + 0.1 = 0.35``.

An equation is small, and so written out without being asked for, where its value has at most ``MOST_ENTRIES`` entries
and a line at most ``MOST_NUMBERS`` numbers. Of a larger one the first ``FIRST_ENTRIES`` are, when asked for. The
numbers of a line have as many digits as the result, and more where the line would not come out with these.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np

from bpcli.explaining.arithmetic.entries import Entries
from bpcli.explaining.arithmetic.writing import condition, count_numbers, has_elided, rounded, worked_out, written
from bpcli.explaining.documents.steps import Arithmetic, DerivationStep, Line
from bpcli.explaining.evaluation.nodes import EquationError
from bpcli.explaining.evaluation.sheet import Sheet
from bpcli.explaining.evaluation.vocabulary import Vocabulary
from bpcli.explaining.following import Follower
from bpcli.nn.expressions import FormulaError
from bpcli.nn.markup import scientific

MOST_ENTRIES, MOST_NUMBERS = 12, 24
"""The largest equation that is small: the entries of its value, and the numbers of a line."""

FIRST_ENTRIES = 6
"""How many entries of a larger one are written out."""

MOST_DIGITS = 17
"""The digits with which a float is that float."""

NAMED = r"\text{"
"""What a side begins with that names a function instead of writing it out."""


def with_arithmetic(
    steps: tuple[DerivationStep, ...], vocabulary: Vocabulary, digits: int, *, large: bool
) -> tuple[DerivationStep, ...]:
    """The steps of one update, each with its arithmetic; with that of ``large`` equations too where asked for.

    Those of a formula that cannot be evaluated, such as one of the user's own, stay as they are.
    """
    follower, found = Follower(Sheet(vocabulary)), list[DerivationStep]()
    with np.errstate(all="ignore"), suppress(EquationError, FormulaError):
        for step in follower.each(steps):
            found.append(replace(step, arithmetic=arithmetic_of(step, follower, digits, large=large)))
    return (*found, *steps[len(found) :])


def arithmetic_of(step: DerivationStep, follower: Follower, digits: int, *, large: bool) -> Arithmetic | None:
    """The lines of one step; None where there is nothing to work out, or too much of it."""
    sides = [side for side in step.sides if not side.startswith(NAMED)]
    if step.stage == "given" or not sides or (step.value.size > MOST_ENTRIES and not large):
        return None
    try:
        return _written_out(Entries(step, follower.side(step), sides[-1], follower.sheet), digits, large=large)
    except (EquationError, FormulaError):
        return None


def _written_out(entries: Entries, digits: int, *, large: bool) -> Arithmetic | None:
    count = entries.step.value.size
    shown = count if count <= MOST_ENTRIES else FIRST_ENTRIES
    lines = []
    for number in range(shown):
        entry = entries.entry(number)
        if not large and (has_elided(entry.tree) or count_numbers(entry.tree) > MOST_NUMBERS):
            return None
        needed = _digits_needed(entry.tree, entry.result, digits)
        reason = ", ".join(condition(one, needed) for one in entry.conditions)
        result, sides = scientific(rounded(entry.result, digits)), written(entry.tree, needed)
        lines.append(Line(entry.symbol, "" if sides == result else sides, result, reason, entries.step.relation))
    says_more = any(line.sides or line.reason for line in lines)
    return Arithmetic(tuple(lines), count - shown) if says_more else None


def _digits_needed(tree: object, result: float, digits: int) -> int:
    """The fewest digits with which a line comes out as its result does to ``digits``; as many as that at least."""
    wanted = rounded(result, digits)
    for more in range(digits, MOST_DIGITS):
        if rounded(worked_out(tree, more), digits) == wanted:
            return more
    return MOST_DIGITS
