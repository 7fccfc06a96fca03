"""Markup as numbers: a formula evaluated for given values of its symbols, by recursive descent."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

TOKEN = re.compile(
    r"\s*(\\text\{[^}]*\}|(?:\\?[A-Za-z]+)_(?:\{[^{}]*(?:\{[^}]*\}[^{}]*)*\}|\w)|\\[A-Za-z]+|[A-Za-z]|\d+(?:\.\d+)?|\S)"
)
"""A text, a symbol with its index, a command, a letter, a number or a sign."""

FUNCTIONS: dict[str, Callable[[Any], Any]] = {r"\log": np.log, r"\tanh": np.tanh, r"\arctan": np.arctan}
PRODUCTS = (r"\cdot", r"\odot")
CLOSING = {"(": ")", "[": "]", "{": "}"}


def evaluate(markup: str, values: Mapping[str, Any]) -> Any:
    """The formula's value, entry by entry where its symbols are arrays.

    Raises:
        ValueError: the markup cannot be read, or a symbol has no value.
    """
    reader = _Formula(TOKEN.findall(markup), values)
    value = reader.cases()
    if reader.tokens:
        raise ValueError(f"left over in {markup}: {reader.tokens}")
    return value


class _Formula:
    def __init__(self, tokens: list[str], values: Mapping[str, Any]) -> None:
        self.tokens = tokens
        self.values = values

    def next(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def take(self, *expected: str) -> str:
        """Consume the next token, which must be one of ``expected`` where any are given."""
        if not self.tokens or (expected and self.tokens[0] not in expected):
            raise ValueError(f"{expected} expected before {self.tokens}")
        return self.tokens.pop(0)

    def cases(self) -> Any:
        """A sum, or one where a condition holds and another elsewhere."""
        first = self.sum()
        if self.next() != r"\text{ where }":
            return first
        self.take()
        left, _, right, _ = self.sum(), self.take(">"), self.sum(), self.take(r"\text{, else }")
        return np.where(left > right, first, self.sum())

    def sum(self) -> Any:
        sign = -1 if self.next() == "-" and self.take() else 1
        value = sign * self.product()
        while self.next() in ("+", "-"):
            value = value + (1 if self.take() == "+" else -1) * self.product()
        return value

    def product(self) -> Any:
        value = self.power()
        while self.next() in (*PRODUCTS, "/") or self.starts_factor():
            operator = self.take() if self.next() in (*PRODUCTS, "/") else r"\cdot"
            value = value / self.power() if operator == "/" else value * self.power()
        return value

    def starts_factor(self) -> bool:
        """Whether the next token begins a factor without a sign of the product before it."""
        token = self.next()
        commands = (r"\frac", r"\sqrt", r"\left", *FUNCTIONS)
        return token in self.values or token in commands or token in ("(", "[", "e")

    def power(self) -> Any:
        base = self.atom()
        if self.next() != "^":
            return base
        self.take()
        return base ** self.atom()

    def atom(self) -> Any:
        token = self.take()
        if token in self.values:
            return self.values[token]
        if token == "|":
            return np.abs(self.until("|"))
        if token in CLOSING:
            return self.until(CLOSING[token])
        if token == r"\left":
            value = self.until_right(CLOSING[self.take()])
        elif token == r"\frac":
            value = self.atom() / self.atom()
        elif token == r"\sqrt":
            value = np.sqrt(self.atom())
        elif token in FUNCTIONS:
            value = FUNCTIONS[token](self.power())
        elif token == "e":
            value = np.e
        elif token[0].isdigit():
            value = float(token)
        else:
            raise ValueError(f"{token} has no value")
        return value

    def until(self, closing: str) -> Any:
        value = self.sum()
        self.take(closing)
        return value

    def until_right(self, closing: str) -> Any:
        value = self.sum()
        self.take(r"\right")
        self.take(closing)
        return value
