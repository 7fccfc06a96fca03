r"""Arithmetic as markup, its numbers to some digits; and what comes of it when it is worked out with these digits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from bpcli.explaining.arithmetic.terms import Condition, Elided, Exact
from bpcli.explaining.evaluation.nodes import Add, Function, Number, Over, Power, Times, parts
from bpcli.nn.expressions import Floats
from bpcli.nn.markup import scientific

SUM, PRODUCT, POWER, ATOM = range(4)
"""How tightly the outermost operation binds."""

CLOSED = ("|", r"\sqrt")
"""The functions whose sign encloses the argument."""


def rounded(value: float, digits: int) -> str:
    """A number to so many digits, as Python writes it."""
    text = f"{value:.{digits}g}"
    return "0" if float(text) == 0 and value == 0 else text


def written(node: Any, digits: int) -> str:
    """Arithmetic in markup."""
    return _leading(node, digits)


def condition(given: Condition, digits: int) -> str:
    """Why a case holds."""
    sign = ">" if given.holds else r"\leq"
    return f"{_leading(given.left, digits)} {sign} {_leading(given.right, digits)}"


def _leading(node: Any, digits: int) -> str:
    """Arithmetic with nothing before it, where a negative number needs no parentheses."""
    if isinstance(node, Times):
        return rf"{_leading_factor(node.left, digits)} \cdot {_within(node.right, POWER, digits)}"
    if isinstance(node, Add) and node.terms[0][0] > 0:
        (_, first), *others = node.terms
        return _leading(first, digits) + _others(tuple(others), digits)
    return _written(node, digits)


def _leading_factor(node: Any, digits: int) -> str:
    return _leading(node, digits) if isinstance(node, Exact | Times) else _within(node, PRODUCT, digits)


def _others(terms: tuple[tuple[int, Any], ...], digits: int) -> str:
    """The terms after the first."""
    return "".join(f" {'+' if sign > 0 else '-'} {_within(term, PRODUCT, digits)}" for sign, term in terms)


def _written(node: Any, digits: int) -> str:
    write = partial(_within, digits=digits)
    match node:
        case Exact(value):
            return scientific(rounded(value, digits))
        case Elided():
            return r"\ldots"
        case Number(text):
            return text
        case Add(terms):
            (sign, first), *others = terms
            return "-" * (sign < 0) + write(first, PRODUCT) + _others(tuple(others), digits)
        case Times(_, left, right):
            return rf"{write(left, PRODUCT)} \cdot {write(right, POWER)}"
        case Over(above, below):
            return rf"\frac{{{_leading(above, digits)}}}{{{_leading(below, digits)}}}"
        case Power(base, exponent):
            return rf"{write(base, ATOM)}^{{{_leading(exponent, digits)}}}"
        case Function(name, argument):
            return _applied(name, _leading(argument, digits))
    raise AssertionError(f"{node} is no arithmetic")


def _applied(name: str, argument: str) -> str:
    """A function of mathematics and its argument."""
    if name == "|":
        return f"|{argument}|"
    if name in (r"\exp", r"\sqrt"):
        return f"e^{{{argument}}}" if name == r"\exp" else rf"\sqrt{{{argument}}}"
    return rf"{name} ({argument})"


def _within(node: Any, least: int, digits: int) -> str:
    text = _written(node, digits)
    return text if _binding(node, digits) >= least else f"({text})"


def _binding(node: Any, digits: int) -> int:
    if isinstance(node, Exact):
        text = rounded(node.value, digits)
        return SUM if text.startswith("-") else PRODUCT if "e" in text else ATOM
    if isinstance(node, Add):
        return SUM
    if isinstance(node, Function):
        return ATOM if node.name in CLOSED else POWER
    return PRODUCT if isinstance(node, Times) else POWER if isinstance(node, Power) else ATOM


def worked_out(node: Any, digits: int | None) -> float:
    """The result with every number rounded to ``digits``, or with all that they have."""
    match node:
        case Exact(value) | Elided(_, value):
            return value if digits is None else float(rounded(value, digits))
        case Number(text):
            return float(text)
        case Add(terms):
            return float(sum(sign * worked_out(term, digits) for sign, term in terms))
        case Function(name, argument):
            return float(Floats().apply(name, np.float64(worked_out(argument, digits))))
    left, right = (np.float64(worked_out(one, digits)) for one in parts(node)[-2:])
    return float(OPERATIONS[type(node)](left, right))


def _product(x: float, y: float) -> float:
    """x·y, and 0 where either is: 0 · log 0 is 0."""
    return 0.0 if 0 in (x, y) else x * y


OPERATIONS: Mapping[type, Callable[..., Any]] = {Times: _product, Over: np.divide, Power: np.power}


def has_elided(node: Any) -> bool:
    """Whether terms of a sum are left out."""
    return isinstance(node, Elided) or any(has_elided(one) for one in parts(node))


def count_numbers(node: Any) -> int:
    """How many numbers are written."""
    if isinstance(node, Exact | Number | Elided):
        return 1
    return sum(count_numbers(one) for one in parts(node))
