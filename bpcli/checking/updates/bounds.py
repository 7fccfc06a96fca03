r"""Expressions in decimals, each value with a bound of how far a computation in floats may lie from it.

The bound follows the value through the expression (running error analysis, Wilkinson
1963): every operation hands on the errors of its operands and adds its own, some
roundings of the size of its terms. So it holds for the order of operations that a
formula states and, by the number of roundings allowed, for equivalent ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import singledispatch
from typing import Any

import numpy as np

from bpcli.checking.decimals import Decimals, exact
from bpcli.nn import Array
from bpcli.nn.expressions import (
    DERIVATIVES,
    SLOPES_BY_OTHERS,
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
    Value,
    symbol_names,
)

ROOT = r"\sqrt"

ROUNDINGS = 2
"""Roundings allowed per stated operation: its own, and that of a number converted to the arrays' precision."""

LIBRARY = 4
"""As many times more for a function such as log, which libraries compute to some last bits; a root is rounded right."""


@dataclass(frozen=True)
class Bounded:
    """Decimals, and for each the largest error of a computation in floats."""

    value: Value
    error: Value = 0.0

    @property
    def size(self) -> Value:
        """|value| as floats."""
        return np.asarray(np.abs(self.value), np.float64)

    @property
    def single(self) -> bool:
        """Whether it is a number rather than an array."""
        return np.ndim(self.value) == 0


@dataclass(frozen=True)
class Precision:
    """What one rounding does: relative to an array's entry, to a single number, and at least, where floats underflow.

    ``terms`` is how many roundings an array's sum takes where the gradient is a part of it. ``narrow`` is the
    float type in which powers of single numbers are computed, if it is not float64.
    """

    unit: float
    single: float
    tiny: float
    terms: int = ROUNDINGS
    narrow: Any = None

    def rounding(self, size: Value, *, single: bool) -> Value:
        """The error that an operation adds to a result or to terms of this size; none to an exact 0."""
        return np.where(size == 0, 0.0, ROUNDINGS * ((self.single if single else self.unit) * size + self.tiny))


def precision_of(dtype: Any, terms: int = ROUNDINGS, *, narrow_numbers: bool = False) -> Precision:
    """The precision of a float type; single numbers are float64's, unless ``narrow_numbers``."""
    limits = np.finfo(dtype)
    unit = float(limits.eps) / 2
    single = unit if narrow_numbers else float(np.finfo(np.float64).eps) / 2
    narrow = np.dtype(dtype).type if narrow_numbers else None
    return Precision(unit, single, float(limits.smallest_subnormal), terms, narrow)


def exactly(array: Array | float) -> Bounded:
    """Floats without an error."""
    return Bounded(exact(array) if isinstance(array, np.ndarray) else Decimal(array))


@singledispatch
def bounded(expression: Expression, values: Mapping[str, Bounded], precision: Precision) -> Bounded:  # noqa: ARG001
    """The expression's value and its bound.

    Raises:
        FormulaError: the expression has a part that is not computed here.
    """
    raise FormulaError(f"{type(expression).__name__} is not computed in decimals")


@bounded.register
def _(expression: Number, values: Mapping[str, Bounded], precision: Precision) -> Bounded:  # noqa: ARG001
    value = Decimals().number(expression.text)
    whole = value == value.to_integral_value()
    return Bounded(value, 0.0 if whole else precision.single * float(abs(value)))


@bounded.register
def _(expression: Symbol, values: Mapping[str, Bounded], precision: Precision) -> Bounded:  # noqa: ARG001
    return values[expression.name]


@bounded.register
def _(expression: Sum, values: Mapping[str, Bounded], precision: Precision) -> Bounded:
    terms = [(sign, bounded(term, values, precision)) for sign, term in expression.terms]
    total = sum((one.value if sign > 0 else -one.value for sign, one in terms), Decimal(0))
    if precision.narrow and all(one.single for _, one in terms):
        return Bounded(total, sum(one.error for _, one in terms) + precision.single * float(abs(total)))
    size, several = 0.0, 0
    for _, one in terms:
        several = several + (one.size > 0).astype(int)
        size = size + one.size
    single = all(one.single for _, one in terms)
    own = precision.rounding(size, single=single) * (1.0 if single else precision.terms / ROUNDINGS)
    own = own * np.maximum(np.asarray(several) - 1, 1)
    return Bounded(total, sum(one.error for _, one in terms) + np.where(np.asarray(several) > 1, own, 0.0))


@bounded.register
def _(expression: Product, values: Mapping[str, Bounded], precision: Precision) -> Bounded:
    x, y = (bounded(one, values, precision) for one in (expression.left, expression.right))
    value = x.value * y.value
    handed_on = x.size * y.error + y.size * x.error + x.error * y.error
    found = Bounded(value)
    return Bounded(value, handed_on + precision.rounding(found.size, single=found.single))


@bounded.register
def _(expression: Quotient, values: Mapping[str, Bounded], precision: Precision) -> Bounded:
    x, y = (bounded(one, values, precision) for one in (expression.numerator, expression.denominator))
    found = Bounded(x.value / y.value)
    least = y.size - y.error
    with np.errstate(all="ignore"):
        handed_on = np.where(least > 0, (x.error + found.size * y.error) / np.where(least > 0, least, 1), np.inf)
    handed_on = np.where((x.size == 0) & (x.error == 0), 0.0, handed_on)
    return Bounded(found.value, handed_on + precision.rounding(found.size, single=found.single))


@bounded.register
def _(expression: Power, values: Mapping[str, Bounded], precision: Precision) -> Bounded:
    x, p = (bounded(one, values, precision) for one in (expression.base, expression.exponent))
    if precision.narrow and x.single and p.single:
        return _narrow_power(x.value, p.value, precision)
    found = Bounded(x.value**p.value)
    with np.errstate(all="ignore"):
        slope = np.abs(p.size * (x.size + x.error) ** (np.asarray(p.value, np.float64) - 1))
    handed_on = np.where(np.asarray(x.error) > 0, slope * x.error, 0.0)
    return Bounded(found.value, handed_on + precision.rounding(found.size, single=found.single))


def _narrow_power(x: Decimal, p: Decimal, precision: Precision) -> Bounded:
    """A power of single numbers in a narrow float type: the base is rounded first, which 1 − xᵖ makes much of."""
    value = Decimal(float(precision.narrow(float(x)))) ** p
    return Bounded(value, 0.0 if p == 1 else precision.single * float(abs(value)))


@bounded.register
def _(expression: Function, values: Mapping[str, Bounded], precision: Precision) -> Bounded:
    x = bounded(expression.argument, values, precision)
    found = Bounded(Decimals().apply(expression.name, x.value))
    own = precision.rounding(found.size, single=found.single) * (1 if expression.name in (ROOT, "|") else LIBRARY)
    with np.errstate(all="ignore"):
        if expression.name == ROOT:  # √x − √(x − e) ≤ e/√x, and ≤ √e
            handed_on = np.minimum(x.error / np.where(found.size > 0, found.size, 1e-300), np.sqrt(x.error))
        elif expression.name in SLOPES_BY_OTHERS:
            handed_on = np.asarray(x.error)  # their slope is at most 1
        else:
            slope = np.asarray(DERIVATIVES[expression.name](x.value, found.value), np.float64)
            handed_on = 2 * np.abs(slope) * x.error
    return Bounded(found.value, handed_on + own)


@bounded.register
def _(expression: Total, values: Mapping[str, Bounded], precision: Precision) -> Bounded:
    x = bounded(expression.term, values, precision)
    value, n = np.sum(x.value, axis=0, keepdims=True), len(x.value)
    size = np.sum(x.size, axis=0, keepdims=True)
    own = np.sqrt(n) * precision.rounding(size, single=False)  # sums are taken in parts, in any order
    return Bounded(value, np.sum(np.broadcast_to(x.error, x.size.shape), axis=0, keepdims=True) + own)


@bounded.register
def _(expression: Cases, values: Mapping[str, Bounded], precision: Precision) -> Bounded:
    left, right = (bounded(one, values, precision) for one in (expression.left, expression.right))
    if left.single != right.single:
        left, right = _as_entry(left, precision), _as_entry(right, precision)
    distance = np.asarray(left.value - right.value, np.float64)
    error = np.asarray(left.error + right.error)
    either = (np.abs(distance) <= error) & (error > 0)  # rounding may choose the other case
    names = (symbol_names(expression.there) | symbol_names(expression.elsewhere)) & set(values)
    shape = np.broadcast_shapes(np.shape(distance), np.shape(either), *(np.shape(values[name].value) for name in names))
    holds, either = np.broadcast_to(distance > 0, shape), np.broadcast_to(either, shape)
    there = _where(holds | either, expression.there, values, precision)
    elsewhere = _where(~holds | either, expression.elsewhere, values, precision)
    value: Any = np.where(holds, there.value, elsewhere.value)
    apart = np.where(either, np.abs(np.asarray(there.value - elsewhere.value, np.float64)), 0.0)
    return Bounded(value[()], np.where(holds, there.error, elsewhere.error) + apart)


def _where(places: Array, case: Expression, values: Mapping[str, Bounded], precision: Precision) -> Bounded:
    """A case where it may hold, 0 elsewhere, because it may have no value there."""
    value, error = np.full(places.shape, Decimal(0)), np.zeros(places.shape)
    if places.any():
        own = {name: values[name] for name in symbol_names(case) if name in values}
        found = bounded(case, {name: _at(places, one) for name, one in own.items()}, precision)
        found = _as_entry(found, precision) if places.ndim else found
        value[places], error[places] = found.value, found.error
    return Bounded(value, error)


def _as_entry(one: Bounded, precision: Precision) -> Bounded:
    """A number among the entries of an array: converted to the array's precision, unless that is its own."""
    if not one.single or precision.unit == precision.single:
        return one
    return Bounded(one.value, one.error + precision.unit * one.size)


def _at(places: Array, one: Bounded) -> Bounded:
    """Some entries of an array with their errors; a number as it is."""
    if one.single:
        return one
    return Bounded(np.broadcast_to(one.value, places.shape)[places], np.broadcast_to(one.error, places.shape)[places])
