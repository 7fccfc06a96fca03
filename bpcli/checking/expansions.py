"""Numbers like 1 − e^-20000: a sum of a few decimals whose sizes lie far apart.

A decimal of p digits rounds 1 − e^-20000 to 1, and what 1 − (1 − e^-20000) is cannot be
said afterwards. An expansion keeps both terms (the idea of Dekker 1971 and Shewchuk 1997, with
decimals for floats), so a saturated unit has the digits of a and of 1 − a, half of the decimal
context's at least. What is smaller than the fourth term is dropped.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterable
from decimal import Decimal

TERMS = 4
"""The most terms that are kept: products and quotients need the second, their differences the third."""


class Expansion:
    """Σ of ``terms``, none of which is 0, each far smaller than the one before."""

    __slots__ = ("terms",)

    def __init__(self, parts: Iterable[Decimal]) -> None:
        self.terms = _separated(parts)

    @property
    def lead(self) -> Decimal:
        """The largest term, which has the number's sign; 0 for 0."""
        return self.terms[0] if self.terms else Decimal(0)

    @property
    def _rest(self) -> Decimal:
        """What the other terms add, relative to the largest."""
        return sum(self.terms[1:], Decimal(0)) / self.lead

    def __add__(self, other: Expansion | Decimal | int) -> Expansion:
        return Expansion((*self.terms, *_terms(other)))

    __radd__ = __add__

    def __neg__(self) -> Expansion:
        return Expansion(-term for term in self.terms)

    def __sub__(self, other: Expansion | Decimal | int) -> Expansion:
        return self + -_expanded(other)

    def __rsub__(self, other: Expansion | Decimal | int) -> Expansion:
        return -self + other

    def __mul__(self, other: Expansion | Decimal | int) -> Expansion:
        return Expansion(one * two for one in self.terms for two in _terms(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Expansion | Decimal | int) -> Expansion:
        """Long division, a term at a time."""
        divisor, rest, quotient = _expanded(other), self, Expansion(())
        for _ in range(TERMS if divisor.terms else 0):
            if not rest.terms:
                break
            term = Expansion((rest.lead / divisor.lead,))
            quotient, rest = quotient + term, rest - divisor * term
        return quotient if divisor.terms else Expansion((self.lead / divisor.lead,))

    def __rtruediv__(self, other: Expansion | Decimal | int) -> Expansion:
        return _expanded(other) / self

    def __pow__(self, exponent: Decimal | int) -> Expansion:
        if exponent != int(exponent) or exponent < 0:
            return (self.ln() * exponent).exp()
        power = Expansion((Decimal(1),))
        for _ in range(int(exponent)):
            power = power * self
        return power

    def __abs__(self) -> Expansion:
        return -self if self.lead < 0 else self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Expansion | Decimal | int):
            return NotImplemented
        return not (self - other).terms

    def __lt__(self, other: Expansion | Decimal | int) -> bool:
        return (self - other).lead < 0

    def __gt__(self, other: Expansion | Decimal | int) -> bool:
        return (self - other).lead > 0

    __hash__ = None  # type: ignore[assignment]

    def __float__(self) -> float:
        return float(self.value())

    def value(self) -> Decimal:
        """The nearest decimal."""
        return sum(self.terms, Decimal(0))

    def exp(self) -> Expansion:
        """e^lead · (1 + δ + δ²/2), δ the other terms."""
        rest = sum(self.terms[1:], Decimal(0))
        return Expansion((Decimal(1), rest, rest * rest / 2)) * self.lead.exp()

    def ln(self) -> Expansion:
        """log lead + log(1 + r), r the other terms relative to it."""
        if not self.terms:
            return Expansion((self.lead.ln(),))
        r = self._rest
        return Expansion((self.lead.ln(), r, -r * r / 2))

    def sqrt(self) -> Expansion:
        """√lead · (1 + r/2 − r²/8)."""
        if not self.terms:
            return self
        r = self._rest
        return Expansion((Decimal(1), r / 2, -r * r / 8)) * self.lead.sqrt()


def _terms(number: Expansion | Decimal | int) -> tuple[Decimal, ...]:
    return number.terms if isinstance(number, Expansion) else (Decimal(number),)


def _expanded(number: Expansion | Decimal | int) -> Expansion:
    return number if isinstance(number, Expansion) else Expansion((Decimal(number),))


def _separated(parts: Iterable[Decimal]) -> tuple[Decimal, ...]:
    """Parts added up where they lie close together, the largest first; those that cancel are gone.

    Close is within half of the precision, so the smaller part keeps the other half of its digits.
    """
    close = decimal.getcontext().prec // 2
    pending = sorted((part for part in parts if part), key=_size)
    found: list[Decimal] = []
    while pending and len(found) < TERMS:
        largest = pending.pop()
        if not largest.is_finite():
            return (sum(pending, largest),)
        if pending and largest.adjusted() - pending[-1].adjusted() < close:
            total = largest + pending.pop()
            pending = sorted((*pending, total), key=_size) if total else pending
        else:
            found.append(largest)
    return tuple(found)


def _size(number: Decimal) -> Decimal:
    return number.copy_abs()
