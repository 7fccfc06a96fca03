"""Expressions in words: short Unicode text for messages, such as ``1 − β₁`` or ``√(v/(1 − β₂ᵗ))``."""

from __future__ import annotations

import re
import unicodedata
from functools import singledispatch

from bpcli.checking.updates.equations import GRADIENT, STEP, THETA
from bpcli.nn.expressions import Cases, Expression, Function, Number, Power, Product, Quotient, Sum, Symbol

NAMES = {THETA: "θ", GRADIENT: "g", STEP: "t"}
LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
RAISED = str.maketrans("0123456789t", "⁰¹²³⁴⁵⁶⁷⁸⁹ᵗ")


@singledispatch
def written(expression: Expression) -> str:
    """The expression as text; that of a kind without a text is left open."""
    return f"({type(expression).__name__.lower()} …)"


@written.register
def _(expression: Number) -> str:
    return expression.text


@written.register
def _(expression: Symbol) -> str:
    if expression.name in NAMES:
        return NAMES[expression.name]
    letter, _, index = expression.name.partition("_")
    if letter.startswith("\\"):
        letter = _greek(letter[1:].removeprefix("var"))
    if index and not index.isdigit():
        return letter if index.startswith("{") else expression.name.replace("_", " ")
    return letter + index.translate(LOWERED)


def _greek(name: str) -> str:
    try:
        return unicodedata.lookup(f"GREEK SMALL LETTER {name.upper().replace('LAMBDA', 'LAMDA')}")  # as Unicode has it
    except KeyError:
        return name


@written.register
def _(expression: Sum) -> str:
    text = "".join((" − " if sign < 0 else " + ") + written(term) for sign, term in expression.terms)
    return "−" * text.startswith(" −") + text[3:]


@written.register
def _(expression: Product) -> str:
    return f"{_factor(expression.left)} · {_factor(expression.right)}"


@written.register
def _(expression: Quotient) -> str:
    return f"{_factor(expression.numerator)}/{_divisor(expression.denominator)}"


@written.register
def _(expression: Power) -> str:
    exponent = written(expression.exponent)
    base = _divisor(expression.base)
    return base + exponent.translate(RAISED) if re.fullmatch(r"\d+|t", exponent) else f"{base}^({exponent})"


@written.register
def _(expression: Function) -> str:
    name, argument = expression.name.lstrip("\\"), written(expression.argument)
    if name == "sqrt":
        return f"√{argument}" if isinstance(expression.argument, Symbol) else f"√({argument})"
    return f"|{argument}|" if name == "|" else f"{name}({argument})"


@written.register
def _(expression: Cases) -> str:
    condition = f"{written(expression.left)} > {written(expression.right)}"
    return f"({written(expression.there)} where {condition}, else {written(expression.elsewhere)})"


def _factor(expression: Expression) -> str:
    return f"({written(expression)})" if isinstance(expression, Sum) else written(expression)


def _divisor(expression: Expression) -> str:
    return f"({written(expression)})" if isinstance(expression, Sum | Product | Quotient) else written(expression)
