r"""The arithmetic of certified numbers: decimals of any precision, on arrays.

Python's decimal numbers are rounded correctly, and their exponents reach to ±10^18,
so e^-1000 is not 0, nor is e^-10^17. A float has an exact decimal.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from math import log10, sqrt
from typing import Any, ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.expressions import LOG1P, PHI, PI, FormulaError, Value

NEAR, SPARE_DIGITS = 6, 16
"""Up to which |x| Φ is computed by its series, of which ½ − Φ(−6) takes 9 digits."""


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


def _normal_distribution(x: Decimal) -> Decimal:
    """Φ(x): near 0 by its series, in so many more digits as ½ and it cancel; further out by Laplace's fraction."""
    if not x.is_finite():
        return Decimal("NaN")
    with decimal.localcontext() as context:
        context.prec += SPARE_DIGITS
        found = _normal_by_series(x) if abs(x) < NEAR else _normal_tail(abs(x))
        return +(1 - found if x >= NEAR else found)


def _normal_by_series(x: Decimal) -> Decimal:
    """½ + e^(−x²/2)/√(2π) · (x + x³/3 + x⁵/(3·5) + …)."""
    total, power, odd = x, x, 1
    while power and abs(power) > abs(total).scaleb(-decimal.getcontext().prec):
        odd += 2
        power = power * x * x / odd
        total += power
    return Decimal("0.5") + total * _normal_density(x)


def _normal_tail(x: Decimal) -> Decimal:
    """Φ(−x) = e^(−x²/2)/√(2π) / (x + 1/(x + 2/(x + 3/(x + …)))), from as far down as the digits need."""
    fraction = Decimal(0)
    for k in range(_levels(float(x)), 0, -1):
        fraction = k / (x + fraction)
    return _normal_density(x) / (x + fraction)


def _levels(x: float) -> int:
    """The k at which the fraction may end: level k divides the error by (r + x)/(r − x), r = √(x² + 4k)."""
    k, digits = 0, float(decimal.getcontext().prec)
    while digits > 0:
        k += 1
        root = sqrt(x * x + 4 * k)
        digits -= log10((root + x) / (root - x)) if root > x else digits
    return k


def _normal_density(x: Decimal) -> Decimal:
    """e^(−x²/2)/√(2π)."""
    return Decimal((-x * x / 2).exp() / (2 * _pi()).sqrt())


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
        PHI: np.frompyfunc(_normal_distribution, 1, 1),
    }

    def number(self, text: str) -> Value:
        """A decimal."""
        return _pi() if text == PI else Decimal(text)

    def apply(self, function: str, x: Value) -> Value:
        """Entry by entry."""
        if function not in self.FUNCTIONS:
            raise FormulaError(f"{function} is not computed in decimals")
        return self.FUNCTIONS[function](_EXACT(x))
