"""What activations and losses are made of: functions of arrays, entry by entry, for complex numbers too.

The complex step differentiates along the imaginary axis. A complex z lies where its real part does, so
|z| is −z or z, and max(z, 0) is z or 0.
"""

from __future__ import annotations

import numpy as np

from bpcli.nn import Array


def is_complex(Z: Array) -> bool:
    """Whether numbers are complex."""
    return bool(Z.dtype.kind == "c")


def positive(Z: Array, out: Array) -> None:
    """1 where z > 0, else 0: 0 lies left of a kink. A comparison would be converted in a buffer."""
    np.sign(Z, out)
    np.maximum(out, 0, out=out)


def beyond(Z: Array, threshold: float, out: Array) -> None:
    """1 where z > threshold, else 0."""
    np.subtract(Z, threshold, out)
    positive(out, out)


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
        np.maximum(Z, 0, out=out)


def below(Z: Array, out: Array) -> None:
    """min(z, 0)."""
    if is_complex(Z):
        np.multiply(Z, Z.real <= 0, out)
    else:
        np.minimum(Z, 0, out=out)


def clamp(Z: Array, low: float, high: float, out: Array) -> None:
    """max(low, min(z, high))."""
    if is_complex(Z):
        out[...] = np.where(Z.real > low, np.where(Z.real > high, high, Z), low)
    else:
        np.maximum(Z, low, out=out)
        np.minimum(out, high, out=out)


def within(Z: Array, low: float, high: float, out: Array, spare: Array) -> None:
    """1 where low < z ≤ high, else 0."""
    beyond(Z, low, out)
    beyond(Z, high, spare)
    np.subtract(out, spare, out)


def decay(Z: Array, out: Array) -> None:
    """e^-|z|, which never overflows."""
    absolute(Z, out)
    np.negative(out, out)
    np.exp(out, out)


def logistic(Z: Array, out: Array, spare: Array) -> None:
    """σ(z) = e^min(z, 0) / (1 + e^-|z|), accurate to the last bits of the smallest σ."""
    decay(Z, out)
    if is_complex(Z):
        spare[...] = np.where(Z.real > 0, 1, out)
    else:
        positive(Z, spare)
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
