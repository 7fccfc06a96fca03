r"""The arithmetic of certified numbers: decimals of any precision, on arrays.

Python's decimal numbers are rounded correctly, and their exponents reach to ±10^18,
so e^-1000 is not 0, nor is e^-10^17. A float has an exact decimal. Where 1 − a would
lose its digits, decimals are replaced by :class:`~bpcli.checking.expansions.Expansion`, of which the
same formulas can be computed.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np

from bpcli.checking.expansions import Expansion
from bpcli.nn import Array
from bpcli.nn.expressions import FormulaError, Value


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


def expanded(array: Array, where: Array) -> Array:
    """Decimals, those at ``where`` as expansions."""
    copy = array.copy()
    copy[where] = _EXPANDED(array[where])
    return copy


def decimals(array: Array) -> Array:
    """Expansions as the nearest decimals; decimals as they are."""
    return np.asarray(_DECIMAL(array), object)


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


def _tanh(x: Decimal | Expansion) -> Any:
    """1 − 2/(e^2x + 1)."""
    return 1 - 2 / ((2 * x).exp() + 1)


def _decimal(x: Decimal | Expansion) -> Decimal:
    return x.value() if isinstance(x, Expansion) else x


_EXACT = np.frompyfunc(Decimal, 1, 1)
_DECIMAL = np.frompyfunc(_decimal, 1, 1)
_EXPANDED = np.frompyfunc(lambda x: Expansion((x,)), 1, 1)


class Decimals:
    """The arithmetic of decimals, for :mod:`bpcli.nn.expressions`, in the precision of the context."""

    FUNCTIONS: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        r"\log": np.frompyfunc(lambda x: x.ln(), 1, 1),
        r"\ln": np.frompyfunc(lambda x: x.ln(), 1, 1),
        r"\exp": np.frompyfunc(lambda x: x.exp(), 1, 1),
        r"\sqrt": np.frompyfunc(lambda x: x.sqrt(), 1, 1),
        r"\tanh": np.frompyfunc(_tanh, 1, 1),
        r"\arctan": np.frompyfunc(lambda x: _arctan(_decimal(x)), 1, 1),
        "|": np.frompyfunc(abs, 1, 1),
    }

    def number(self, text: str) -> Value:
        """A decimal."""
        return Decimal(text)

    def apply(self, function: str, x: Value) -> Value:
        """Entry by entry."""
        if function not in self.FUNCTIONS:
            raise FormulaError(f"{function} is not computed in decimals")
        return self.FUNCTIONS[function](x)
