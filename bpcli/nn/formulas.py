"""From markup to an expression: the grammar of the formulas that choices state (:mod:`bpcli.nn.markup`)."""

from __future__ import annotations

import re
from collections.abc import Callable

from bpcli.nn.expressions import (
    PHI,
    PI,
    Cases,
    Expression,
    FormulaError,
    Function,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Symbol,
    Total,
    TotalOfOthers,
)

TOKEN = re.compile(
    r"\s*(\\text\{[^}]*\}|<\w+>|(?:\\?[A-Za-z]+)_(?:\{[^{}]*(?:\{[^}]*\}[^{}]*)*\}|\w)|\\[A-Za-z]+|[A-Za-z]|\d+(?:\.\d+)?|\S)"
)
"""A text, a name, a symbol with its index, a command, a letter, a number or a sign."""

FUNCTIONS = (r"\log", r"\ln", r"\exp", r"\tanh", r"\arctan", r"\sin", r"\cos", PHI)
PRODUCTS = (r"\cdot", r"\odot")
SUMS: dict[str, Callable[[Expression], Expression]] = {r"\sum": Total, r"\sum_{j \neq i}": TotalOfOthers}
"""Sums over the units: all, or for each unit i all others."""

STARTING = (r"\frac", r"\sqrt", r"\left", *SUMS)
COMMANDS = (*STARTING, r"\right")
CLOSING = {"(": ")", "[": "]", "{": "}"}
WHERE, OTHERWISE = r"\text{ where }", r"\text{, else }"


def parse(markup: str) -> Expression:
    """The expression that the markup states.

    Raises:
        FormulaError: the markup is no formula.
    """
    reader = _Reader(TOKEN.findall(markup))
    expression = reader.cases()
    if reader.words:
        raise FormulaError(f"left over in {markup}: {reader.words}")
    return expression


class _Reader:
    """Recursive descent over words."""

    def __init__(self, words: list[str]) -> None:
        self.words = words

    def next(self) -> str:
        return self.words[0] if self.words else ""

    def take(self, *expected: str) -> str:
        """Consume the next word, which must be one of ``expected`` where any are given."""
        if not self.words or (expected and self.words[0] not in expected):
            raise FormulaError(f"{expected} expected before {self.words}")
        return self.words.pop(0)

    def cases(self) -> Expression:
        """A sum, or one where a condition holds and another elsewhere."""
        first = self.sum()
        if self.next() != WHERE:
            return first
        self.take()
        left, _, right, _ = self.sum(), self.take(">"), self.sum(), self.take(OTHERWISE)
        return Cases(left, right, first, self.cases())

    def sum(self) -> Expression:
        sign = -1 if self.next() == "-" and self.take() else 1
        terms = [(sign, self.product())]
        while self.next() in ("+", "-"):
            terms.append((1 if self.take() == "+" else -1, self.product()))
        return terms[0][1] if len(terms) == 1 and sign > 0 else Sum(tuple(terms))

    def product(self) -> Expression:
        value = self.power()
        while self.next() in (*PRODUCTS, "/") or self.starts_factor():
            operator = self.take() if self.next() in (*PRODUCTS, "/") else PRODUCTS[0]
            value = Quotient(value, self.power()) if operator == "/" else Product(value, self.power())
        return value

    def starts_factor(self) -> bool:
        """Whether the next word begins a factor without a sign of the product before it."""
        word = self.next()
        return word in (*FUNCTIONS, *STARTING, "(", "[", "e") or self.is_symbol(word)

    @staticmethod
    def is_symbol(word: str) -> bool:
        """Whether a word is a letter or a name, with or without indices."""
        command = word in (*FUNCTIONS, *PRODUCTS, *COMMANDS) or word.startswith(r"\text{")
        return (word[:1].isalpha() and word != "e") or (word[:1] in ("\\", "<") and not command)

    def power(self) -> Expression:
        if self.next() in SUMS:
            return SUMS[self.take()](self.product())
        if self.next() == "e":
            self.take("e")
            self.take("^")
            return Function(r"\exp", self.atom())
        base = self.atom()
        if self.next() != "^":
            return base
        self.take()
        return Power(base, self.atom())

    def atom(self) -> Expression:
        word = self.take()
        if word == "|":
            return Function("|", self.until("|"))
        if word in CLOSING:
            return self.until(CLOSING[word])
        if word == r"\left":
            return self.until(CLOSING[self.take(*CLOSING)], r"\right")
        if word == r"\frac":
            return Quotient(self.atom(), self.atom())
        if word == r"\sqrt":
            return Function(word, self.atom())
        if word in FUNCTIONS:
            return Function(word, self.power())
        if word[0].isdigit() or word == PI:
            return Number(word)
        if self.is_symbol(word):
            return Symbol(word.strip("<>"))
        raise FormulaError(f"{word} is no number, symbol or function")

    def until(self, closing: str, before: str = "") -> Expression:
        value = self.cases()
        if before:
            self.take(before)
        self.take(closing)
        return value
