r"""Expressions written as markup, and made shorter first: what a derivative looks like before a reader's eyes.

:func:`~bpcli.checking.updates.derivatives.derivative` leaves what its rules leave: ``2 \cdot w^{2 - 1}``. Here numbers
are worked out and factors of 1 dropped; nothing else is rearranged, so the terms stay those of the chain rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import ClassVar

from bpcli.checking.rewriting import changed
from bpcli.nn.expressions import (
    PI,
    Cases,
    Expression,
    Function,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Symbol,
    Total,
    symbol_names,
)
from bpcli.nn.formulas import parse
from bpcli.nn.markup import scientific

Symbols = Mapping[str, str]
"""The markup of each symbol by its name."""

SUM, PRODUCT, POWER, ATOM = range(4)
"""How tightly the outermost operation of an expression binds."""

ZERO, ONE = Number("0"), Number("1")

SMALL = 1000
"""The denominators below which a number may stand as a quotient."""


def shortened(expression: Expression) -> Expression:
    """The expression with its numbers worked out, and without factors of 1 and terms of 0."""
    return changed(expression, _shorter)


def _shorter(node: Expression) -> Expression:
    match node:
        case Sum(terms):
            return _sum(terms)
        case Product() | Quotient():
            return _product(node)
        case Power(base, exponent):
            return _power(base, exponent)
        case Cases(left, right, there, elsewhere):
            return _cases(left, right, there, elsewhere)
    return node


def _sum(terms: tuple[tuple[int, Expression], ...]) -> Expression:
    flat: list[tuple[int, Expression]] = []
    for sign, term in terms:
        flat += [(sign * own, one) for own, one in term.terms] if isinstance(term, Sum) else [(sign, term)]
    rest = sum((sign * _value(term) for sign, term in flat if _is_number(term)), Fraction(0))
    others = [(sign, term) for sign, term in flat if not _is_number(term)]
    if rest:
        place = 0 if _is_number(flat[0][1]) else len(others)
        others.insert(place, (1 if rest > 0 else -1, _number(abs(rest))))
    if not others:
        return ZERO
    return others[0][1] if len(others) == 1 and others[0][0] > 0 else Sum(tuple(others))


def _product(node: Expression) -> Expression:
    """One quotient: the number first, then the factors in their order; a minus sign of one stands before all."""
    number, above, below = _taken_apart(node)
    if not number:
        return ZERO
    size = abs(number)
    found = _of_factors(([] if size == 1 and above else [_number(size)]) + above)
    if below:
        found = Quotient(found, _of_factors(_powers(below)))
    return found if number > 0 else Sum(((-1, found),))


def _taken_apart(node: Expression) -> tuple[Fraction, list[Expression], list[Expression]]:
    """A product's number, the factors above its line and those below."""
    if _is_number(node):
        return _value(node), [], []
    if isinstance(node, Sum) and len(node.terms) == 1:
        ((sign, only),) = node.terms
        number, above, below = _taken_apart(only)
        return sign * number, above, below
    if isinstance(node, Product):
        (x, above, below), (y, more, under) = _taken_apart(node.left), _taken_apart(node.right)
        return x * y, above + more, below + under
    if isinstance(node, Quotient):
        (x, above, below), (y, under, over) = _taken_apart(node.numerator), _taken_apart(node.denominator)
        return x / y, above + over, below + under
    return Fraction(1), [node], []


def _of_factors(factors: list[Expression]) -> Expression:
    found = factors[0]
    for factor in factors[1:]:
        found = Product(found, factor)
    return found


def _powers(factors: list[Expression]) -> list[Expression]:
    """Equal factors as one power."""
    return [
        factor if factors.count(factor) == 1 else Power(factor, Number(str(factors.count(factor))))
        for place, factor in enumerate(factors)
        if factor not in factors[:place]
    ]


def _power(base: Expression, exponent: Expression) -> Expression:
    if exponent == ONE:
        return base
    return ONE if exponent == ZERO else Power(base, exponent)


def _cases(left: Expression, right: Expression, there: Expression, elsewhere: Expression) -> Expression:
    if _is_number(left) and _is_number(right):
        return there if _value(left) > _value(right) else elsewhere
    return there if there == elsewhere else Cases(left, right, there, elsewhere)


def _is_number(node: Expression) -> bool:
    """Whether it is a number in digits, or a quotient of two."""
    if isinstance(node, Quotient):
        return _is_number(node.numerator) and _is_number(node.denominator)
    return isinstance(node, Number) and node.text != PI


def _value(node: Expression) -> Fraction:
    if isinstance(node, Quotient):
        return _value(node.numerator) / _value(node.denominator)
    assert isinstance(node, Number)
    return Fraction(node.text)


def _number(value: Fraction) -> Expression:
    """A number in digits; a quotient of two small ones where its digits do not end."""
    digits = repr(float(value)).removesuffix(".0")
    if value.denominator < SMALL and Fraction(digits) != value:
        return Quotient(Number(str(value.numerator)), Number(str(value.denominator)))
    return Number(digits)


def with_settings(formula: str, settings: Mapping[str, float]) -> Expression:
    """A formula's expression with numbers in the place of the settings' names."""
    numbers = {name: Number(repr(float(value)).removesuffix(".0")) for name, value in settings.items()}
    return changed(parse(formula), lambda node: numbers.get(node.name, node) if isinstance(node, Symbol) else node)


def markup(expression: Expression, symbols: Symbols, *, arrays: bool = False) -> str:
    r"""An expression in markup; between ``arrays`` the product is ``\odot``."""
    return _Writer(symbols, arrays=arrays).write(expression)


class _Writer:
    """Writes expressions, with parentheses where an operation binds less than the one around it."""

    def __init__(self, symbols: Symbols, *, arrays: bool) -> None:
        self.symbols, self.arrays = symbols, arrays

    def write(self, node: Expression) -> str:
        for kind, way in self.WAYS.items():
            if isinstance(node, kind):
                return way(self, node)
        raise AssertionError(f"{node} is not written")

    def within(self, node: Expression, least: int) -> str:
        text = self.write(node)
        return text if self.binding(node) >= least else rf"\left( {text} \right)"

    @staticmethod
    def binding(node: Expression) -> int:
        if isinstance(node, Sum | Cases):
            return SUM
        return PRODUCT if isinstance(node, Product | Total) else POWER if isinstance(node, Power) else ATOM

    def of_number(self, node: Number) -> str:
        return scientific(node.text)

    def of_symbol(self, node: Symbol) -> str:
        return self.symbols[node.name]

    def of_sum(self, node: Sum) -> str:
        first, *others = node.terms
        text = ("-" if first[0] < 0 else "") + self.within(first[1], PRODUCT)
        return text + "".join(f" {'-' if sign < 0 else '+'} {self.within(term, PRODUCT)}" for sign, term in others)

    def of_product(self, node: Product) -> str:
        left, right = self.within(node.left, PRODUCT), self.within(node.right, POWER)
        both = bool(symbol_names(node.left)) and bool(symbol_names(node.right))
        sign = r" \odot " if self.arrays and both else r" \cdot "
        return left + sign + right

    def of_quotient(self, node: Quotient) -> str:
        return rf"\frac{{{self.write(node.numerator)}}}{{{self.write(node.denominator)}}}"

    def of_power(self, node: Power) -> str:
        return rf"\left( {self.write(node.base)} \right)^{{{self.write(node.exponent)}}}"

    def of_function(self, node: Function) -> str:
        inside = self.write(node.argument)
        if node.name == "|":
            return f"|{inside}|"
        if node.name in (r"\exp", r"\sqrt"):
            return f"e^{{{inside}}}" if node.name == r"\exp" else rf"\sqrt{{{inside}}}"
        return rf"{node.name} \left( {inside} \right)"

    def of_total(self, node: Total) -> str:
        return rf"\sum {self.within(node.term, PRODUCT)}"

    def of_cases(self, node: Cases) -> str:
        alone = isinstance(node.there, Sum) and len(node.there.terms) == 1
        there = self.write(node.there) if alone else self.within(node.there, PRODUCT)
        elsewhere = self.write(node.elsewhere)
        return (
            rf"{there} \text{{ where }} {self.write(node.left)} > {self.write(node.right)} \text{{, else }} {elsewhere}"
        )

    WAYS: ClassVar[Mapping[type, Callable[..., str]]] = {
        Number: of_number,
        Symbol: of_symbol,
        Sum: of_sum,
        Product: of_product,
        Quotient: of_quotient,
        Power: of_power,
        Function: of_function,
        Total: of_total,
        Cases: of_cases,
    }
