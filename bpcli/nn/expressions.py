r"""Expressions: formulas that can be evaluated in any arithmetic, and differentiated.

:func:`~bpcli.nn.formulas.parse` makes them of markup. An :class:`Arithmetic` says what
numbers are and how functions are computed: NumPy's floats, or decimals of any
precision. :func:`pull_back` evaluates an expression and returns its vector–Jacobian
product too, by the chain rule over the expression alone. So a derivative that is computed
from a stated formula owes nothing to the code that trains, nor to the derivative that the
choice states.

Values are numbers or arrays, (n, m) where units are rows; ``\sum`` without bounds adds
over the units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np

from bpcli.nn.normal import normal_distribution

Value = Any
"""A number of an arithmetic, or an array of them."""

Slopes = dict[str, Value]
"""The adjoint of each symbol that an expression contains."""

PullBack = Callable[[Value], Slopes]
"""The adjoint of a value ↦ those of the symbols in its expression."""


class Arithmetic(Protocol):
    """What the numbers of formulas are; their operators are Python's."""

    def number(self, text: str) -> Value:
        """The number that the digits ``text`` stand for."""
        ...

    def apply(self, function: str, x: Value) -> Value:
        r"""A function of markup, such as ``\log``, entry by entry.

        Raises:
            FormulaError: the arithmetic does not have it.
        """
        ...


PI = r"\pi"
"""The number that markup writes as a letter."""

PHI = r"\Phi"
"""The standard normal distribution function."""


class FormulaError(ValueError):
    """Markup that is no formula, or a symbol or function without a value."""


class Floats:
    """NumPy's arithmetic, in the precision of the values."""

    FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
        r"\log": np.log,
        r"\ln": np.log,
        r"\log1p": np.log1p,
        r"\exp": np.exp,
        r"\sqrt": np.sqrt,
        r"\tanh": np.tanh,
        r"\arctan": np.arctan,
        r"\sin": np.sin,
        r"\cos": np.cos,
        "|": np.abs,
        PHI: normal_distribution,
    }

    def number(self, text: str) -> Value:
        """A float."""
        return np.pi if text == PI else float(text)

    def apply(self, function: str, x: Value) -> Value:
        """NumPy's function."""
        if function not in self.FUNCTIONS:
            raise FormulaError(f"{function} is not computed")
        return self.FUNCTIONS[function](x)


class Expression(Protocol):
    """A node of a formula."""

    def trace(self, values: Mapping[str, Value], arithmetic: Arithmetic) -> tuple[Value, PullBack]:
        """The value, and the function that takes its adjoint back to the symbols."""
        ...


def evaluate(expression: Expression, values: Mapping[str, Value], arithmetic: Arithmetic) -> Value:
    """The expression's value, entry by entry.

    Raises:
        FormulaError: a symbol has no value, or the arithmetic lacks a function.
    """
    return expression.trace(values, arithmetic)[0]


def pull_back(
    expression: Expression, values: Mapping[str, Value], arithmetic: Arithmetic
) -> tuple[Value, Callable[[Value], Slopes]]:
    """The value, and Jᵀ as a function: the adjoint of the value ↦ the adjoints of its symbols.

    Raises:
        FormulaError: as :func:`evaluate`; or while taking back, a function without a derivative here.
    """
    return expression.trace(values, arithmetic)


@dataclass(frozen=True)
class Number:
    """A number in digits."""

    text: str

    def trace(self, values: Mapping[str, Value], arithmetic: Arithmetic) -> tuple[Value, PullBack]:
        """It, with nothing to take back."""
        return arithmetic.number(self.text), lambda adjoint: {}


@dataclass(frozen=True)
class Symbol:
    """A letter with its indices, or a name between angle brackets, which it is without them."""

    name: str

    def trace(self, values: Mapping[str, Value], arithmetic: Arithmetic) -> tuple[Value, PullBack]:
        """Its value, which takes the adjoint as it is."""
        if self.name not in values:
            raise FormulaError(f"{self.name} has no value")
        value = values[self.name]
        return value, lambda adjoint: {self.name: _as_shape_of(value, adjoint)}


@dataclass(frozen=True)
class Sum:
    """Terms, each with the sign 1 or −1."""

    terms: tuple[tuple[int, Expression], ...]

    def trace(self, values: Mapping[str, Value], arithmetic: Arithmetic) -> tuple[Value, PullBack]:
        """Each term takes the adjoint, with its sign."""
        traced = [(sign, *term.trace(values, arithmetic)) for sign, term in self.terms]
        total = traced[0][1] if traced[0][0] > 0 else -traced[0][1]
        for sign, value, _ in traced[1:]:
            total = total + value if sign > 0 else total - value

        def back(adjoint: Value) -> Slopes:
            return _merged(one(_as_shape_of(value, adjoint if sign > 0 else -adjoint)) for sign, value, one in traced)

        return total, back


@dataclass(frozen=True)
class Product:
    """Two factors; a factor that is exactly 0 makes the product 0, whatever the other is."""

    left: Expression
    right: Expression

    def trace(self, values: Mapping[str, Value], arithmetic: Arithmetic) -> tuple[Value, PullBack]:
        """The product rule."""
        (x, left), (y, right) = self.left.trace(values, arithmetic), self.right.trace(values, arithmetic)

        def back(adjoint: Value) -> Slopes:
            return _merged(
                one(_as_shape_of(value, _times(adjoint, other))) for value, other, one in ((x, y, left), (y, x, right))
            )

        return _times(x, y), back


@dataclass(frozen=True)
class Quotient:
    """Two numbers divided."""

    numerator: Expression
    denominator: Expression

    def trace(self, values: Mapping[str, Value], arithmetic: Arithmetic) -> tuple[Value, PullBack]:
        """(x/y)′ = x′/y − (x/y) y′/y."""
        (x, above), (y, below) = self.numerator.trace(values, arithmetic), self.denominator.trace(values, arithmetic)
        quotient = x / y

        def back(adjoint: Value) -> Slopes:
            share = adjoint / y
            return _merged((above(_as_shape_of(x, share)), below(_as_shape_of(y, -_times(share, quotient)))))

        return quotient, back


@dataclass(frozen=True)
class Power:
    """A base to an exponent."""

    base: Expression
    exponent: Expression

    def trace(self, values: Mapping[str, Value], arithmetic: Arithmetic) -> tuple[Value, PullBack]:
        """(xᵖ)′ = p xᵖ⁻¹ x′ + xᵖ log x p′."""
        (x, base), (p, exponent) = self.base.trace(values, arithmetic), self.exponent.trace(values, arithmetic)
        value = _to_power(x, p)

        def back(adjoint: Value) -> Slopes:
            of_base = base(_as_shape_of(x, _times(adjoint, p * _to_power(x, p - 1))))
            if isinstance(self.exponent, Number):
                return of_base
            with np.errstate(
                all="ignore"
            ):  # a constant exponent may have a negative base, and nobody asks for its slope
                of_exponent = _times(adjoint, _times(value, arithmetic.apply(r"\ln", x)))
            return _merged((of_base, exponent(_as_shape_of(p, of_exponent))))

        return value, back


def _to_power(x: Value, p: Value) -> Value:
    """xᵖ, and 1 where p is the number 0, whatever x is."""
    return 0 * x + 1 if np.ndim(p) == 0 and p == 0 else x**p


@dataclass(frozen=True)
class Function:
    r"""A function of markup: ``\log``, ``\sqrt``, ``\exp`` for e to a power, ``|`` for the absolute value."""

    name: str
    argument: Expression

    def trace(self, values: Mapping[str, Value], arithmetic: Arithmetic) -> tuple[Value, PullBack]:
        """f(u)′ = f′(u) u′."""
        u, argument = self.argument.trace(values, arithmetic)
        value = arithmetic.apply(self.name, u)

        def back(adjoint: Value) -> Slopes:
            if self.name in SLOPES_BY_OTHERS:
                return argument(_times(adjoint, SLOPES_BY_OTHERS[self.name](arithmetic, u)))
            if self.name not in DERIVATIVES:
                raise FormulaError(f"{self.name} has no derivative here")
            return argument(_times(adjoint, DERIVATIVES[self.name](u, value)))

        return value, back


SLOPES_BY_OTHERS: dict[str, Callable[[Arithmetic, Value], Value]] = {
    r"\sin": lambda arithmetic, u: arithmetic.apply(r"\cos", u),
    r"\cos": lambda arithmetic, u: -arithmetic.apply(r"\sin", u),
    PHI: lambda arithmetic, u: (
        arithmetic.apply(r"\exp", -u * u / 2) / arithmetic.apply(r"\sqrt", 2 * arithmetic.number(PI))
    ),
}
"""f′ of functions whose derivative is made of other functions, by u; none of them is above 1."""

DERIVATIVES: dict[str, Callable[[Value, Value], Value]] = {
    r"\log": lambda u, f: 1 / u,
    r"\ln": lambda u, f: 1 / u,
    r"\exp": lambda u, f: f,
    r"\sqrt": lambda u, f: 1 / (2 * f),
    r"\tanh": lambda u, f: 1 - f * f,
    r"\arctan": lambda u, f: 1 / (1 + u * u),
    "|": lambda u, f: np.where(u > 0, 1, -1),
}
"""f′ from u and f(u); that of the absolute value at 0 is the left one."""


@dataclass(frozen=True)
class Total:
    """Σ over the units, the rows of an array."""

    term: Expression

    def trace(self, values: Mapping[str, Value], arithmetic: Arithmetic) -> tuple[Value, PullBack]:
        """Every unit takes the whole adjoint."""
        value, term = self.term.trace(values, arithmetic)
        return np.sum(value, axis=0, keepdims=True), lambda adjoint: term(adjoint + 0 * value)


@dataclass(frozen=True)
class TotalOfOthers:
    """For each unit, Σ over all units but it; so nothing cancels."""

    term: Expression

    def trace(self, values: Mapping[str, Value], arithmetic: Arithmetic) -> tuple[Value, PullBack]:
        """Every unit takes the adjoints of all others."""
        value, term = self.term.trace(values, arithmetic)
        return _of_others(value), lambda adjoint: term(_of_others(adjoint + 0 * value))


def _of_others(array: Value) -> Value:
    """Each row replaced by the sum of all other rows."""
    rows = range(len(array))
    return np.array([sum((array[j] for j in rows if j != i), 0 * array[i]) for i in rows])


@dataclass(frozen=True)
class LogarithmOfOnePlus:
    """log(1 + u), which has the digits of a small u."""

    argument: Expression

    def trace(self, values: Mapping[str, Value], arithmetic: Arithmetic) -> tuple[Value, PullBack]:
        """log(1 + u)′ = u′/(1 + u)."""
        u, argument = self.argument.trace(values, arithmetic)
        return arithmetic.apply(LOG1P, u), lambda adjoint: argument(adjoint / (1 + u))


LOG1P = r"\log1p"
"""What an arithmetic calls log(1 + u)."""


@dataclass(frozen=True)
class Cases:
    """One expression where ``left`` > ``right``, entry by entry, another elsewhere."""

    left: Expression
    right: Expression
    there: Expression
    elsewhere: Expression

    def trace(self, values: Mapping[str, Value], arithmetic: Arithmetic) -> tuple[Value, PullBack]:
        """Each case is computed where it holds and nowhere else, because it may have no value there."""
        left, right = (one.trace(values, arithmetic)[0] for one in (self.left, self.right))
        shapes = [
            np.shape(values[name]) for name in symbol_names(self.there) | symbol_names(self.elsewhere) if name in values
        ]
        outside = np.broadcast_shapes(np.shape(left > right), *shapes)
        holds = np.broadcast_to(np.asarray(left > right, bool), outside or (1,))
        cases = [(case, np.nonzero(where)) for case, where in ((self.there, holds), (self.elsewhere, ~holds))]
        some = [(case, places) for case, places in cases if len(places[0])] or cases
        traced = [(places, *case.trace(_at(places, holds.shape, values, case), arithmetic)) for case, places in some]
        value = np.empty(holds.shape, np.result_type(*(np.asarray(one) for _, one, _ in traced)))
        for places, one, _ in traced:
            value[places] = one

        def back(adjoint: Value) -> Slopes:
            adjoints = np.broadcast_to(adjoint, holds.shape)
            return _merged(
                {
                    name: _scattered(places, slope, values[name], holds.shape)
                    for name, slope in one(_as_shape_of(part, adjoints[places])).items()
                }
                for places, part, one in traced
            )

        return value.reshape(outside)[()], back


def parts(expression: Any) -> list[Expression]:
    """The expressions that an expression directly consists of."""
    if isinstance(expression, Sum):
        return [term for _, term in expression.terms]
    return [value for one in fields(expression) if not isinstance(value := getattr(expression, one.name), str)]


def symbol_names(expression: Expression) -> set[str]:
    """The names of the symbols in an expression."""
    if isinstance(expression, Symbol):
        return {expression.name}
    return set().union(*map(symbol_names, parts(expression)))


def _at(places: Any, shape: tuple[int, ...], values: Mapping[str, Value], case: Expression) -> dict[str, Value]:
    """The values of a case's symbols at some places of arrays of this shape; numbers as they are."""
    own = {name: values[name] for name in symbol_names(case) if name in values}
    return {name: np.broadcast_to(value, shape)[places] if np.ndim(value) else value for name, value in own.items()}


def _scattered(places: Any, slope: Value, value: Value, shape: tuple[int, ...]) -> Value:
    """Adjoints at some places as an array, 0 elsewhere, in the shape of the symbol's value; a number's as it is."""
    if np.ndim(value) == 0:
        return slope
    whole = np.zeros(shape, np.asarray(slope).dtype)
    whole[places] = slope
    return _as_shape_of(value, whole)


def _times(x: Value, y: Value) -> Value:
    """x·y, and 0 where either is exactly 0: 0 · log 0 is 0, as its limit."""
    zero = (np.asarray(x) == 0) | (np.asarray(y) == 0)
    with np.errstate(invalid="ignore"):
        product = x * y
    return np.where(zero, 0 * np.where(zero, 0, product), product)[()] if np.any(zero) else product


def _as_shape_of(value: Value, adjoint: Value) -> Value:
    """An adjoint added up over the axes along which its value was broadcast."""
    shape = np.shape(value)
    if np.shape(adjoint) == shape:
        return adjoint
    if len(shape) == 0:
        return np.sum(adjoint)
    whole = np.broadcast_to(adjoint, np.broadcast_shapes(np.shape(adjoint), shape))
    axes = tuple(axis for axis, length in enumerate(shape) if length == 1 < whole.shape[axis])
    return np.sum(whole, axis=axes, keepdims=True) if axes else whole


def _merged(each: Any) -> Slopes:
    """Adjoints of several paths, added up by symbol."""
    found: Slopes = {}
    for slopes in each:
        for name, slope in slopes.items():
            found[name] = found[name] + slope if name in found else slope
    return found
