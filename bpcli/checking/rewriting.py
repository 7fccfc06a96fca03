"""Expressions as trees: their parts, and copies in which something is replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from bpcli.nn.expressions import Expression, Sum, Symbol, parts

Change = Callable[[Expression], Expression]


def nodes(expression: Expression) -> Iterator[Expression]:
    """The expression, then everything in it."""
    yield expression
    for part in parts(expression):
        yield from nodes(part)


def changed(expression: Expression, change: Change) -> Expression:
    """A copy in which every node is replaced by ``change(node)``, the innermost first."""
    if isinstance(expression, Sum):
        return change(Sum(tuple((sign, changed(term, change)) for sign, term in expression.terms)))
    own: Any = expression
    new = {
        one.name: changed(getattr(own, one.name), change)
        for one in fields(own)
        if not isinstance(getattr(own, one.name), str)
    }
    return change(replace(own, **new))


def with_node(expression: Expression, place: int, new: Expression) -> Expression:
    """A copy in which the node number ``place``, in the order of :func:`nodes`, is ``new``."""
    return _with_node(expression, place, new)[0]


def _with_node(expression: Expression, place: int, new: Expression) -> tuple[Expression, int]:
    """The copy, and the place that is left to find after this expression, negative once it was found."""
    if place == 0:
        return new, -1
    place -= 1
    own: Any = expression
    if isinstance(expression, Sum):
        terms = []
        for sign, term in expression.terms:
            copy, place = _with_node(term, place, new) if place >= 0 else (term, place)
            terms.append((sign, copy))
        return Sum(tuple(terms)), place
    found: dict[str, Expression] = {}
    for one in fields(own):
        part = getattr(own, one.name)
        if not isinstance(part, str) and place >= 0:
            found[one.name], place = _with_node(part, place, new)
    return replace(own, **found), place


def substituted(expression: Expression, values: Mapping[str, Expression]) -> Expression:
    """A copy with expressions in place of some symbols."""
    return changed(expression, lambda node: values.get(node.name, node) if isinstance(node, Symbol) else node)
