"""The derivative of an expression by a symbol, as an expression: what a penalty adds to the gradient."""

from __future__ import annotations

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
)

ZERO, ONE = Number("0"), Number("1")


def derivative(expression: Expression, name: str) -> Expression:
    """The derivative by the symbol ``name``; 0 for what does not contain it.

    At a kink it is the left one, but that of an absolute value at 0 is 0, as penalties take it.

    Raises:
        FormulaError: an operation has no derivative here, such as a sum over all units.
    """
    match expression:
        case Number():
            return ZERO
        case Symbol(own):
            return ONE if own == name else ZERO
        case Sum(terms):
            return _sum([(sign, derivative(term, name)) for sign, term in terms])
        case Product(left, right):
            return _sum([(1, _product(derivative(left, name), right)), (1, _product(left, derivative(right, name)))])
        case Quotient(above, below):
            slope = _product(_quotient(expression, below), derivative(below, name))
            return _sum([(1, _quotient(derivative(above, name), below)), (-1, slope)])
        case Power(base, exponent):
            less = Power(base, _sum([(1, exponent), (-1, ONE)]))
            return _product(_product(exponent, less), derivative(base, name))
        case Function(called, argument) if called in SLOPES:
            return _product(SLOPES[called](argument), derivative(argument, name))
        case Cases(left, right, there, elsewhere):
            return Cases(left, right, derivative(there, name), derivative(elsewhere, name))
    raise FormulaError(f"{expression} has no derivative here")


SLOPES: dict[str, Callable[[Expression], Expression]] = {
    r"\log": lambda u: Quotient(ONE, u),
    r"\ln": lambda u: Quotient(ONE, u),
    r"\exp": lambda u: Function(r"\exp", u),
    r"\sqrt": lambda u: Quotient(ONE, Product(Number("2"), Function(r"\sqrt", u))),
    r"\arctan": lambda u: Quotient(ONE, Sum(((1, ONE), (1, Power(u, Number("2")))))),
    r"\sin": lambda u: Function(r"\cos", u),
    r"\cos": lambda u: Sum(((-1, Function(r"\sin", u)),)),
    r"\tanh": lambda u: Sum(((1, ONE), (-1, Power(Function(r"\tanh", u), Number("2"))))),
    PHI: lambda u: Quotient(
        Function(r"\exp", Sum(((-1, Quotient(Power(u, Number("2")), Number("2"))),))),
        Function(r"\sqrt", Product(Number("2"), Number(PI))),
    ),
    "|": lambda u: Cases(u, ZERO, ONE, Cases(ZERO, u, Sum(((-1, ONE),)), ZERO)),
}
"""f′(u) as an expression in u."""


def _sum(terms: list[tuple[int, Expression]]) -> Expression:
    """A sum without its zeros."""
    left = tuple((sign, term) for sign, term in terms if term != ZERO)
    if not left:
        return ZERO
    return left[0][1] if len(left) == 1 and left[0][0] == 1 else Sum(left)


def _product(left: Expression, right: Expression) -> Expression:
    """A product without a factor of 1."""
    if ZERO in (left, right):
        return ZERO
    return right if left == ONE else left if right == ONE else Product(left, right)


def _quotient(above: Expression, below: Expression) -> Expression:
    return ZERO if above == ZERO else Quotient(above, below)
