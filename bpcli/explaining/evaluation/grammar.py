r"""From markup to an equation's nodes: the grammar of :mod:`bpcli.nn.markup`, with indices, derivatives and arrays.

Marks stay with their symbol: ``\theta_{p,q}^{(2)}`` is θ with the marks p, q below and 2 above.
Braces, and parentheses around a number, only set a mark apart.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache

from bpcli.explaining.evaluation.nodes import (
    Add,
    Apply,
    Cases,
    Derivative,
    Dots,
    Entry,
    EquationError,
    Function,
    Indicator,
    Matrix,
    Nabla,
    Name,
    Node,
    Number,
    Over,
    Power,
    SumOver,
    Symbol,
    Times,
    Transpose,
    UnitSum,
)
from bpcli.nn.formulas import FUNCTIONS
from bpcli.nn.markup import closing_brace

TOKEN = re.compile(r"\s*(\\[A-Za-z]+|\\\\|\d+(?:\.\d+)?|\S)")
MARK = re.compile(r"(?:\\[A-Za-z]+|[A-Za-z]|\d+)(?:_(?:\{[^{}]*\}|\w))?'?")
"""An index such as ``k``, ``k_0``, ``n_{2}``, ``i'`` or ``\\ell``; or a number."""

FONTS = {r"\hat", r"\underline", r"\mathbf", r"\mathcal", r"\mathrm"}
PRODUCTS = {r"\cdot": r"\cdot", r"\odot": r"\odot", r"\ast": r"\odot"}
CLOSING = {"(": ")", "[": "]"}
DOTS = {r"\vdots", r"\cdots", r"\ddots", r"\ldots"}
NO_FACTOR = {r"\right", r"\text", r"\end", r"\begin", *PRODUCTS, *DOTS}
WHERE, OTHERWISE = ("where", "at"), ", else"


@cache
def parse(markup: str, functions: frozenset[str], names: tuple[str, ...] = ()) -> Node:
    """The nodes of an expression.

    ``functions`` are the letters that are functions before a parenthesis; ``names`` are
    symbols to be taken as a whole.

    Raises:
        EquationError: the markup is no expression.
    """
    reader = _Reader(markup, functions, names)
    node = reader.cases()
    if reader.peek():
        raise EquationError(f"left over in {markup}: {markup[reader.place :]}")
    return node


def marks(text: str) -> tuple[str, ...]:
    """The marks of a symbol, without braces."""
    return tuple(found.replace("{", "").replace("}", "") for found in MARK.findall(text))


class _Reader:
    """Recursive descent; ``place`` is how far it has come."""

    def __init__(self, markup: str, functions: Collection[str], names: Collection[str]) -> None:
        self.markup, self.functions = markup, functions
        self.names = sorted(names, key=len, reverse=True)
        self.place = 0

    def peek(self) -> str:
        found = TOKEN.match(self.markup, self.place)
        return found[1] if found else ""

    def take(self, expected: str = "") -> str:
        found = TOKEN.match(self.markup, self.place)
        if found is None or (expected and found[1] != expected):
            raise EquationError(f"{expected or 'more'} expected in {self.markup} at {self.markup[self.place :]!r}")
        self.place = found.end()
        return found[1]

    def group(self) -> str:
        """The text in braces, or the next token."""
        first = self.take()
        if first != "{":
            return first
        try:
            start, end = self.place, closing_brace(self.markup, self.place)
        except ValueError as error:
            raise EquationError(str(error)) from error
        self.place = end + 1
        return self.markup[start:end]

    def inner(self, text: str) -> Node:
        return parse(text, frozenset(self.functions), tuple(self.names))

    def cases(self) -> Node:
        """A sum; or one expression under a condition and another elsewhere."""
        first = self.sum()
        if self.peek() != r"\text":
            return first
        word = (self.take(), self.group().strip())[1]
        if word not in WHERE:
            raise EquationError(f"{word!r} is no condition")
        left, relation, right = self.sum(), self.take(), self.sum()
        other = (self.take(r"\text"), self.group().strip())[1]
        if relation not in (">", "=") or other != OTHERWISE:
            raise EquationError(f"{relation} {other!r} are no cases in {self.markup}")
        return Cases(relation, left, right, first, self.cases())

    def sum(self) -> Node:
        terms = [(self.sign(), self.product())]
        while self.peek() in ("+", "-"):
            terms.append((self.sign(), self.product()))
        return terms[0][1] if len(terms) == 1 and terms[0][0] > 0 else Add(tuple(terms))

    def sign(self) -> int:
        sign = 1
        while self.peek() in ("+", "-"):
            sign *= -1 if self.take() == "-" else 1
        return sign

    def product(self) -> Node:
        value = self.power()
        while True:
            word = self.peek()
            if word in PRODUCTS:
                self.take()
                value = Times(PRODUCTS[word], value, self.power())
            elif word == "/":
                self.take()
                value = Over(value, self.power())
            elif self.starts_factor(word):
                value = Times("", value, self.power())
            else:
                return value

    @staticmethod
    def starts_factor(word: str) -> bool:
        return word[:1].isalpha() or word[:1].isdigit() or word in CLOSING or (word[:1] == "\\" and _is_factor(word))

    def power(self) -> Node:
        """An atom with what stands after it: an index, a transposition, an exponent."""
        value = self.atom()
        while self.peek() in ("_", "^"):
            mark, text = self.take(), self.group()
            if mark == "_":
                value = Entry(value, marks(text))
            elif text == r"\top":
                value = Transpose(value)
            else:
                value = Power(value, self.inner(text))
        return value

    def atom(self) -> Node:
        named = self.named()
        if named is not None:
            return named
        word = self.take()
        if word in CLOSING:
            return self.until(CLOSING[word])
        if word in _ATOMS:
            return _ATOMS[word](self)
        if word in FUNCTIONS:
            return Function(word, self.power())
        if word[0].isdigit():
            return Number(word)
        if word == "e" and self.peek() == "^":
            self.take()
            return Function(r"\exp", self.inner(self.group()))
        if word[0].isalpha() or word[0] == "\\":
            return self.marked(word + ("{" + self.group() + "}" if word in FONTS else ""))
        raise EquationError(f"{word} is no number, symbol or function in {self.markup}")

    def named(self) -> Node | None:
        """A symbol taken as a whole."""
        rest = self.markup[self.place :].lstrip()
        for name in self.names:
            if rest.startswith(name) and not rest[len(name) :][:1].isalpha():
                self.place = len(self.markup) - len(rest) + len(name)
                return Name(name)
        return None

    def marked(self, base: str) -> Node:
        """A symbol with its marks; applied where it is a function before a parenthesis."""
        below, above, primes, turned = "", "", 0, False
        while self.peek() in ("_", "^", "'") and not turned:
            mark = self.take()
            if mark == "'":
                primes += 1
                continue
            text = self.group()
            turned = text == r"\top"
            below, above = (text, above) if mark == "_" else (below, above if turned else text)
        if base == "I" or (base == r"\mathbf{1}" and "=" in below):
            return Indicator(*_two(marks(below)))
        symbol = Symbol(base, marks(below), marks(above))
        if base in self.functions and self.peek() in ("(", r"\left"):
            return Apply(symbol, primes, self.atom())
        if primes:
            raise EquationError(f"{base}' is no function's derivative in {self.markup}")
        return Transpose(symbol) if turned else symbol

    def symbol(self, text: str) -> Symbol:
        found = self.inner(text)
        if not isinstance(found, Symbol):
            raise EquationError(f"{text} is no symbol")
        return found

    def until(self, closing: str, before: str = "") -> Node:
        value = self.cases()
        if before:
            self.take(before)
        self.take(closing)
        return value

    def left(self) -> Node:
        return self.until(CLOSING[self.take()], r"\right")

    def absolute(self) -> Node:
        return Function("|", self.until("|"))

    def fraction(self) -> Node:
        above, below = self.group(), self.group()
        by = re.fullmatch(r"(?:\\partial|d)\s+?(.+)", below.strip())
        of = re.fullmatch(r"(?:\\partial\b|d\b)\s*(.*)", above.strip())
        if by is None or of is None:
            return Over(self.inner(above), self.inner(below))
        return Derivative(self.inner(of[1]) if of[1] else self.product(), self.symbol(by[1]))

    def root(self) -> Node:
        return Function(r"\sqrt", self.inner(self.group()))

    def total(self) -> Node:
        if self.peek() != "_":
            return UnitSum(self.product())
        self.take("_")
        index, _, first = self.group().partition("=")
        self.take("^")
        last = self.symbol(self.group())
        sign = self.sign()
        body = self.product()
        (letter,) = marks(index)
        return SumOver(letter, int(first), last, body if sign > 0 else Add(((-1, body),)))

    def nabla(self) -> Node:
        if self.peek() != "_":
            return Nabla(self._next_symbol())
        self.take()
        by = self.symbol(self.group())
        if self.peek() == r"\mathcal":
            self.atom()
        return Nabla(by)

    def _next_symbol(self) -> Symbol:
        found = self.atom()
        if not isinstance(found, Symbol):
            raise EquationError(f"a symbol is expected after \\nabla in {self.markup}")
        return found

    def matrix(self) -> Node:
        self.group()
        rows: list[tuple[Node, ...]] = []
        row: list[Node] = []
        while True:
            row.append(self.entry())
            word = self.take()
            if word != "&":
                rows.append(tuple(row))
                row = []
            if word == r"\end":
                self.group()
                return Matrix(tuple(rows))
            if word not in ("&", r"\\"):
                raise EquationError(f"{word} in a matrix of {self.markup}")

    def entry(self) -> Node:
        if self.peek() in DOTS:
            self.take()
            return Dots()
        return self.sum()


_ATOMS = {
    r"\left": _Reader.left,
    "|": _Reader.absolute,
    r"\frac": _Reader.fraction,
    r"\sqrt": _Reader.root,
    r"\sum": _Reader.total,
    r"\nabla": _Reader.nabla,
    r"\begin": _Reader.matrix,
}


def _is_factor(word: str) -> bool:
    """Whether a command begins a factor."""
    return word not in NO_FACTOR - {r"\begin"} and word != r"\\"


def _two(found: tuple[str, ...]) -> tuple[str, str]:
    if len(found) != 2:
        raise EquationError(f"an indicator compares two indices, not {found}")
    return found[0], found[1]
