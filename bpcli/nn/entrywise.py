"""What activations and losses are made of: functions of arrays, entry by entry, for complex numbers too.

The complex step differentiates along the imaginary axis. A complex z lies where its real part does, so
|z| is −z or z, and max(z, 0) is z or 0.

NumPy takes the larger of two arrays' entries three times as fast as of an array's and a number, so a number is first
written into ``out``, which is therefore apart from the other arrays. It finds signs slowly, so what follows
from a sign goes by truth values, ``flags``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.nn import Array


def is_complex(Z: Array) -> bool:
    """Whether numbers are complex."""
    return bool(Z.dtype.kind == "c")


def at_least(Z: Array, bound: Any, out: Array) -> None:
    """max(z, bound)."""
    out.fill(bound)
    np.maximum(Z, out, out=out)


def at_most(Z: Array, bound: Any, out: Array) -> None:
    """min(z, bound)."""
    out.fill(bound)
    np.minimum(Z, out, out=out)


def beyond(Z: Array, threshold: float, out: Array, flags: Array) -> None:
    """1 where z > threshold, else 0; ``out`` may be Z."""
    np.greater(Z, threshold, flags)
    out[...] = flags


def positive(Z: Array, out: Array, flags: Array) -> None:
    """1 where z > 0, else 0: 0 lies left of a kink; ``out`` may be Z."""
    beyond(Z, 0, out, flags)


def nonzero(Z: Array, out: Array, flags: Array) -> None:
    """1 where z is not 0, else 0."""
    flags[...] = Z
    out[...] = flags


def absolute(Z: Array, out: Array) -> None:
    """|z|."""
    if is_complex(Z):
        np.multiply(Z, np.where(Z.real > 0, 1, -1), out)
    else:
        np.absolute(Z, out)


def above(Z: Array, out: Array) -> None:
    """max(z, 0)."""
    if is_complex(Z):
        np.multiply(Z, Z.real > 0, out)
    else:
        at_least(Z, 0, out)


def below(Z: Array, out: Array) -> None:
    """min(z, 0)."""
    if is_complex(Z):
        np.multiply(Z, Z.real <= 0, out)
    else:
        at_most(Z, 0, out)


def clamp(Z: Array, low: float, high: float, out: Array, spare: Array) -> None:
    """max(low, min(z, high))."""
    if is_complex(Z):
        out[...] = np.where(Z.real > low, np.where(Z.real > high, high, Z), low)
    else:
        at_least(Z, low, spare)
        at_most(spare, high, out)


def within(Z: Array, low: float, high: float, out: Array, spare: Array, flags: Array) -> None:
    """1 where low < z ≤ high, else 0."""
    beyond(Z, low, out, flags)
    beyond(Z, high, spare, flags)
    np.subtract(out, spare, out)


def decay(Z: Array, out: Array) -> None:
    """e^-|z|, which never overflows."""
    absolute(Z, out)
    np.negative(out, out)
    np.exp(out, out)


def logistic(Z: Array, out: Array, spare: Array, flags: Array) -> None:
    """σ(z) = e^min(z, 0) / (1 + e^-|z|), accurate to the last bits of the smallest σ."""
    decay(Z, out)
    if is_complex(Z):
        spare[...] = np.where(Z.real > 0, 1, out)
    else:
        positive(Z, spare, flags)
        np.maximum(out, spare, out=spare)
    np.add(out, 1, out)
    np.divide(spare, out, out)


def log1p(U: Array, out: Array) -> None:
    """log(1 + u), by whose real and imaginary part NumPy's complex one loses the digits of a small u."""
    if is_complex(U):
        x, y = U.real, U.imag
        out[...] = 0.5 * np.log1p(x * (2 + x) + y * y) + 1j * np.arctan2(y, 1 + x)
    else:
        np.log1p(U, out)
