"""e^x and tanh x of float32 as plain arithmetic, which the compiler can do on several entries at a time.

A C library's functions are called for one entry after another: for small networks these calls are most of a step.
Everything is computed in float64 and rounded once: e^x to within 0.5002 units in the last place of float32, and the
same on every system.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import types

from bpcli.training.compiled.intrinsics import greater, intrinsic_of, lesser
from bpcli.training.compiled.routines import compiled_in

LOG2_E, LN_2 = 1.4426950408889634, 0.6931471805599453
"""Their products with numbers of up to three digits have the 40 digits in binary that are needed."""

TO_WHOLE = 1.5 * 2.0**52
"""Added to a number, it leaves no room for a fraction: the number is rounded, and stands in the last bits."""

LEAST, LARGEST = -104.0, 89.0
"""Where e^x is nothing and infinite in float32."""

BIAS, FRACTION_BITS = 1023, 52
"""What a float64's exponent is stored with, and the bits behind it."""

SMALL = 0.0625
"""Up to which tanh x is its series, as 1 − 2 / (e^2x + 1) has too few digits there."""


@compiled_in(fastmath={"nsz", "contract"})
def exp_of_single(x):  # type: ignore[no-untyped-def]
    """e^x, x and the result in float32."""
    result = np.float32(_exp(np.float64(x)))
    return result if x == x else x


@compiled_in(fastmath={"nsz", "contract"})
def tanh_of_single(x):  # type: ignore[no-untyped-def]
    """Tanh x, x and the result in float32."""
    wide = np.float64(x)
    square = wide * wide
    series = wide * (1 - square * (1 / 3 - square * (2 / 15 - square * (17 / 315))))
    size = 1 - 2 / (_exp(2 * abs(wide)) + 1)
    far = size if wide > 0 else -size
    result = np.float32(series if abs(wide) < SMALL else far)
    return result if x == x else x


@compiled_in(fastmath={"nsz", "contract"})
def _exp(x):  # type: ignore[no-untyped-def]
    """e^x to some 37 digits in binary, for x from LEAST to LARGEST; beyond, e to the nearer of these.

    x = n ln 2 + r with a whole n and |r| ≤ ln 2 / 2: e^x = 2ⁿ e^r, and e^r is its series up to r⁹ / 9!.
    """
    within = lesser(greater(x, LEAST), LARGEST)
    shifted = within * LOG2_E + TO_WHOLE
    r = within - (shifted - TO_WHOLE) * LN_2
    tail = 1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (1 / 5040 + r * (1 / 40320 + r * (1 / 362880)))))
    series = 1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * tail)))
    return series * _of_bits((_bits(shifted) + BIAS) << FRACTION_BITS)


def _read_as(kind: Any) -> Any:
    """The function that reads the 64 bits of a number as one of another type."""

    def typed(_: Any, number: Any) -> Any:
        def write(context: Any, builder: Any, __: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], context.get_value_type(kind))

        return kind(number), write

    return intrinsic_of(typed, ["number"])


_bits, _of_bits = _read_as(types.int64), _read_as(types.float64)
