r"""The arithmetic of certified numbers: decimals of any precision, on arrays.

Python's decimal numbers are rounded correctly, and their exponents reach to ±10^18,
so e^-1000 is not 0, nor is e^-10^17. A float has an exact decimal.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.expressions import LOG1P, PI, FormulaError, Value


@contextmanager
def precision(digits: int) -> Iterator[decimal.Context]:
    """Compute with so many decimal digits; what has no value is NaN or infinite instead of an error.

    The context's flags tell whether a number left the range of exponents, about ±10^18.
    """
    context = decimal.Context(
        prec=digits, rounding=decimal.ROUND_HALF_EVEN, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX, traps=[]
    )
    with decimal.localcontext(context) as entered:
        yield entered


def out_of_range(context: decimal.Context) -> bool:
    """Whether a number has become too large or too small for decimals."""
    return bool(context.flags[decimal.Overflow] or context.flags[decimal.Underflow])


def exact(array: Array) -> Array:
    """The numbers of a real array as decimals, without rounding."""
    return np.asarray(_EXACT(array.astype(np.float64)), object)


def rounded(array: Array) -> Array:
    """Decimals as float64, correctly rounded; beyond its range ±∞."""
    return np.asarray(array, np.float64)


def _arctan(x: Decimal) -> Decimal:
    """By arctan x = 2 arctan(x / (1 + √(1 + x²))) until x is small, then by its series."""
    halvings = 0
    while abs(x) > Decimal("0.05"):
        x, halvings = x / (1 + (1 + x * x).sqrt()), halvings + 1
    total, power, odd = x, x, 1
    while power and abs(power) > abs(total).scaleb(-decimal.getcontext().prec - 2):
        power, odd = -power * x * x, odd + 2
        total += power / odd
    return Decimal(total * 2**halvings)


def _pi() -> Decimal:
    """Machin 1706: π = 16 arctan(1/5) − 4 arctan(1/239)."""
    return 16 * _arctan(Decimal(1) / 5) - 4 * _arctan(Decimal(1) / 239)


def _sine(x: Decimal) -> Decimal:
    """By its series, x reduced to −π … π."""
    if not x.is_finite():
        return Decimal("NaN")
    x -= 2 * _pi() * (x / (2 * _pi())).to_integral_value()
    total, power, odd = x, x, 1
    while power and abs(power) > Decimal(10) ** (-decimal.getcontext().prec - 2):
        power, odd = -power * x * x / ((odd + 1) * (odd + 2)), odd + 2
        total += power
    return Decimal(total)


def _tanh(x: Decimal) -> Decimal:
    """1 − 2/(e^2x + 1)."""
    return 1 - 2 / ((2 * x).exp() + 1)


def _log1p(x: Decimal) -> Decimal:
    """log(1 + x), by the beginning of its series where x is so small that 1 + x would round."""
    if abs(x) > Decimal(10) ** (-decimal.getcontext().prec // 3):
        return (1 + x).ln()
    return x - x * x / 2 + x * x * x / 3


_EXACT = np.frompyfunc(Decimal, 1, 1)


class Decimals:
    """The arithmetic of decimals, for :mod:`bpcli.nn.expressions`, in the precision of the context."""

    FUNCTIONS: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        r"\log": np.frompyfunc(Decimal.ln, 1, 1),
        r"\ln": np.frompyfunc(Decimal.ln, 1, 1),
        LOG1P: np.frompyfunc(_log1p, 1, 1),
        r"\exp": np.frompyfunc(Decimal.exp, 1, 1),
        r"\sqrt": np.frompyfunc(Decimal.sqrt, 1, 1),
        r"\tanh": np.frompyfunc(_tanh, 1, 1),
        r"\arctan": np.frompyfunc(_arctan, 1, 1),
        r"\sin": np.frompyfunc(_sine, 1, 1),
        r"\cos": np.frompyfunc(lambda x: _sine(x + _pi() / 2), 1, 1),
        "|": np.frompyfunc(abs, 1, 1),
    }

    def number(self, text: str) -> Value:
        """A decimal."""
        return _pi() if text == PI else Decimal(text)

    def apply(self, function: str, x: Value) -> Value:
        """Entry by entry."""
        if function not in self.FUNCTIONS:
            raise FormulaError(f"{function} is not computed in decimals")
        return self.FUNCTIONS[function](_EXACT(x))
