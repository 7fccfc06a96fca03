r"""Sums without bounds in the formulas of choices: what each adds, and the sum replaced.

``\sum`` alone adds over whatever the choice says: the units of a layer, all of θ. As in
:mod:`bpcli.nn.formulas`, it adds the product that stands after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

SUM = r"\sum"
ENDS = ("+", "-", ",", ">", "=", "&", r"\text", r"\right")
"""What ends a product outside of its parentheses."""


def sums_of(formula: str) -> list[str]:
    """What each sum without bounds adds, once each."""
    found: list[str] = []

    def note(operand: str) -> str:
        found.append(operand)
        return operand

    _rewritten(formula, note)
    return list(dict.fromkeys(found))


def replace_sums(formula: str, symbols: Mapping[str, str]) -> str:
    """The formula with symbols in the place of sums, by what they add."""
    return _rewritten(formula, symbols.__getitem__)


def with_bounds(formula: str, bounds: str, change: Callable[[str], str]) -> str:
    """The formula with bounds at every sum, and what each adds changed."""
    return _rewritten(formula, lambda operand: f"{SUM}{bounds} {change(operand)}")


def _rewritten(formula: str, change: Callable[[str], str]) -> str:
    """The formula, each sum replaced by what ``change`` makes of the product that it adds."""
    before, sign, after = formula.partition(SUM)
    if not sign:
        return formula
    if after.startswith(("_", "^")):
        return before + SUM + _rewritten(after, change)
    end = _end(after)
    operand = after[:end].strip()
    return before + change(operand) + _rewritten(after[end:], change)


def _end(text: str) -> int:
    """Where a product ends."""
    depth = 0
    for place, sign in enumerate(text):
        if sign in ")}]" and depth == 0:
            return place
        if depth == 0 and any(text.startswith(end, place) for end in ENDS):
            return place
        depth += (sign in "({[") - (sign in ")}]")
    return len(text)
