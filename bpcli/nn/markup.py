r"""Formulas in markup: what a choice says of itself, beside the code that computes it.

Markup is the small part of LaTeX's mathematics that renders to Unicode text and
to Markdown too: letters with indices, ``+ - / ( ) [ ] |``, ``\frac``, ``\sqrt``, ``\sum``,
``\cdot``, ``\left`` and ``\right``, ``\text``, ``\mathrm``, names of functions such as
``\log``, Greek letters. ``\odot`` is the product entry by entry of two arrays; where
they are single numbers it is left out.

A choice's formulas hold names between angle brackets: of the symbols that a
derivation puts there, ``<z>``, ``<a>``, ``<y>``, and of the choice's own settings,
``<slope>``. A symbol may carry indices, so the base of a power stands in
parentheses and its exponent in braces: ``(<z>)^2``, ``e^{<z>}``. Otherwise ``<`` does not occur.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

PLACEHOLDER = re.compile(r"<(\w+)>")


@dataclass(frozen=True)
class RuleEquation:
    r"""``symbol`` ← ``formula``: how an update rule computes θ, or an array of its memory.

    ``name`` is the memory's, :data:`NEW_THETA` for θ. The names in the formulas are
    ``<theta>``; ``<gradient>``, which is ∂L/∂θ up to its sign, because a derivation's
    gradient may point uphill; ``<plus>`` and ``<minus>``, the signs with which it is
    ∂L/∂θ and −∂L/∂θ; ``<step>``, the number of the update, from 1. η is ``\eta``.
    Equations stand in the order in which they are computed, θ's last. An array of
    memory that has not θ's shape is one for the whole network: no ``<theta>`` there.
    """

    name: str
    title: str
    symbol: str
    formula: str


NEW_THETA = "new"


def filled(formula: str, choice: Any, **symbols: str) -> str:
    """A formula of ``choice`` with every name replaced by its symbol or by the value of the setting."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return symbols[name] if name in symbols else decimal(getattr(choice, name))

    return PLACEHOLDER.sub(value, formula)


def decimal(value: float) -> str:
    r"""A setting's value, every digit: ``0.01``, ``1 \cdot 10^{-5}``."""
    return scientific(repr(float(value)).removesuffix(".0"))


def scientific(figure: str) -> str:
    r"""A number as Python writes it, in markup: ``2.5e-07`` becomes ``2.5 \cdot 10^{-7}``."""
    mantissa, mark, exponent = figure.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if mark else mantissa
