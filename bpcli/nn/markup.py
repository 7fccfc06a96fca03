r"""Formulas in markup: each choice states its own, beside the code that computes it.

Markup is the small part of LaTeX's mathematics that can also be rendered as Unicode
text and as Markdown: letters with indices, ``+ - / ( ) [ ] |``, ``\frac``, ``\sqrt``, ``\sum``,
``\cdot``, ``\left`` and ``\right``, ``\text``, ``\mathrm``, names of functions such as
``\log``, Greek letters. ``\odot`` is the product entry by entry of two arrays; where
they are single numbers the symbol is omitted.

A formula contains names in angle brackets: ``<z>``, ``<a>``, ``<y>``, replaced by the
symbols of a derivation, and the choice's own settings, such as ``<slope>``, replaced by
their values. A symbol may have indices, so the base of a power is written in
parentheses and its exponent in braces: ``(<z>)^2``, ``e^{<z>}``. ``<`` occurs nowhere else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

PLACEHOLDER = re.compile(r"<(\w+)>")


@dataclass(frozen=True)
class RuleEquation:
    r"""``symbol`` ← ``formula``: how an update rule computes θ, or an array of its memory.

    ``name`` is the name of the array in the rule's memory, or :data:`NEW_THETA`; any other name is that of a quantity
    which later equations of the same update read. Equations are in the order in which they are computed, θ's last. An
    array whose shape is not θ's exists once for the whole network: its symbol has no ``<theta>``.

    The names in the formulas are ``<theta>``; ``<gradient>``, which is ∂L/∂θ or −∂L/∂θ, as the derivation defines it;
    ``<plus>``, ``<minus>`` and ``<sign>``, the signs with which it is ∂L/∂θ, −∂L/∂θ and, at a beginning, ∂L/∂θ;
    ``<step>``, the number of the update, from 1; ``<weight_term>``, with its sign the rule's ``weight_term`` where the
    entry is a weight, and nothing elsewhere. η is ``\eta``.

    Beside its ``equations`` a rule has ``symbols``, a mapping from each Greek letter in them to
    the setting that it stands for, without η, which is an input of the step; and, where the
    gradient is not that at θ, ``gradient_at``: the point, in markup, from the memory before the update.
    """

    name: str
    title: str
    symbol: str
    formula: str


NEW_THETA = "new"
"""The name of the equation that gives θ."""

AT_THETA = "<theta>"
"""The point at which a rule takes the gradient, unless it says another."""


def filled(formula: str, choice: Any, **symbols: str) -> str:
    """A formula of ``choice`` with every name replaced by its symbol or by the value of the setting.

    Raises:
        AttributeError: a name is neither a symbol nor a setting.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return symbols[name] if name in symbols else decimal(getattr(choice, name))

    return PLACEHOLDER.sub(value, formula)


def closing_brace(markup: str, start: int) -> int:
    """The place of the brace that closes the one before ``start``.

    Raises:
        ValueError: none does.
    """
    depth = 1
    for place in range(start, len(markup)):
        depth += {"{": 1, "}": -1}.get(markup[place], 0)
        if not depth:
            return place
    raise ValueError(f"a brace is not closed in {markup}")


NO_FIGURES = {"inf": r"\infty", "-inf": r"-\infty", "nan": r"\mathrm{nan}"}
"""What Python writes of a number that is none or infinite, in markup."""


def decimal(value: float) -> str:
    r"""A setting's value with every digit, in markup: ``0.01``, ``1 \cdot 10^{-5}``."""
    return scientific(repr(float(value)).removesuffix(".0"))


def scientific(figure: str) -> str:
    r"""A number as Python writes it, in markup: ``2.5e-07`` becomes ``2.5 \cdot 10^{-7}``, ``inf`` ``\infty``."""
    if figure in NO_FIGURES:
        return NO_FIGURES[figure]
    mantissa, mark, exponent = figure.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if mark else mantissa
