"""float32 as text with the fewest digits that read back exactly, as ``str`` writes it, many numbers at a time.

A number from 10⁻⁴ to below 1, as probabilities mostly are, times a power of ten up to 10¹² is
exact in float64: 24 bits and 28. So rounding it there to 6, 7, 8 or 9 digits is correct, and the
fewest digits are those that first read back as it. Nine always do (Goldberg 1991, *What every
computer scientist should know about floating-point arithmetic*, theorem 15).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LEAST = np.nextafter(np.float32(1e-4), np.float32(1))
"""The first float32 from 10⁻⁴ on: smaller ones have an exponent."""

DIGITS = 9
"""So many tell any two float32 apart."""

FEWEST = 6
"""Fewer digits are these without the zeros at their end."""


def texts(values: Array) -> list[str]:
    """The texts of float32, (N,), each the same as ``str`` of it."""
    plain = (values >= LEAST) & (values < 1)
    mantissa = values.view(np.uint32) & np.uint32(0x7FFFFF)
    plain &= mantissa != 0  # a power of two is nearer to the number below it than to that above
    found = np.empty(len(values), object)
    found[plain] = _fractions(values[plain])
    found[~plain] = list(map(str, values[~plain]))
    return found.tolist()


def _fractions(values: Array) -> list[str]:
    """Numbers from 10⁻⁴ to below 1."""
    exact = values.astype(np.float64)
    zeros = (exact < 0.1).astype(np.intp) + (exact < 0.01) + (exact < 0.001)
    whole, open_ = np.zeros(len(values), np.uint32), np.ones(len(values), bool)
    for digits in range(FEWEST, DIGITS + 1):
        scale = np.power(10.0, digits + np.arange(4))[zeros]
        rounded = np.rint(exact * scale)
        fits = open_ & ((rounded / scale).astype(np.float32) == values)
        np.copyto(whole, (rounded * 10.0 ** (DIGITS - digits)).astype(np.uint32), where=fits)
        open_ &= ~fits
    carried = whole == 10**DIGITS  # 0.0099999998 is written 0.01
    whole[carried] //= 10
    return _written(whole, zeros - carried)


def _written(whole: Array, zeros: Array) -> list[str]:
    """``0.``, so many zeros, and the nine digits of whole numbers without the zeros at their end."""
    cells = np.zeros((len(whole), DIGITS + 5), np.uint32)
    kept = np.zeros(len(whole), bool)
    digits = np.empty((DIGITS, len(whole)), np.uint32)
    for place in reversed(range(DIGITS)):
        rest = whole // np.uint32(10)
        digit = whole - rest * np.uint32(10)
        kept |= digit > 0
        np.multiply(digit + np.uint32(ord("0")), kept, digits[place])
        whole = rest
    cells[:, 0], cells[:, 1] = ord("0"), ord(".")
    for count in range(4):
        chosen = np.flatnonzero(zeros == count)
        cells[chosen[:, None], np.arange(2, 2 + count)] = ord("0")
        cells[chosen[:, None], np.arange(2 + count, 2 + count + DIGITS)] = digits[:, chosen].T
    texts: list[str] = cells.view(f"U{DIGITS + 5}")[:, 0].tolist()
    return texts
