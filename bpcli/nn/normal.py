"""The standard normal distribution's tail, without SciPy, to the last digits of the smallest number.

Φ(−x) = e^(−x²/2) M(x), M being Mills' ratio by √(2π). (1 + x) M(x) varies little from 0 to ∞,
so one polynomial in t = (x − 5)/(x + 5), from −1 to 1, gives it: the approach of
Shepherd & Laframboise 1981, "Chebyshev approximation of (1 + 2x) exp(x²) erfc x in 0 ≤ x < ∞". The coefficients
are Chebyshev's, interpolated in 60 digits and written as powers of t. The error of M is below 2 last bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.entrywise import absolute, at_most

ROOT_OF_TWO_PI = float(np.sqrt(2 * np.pi))

CENTRE = 5.0
"""The x at which t is 0."""

POWERS = (
    0.46151582985003775,
    -0.09155228183400904,
    0.031030368425963708,
    0.010002352385229382,
    -0.026401042966308307,
    0.024536963243678652,
    -0.015170415402514863,
    0.006522000667783896,
    -0.00167607234455447,
    7.791597409338999e-06,
    0.00018233414511643843,
    -5.36075811148722e-05,
    -9.896097759279782e-06,
    9.05982468125664e-06,
    -7.034644683537101e-08,
    -1.3074486019237587e-06,
    1.27878221820937e-07,
    1.9627809920091187e-07,
    -2.6286205089898754e-08,
    -3.095201755804207e-08,
    3.627373163401201e-09,
    4.4011596227599254e-09,
    -2.8220772290629865e-10,
    -3.815816262632953e-10,
)
"""The coefficients of 1, t, t², …."""

FAR = 64.0
"""An x beyond which Φ(−x) is 0 in every precision."""

STEPS = 16.0
"""x is split at a multiple of 1/16, whose square has no rounding."""


def mills_and_exponential(Z: Array, mills: Array, exponential: Array, first: Array, second: Array) -> None:
    """Write M(|z|) into ``mills`` and e^(−z²/2) into ``exponential``; all arrays (n, m), the last two spare.

    With h the multiple of 1/16 next to x and δ = x − h, e^(−x²/2) = e^(−h²/2) e^(−δ(h + δ/2)). The rounding of
    x² would show in the exponential as x²/2 last bits. A complex z lies where its real part does.
    """
    absolute(Z, second)
    at_most(second, FAR, first)  # x
    np.subtract(first, CENTRE, exponential)
    np.add(first, CENTRE, second)
    np.divide(exponential, second, exponential)  # t
    np.multiply(exponential, POWERS[-1], mills)
    for power in POWERS[-2:0:-1]:
        np.add(mills, power, mills)
        np.multiply(mills, exponential, mills)
    np.add(mills, POWERS[0], mills)
    np.add(first, 1, second)
    np.divide(mills, second, mills)
    np.multiply(first, STEPS, exponential)
    np.rint(exponential, exponential)
    np.divide(exponential, STEPS, exponential)  # h
    np.subtract(first, exponential, first)  # δ
    np.multiply(first, 0.5, second)
    np.add(second, exponential, second)
    np.multiply(second, first, second)
    np.negative(second, second)
    np.exp(second, second)
    np.multiply(exponential, exponential, exponential)
    np.multiply(exponential, -0.5, exponential)
    np.exp(exponential, exponential)
    np.multiply(exponential, second, exponential)


def normal_distribution(x: Any) -> Any:
    """Φ(x), for real numbers or arrays of any shape."""
    Z = np.atleast_2d(np.asarray(x, np.float64))
    mills, exponential, first, second = (np.empty_like(Z) for _ in range(4))
    mills_and_exponential(Z, mills, exponential, first, second)
    tail = mills * exponential
    return np.where(Z > 0, 1 - tail, tail).reshape(np.shape(x))[()]
