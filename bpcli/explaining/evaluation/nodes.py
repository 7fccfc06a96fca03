"""What an equation of a derivation is made of: symbols with their marks, sums with bounds, derivatives, arrays.

Index and layer are what the marks of a symbol hold; which is which is for the vocabulary of
the document to say (:mod:`bpcli.explaining.evaluation.vocabulary`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any


class EquationError(ValueError):
    """Markup that is no equation; an index, a shape or a symbol that does not fit."""


@dataclass(frozen=True)
class Number:
    """A number in digits."""

    text: str


@dataclass(frozen=True)
class Symbol:
    """A letter with the marks below and above it: indices and layers."""

    base: str
    sub: tuple[str, ...] = ()
    sup: tuple[str, ...] = ()


@dataclass(frozen=True)
class Name:
    """A symbol taken as a whole, marks and all."""

    text: str


@dataclass(frozen=True)
class Apply:
    """A document's function, such as σ or h of a layer, or its derivative, of an argument."""

    function: Symbol
    primes: int
    argument: Node


@dataclass(frozen=True)
class Function:
    r"""A function of mathematics: ``\log``, ``\exp``, ``\sqrt``, ``|``."""

    name: str
    argument: Node


@dataclass(frozen=True)
class Derivative:
    """∂of/∂by."""

    of: Node
    by: Symbol


@dataclass(frozen=True)
class Nabla:
    """The gradient of the document's loss by a symbol."""

    by: Symbol


@dataclass(frozen=True)
class SumOver:
    """Σ of an index from a number to a size."""

    index: str
    first: int
    last: Symbol
    body: Node


@dataclass(frozen=True)
class UnitSum:
    """Σ over the rows of a matrix, in the formula of units that act on one another."""

    body: Node


@dataclass(frozen=True)
class Add:
    """Terms, each with the sign 1 or −1."""

    terms: tuple[tuple[int, Node], ...]


@dataclass(frozen=True)
class Times:
    r"""Two factors with nothing between them, ``\cdot`` or ``\odot``."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Over:
    """A quotient."""

    above: Node
    below: Node


@dataclass(frozen=True)
class Power:
    """A base to an exponent."""

    base: Node
    exponent: Node


@dataclass(frozen=True)
class Transpose:
    """An array turned."""

    of: Node


@dataclass(frozen=True)
class Entry:
    """An entry or a column of an array."""

    of: Node
    indices: tuple[str, ...]


@dataclass(frozen=True)
class Indicator:
    """1 where two indices are the same, else 0."""

    left: str
    right: str


@dataclass(frozen=True)
class Cases:
    """One expression where left > right, or where two indices are the same; another elsewhere."""

    relation: str
    left: Node
    right: Node
    there: Node
    elsewhere: Node


@dataclass(frozen=True)
class Dots:
    """Entries of a matrix left out: those between their neighbours."""


@dataclass(frozen=True)
class Matrix:
    """An array written out, row by row."""

    rows: tuple[tuple[Node, ...], ...]


Node = (
    Number
    | Symbol
    | Name
    | Apply
    | Function
    | Derivative
    | Nabla
    | SumOver
    | UnitSum
    | Add
    | Times
    | Over
    | Power
    | Transpose
    | Entry
    | Indicator
    | Cases
    | Dots
    | Matrix
)


def parts(node: Any) -> tuple[Any, ...]:
    """What a node or a tuple is made of: nodes, tuples, marks and numbers; nothing for those two."""
    kind: Any = type(node)
    names = _fields_of(kind)
    return tuple([getattr(node, name) for name in names]) if names else node if isinstance(node, tuple) else ()


@cache
def _fields_of(kind: type) -> tuple[str, ...]:
    """The names of a node's fields; none of what is no node."""
    return tuple(one.name for one in fields(kind)) if is_dataclass(kind) else ()


def made_of(node: Any, changed: Iterable[Any]) -> Any:
    """A node or a tuple with other parts."""
    return tuple(changed) if isinstance(node, tuple) else type(node)(*changed)


def entrywise(node: Any) -> Any:
    r"""A formula of single numbers as one of matrices: its products with ``\odot``."""
    if not parts(node):
        return node
    inner = [entrywise(one) for one in parts(node)]
    return Times(r"\odot", *inner[1:]) if isinstance(node, Times) else made_of(node, inner)
