"""What each precision of an array allows: the error that needs no excuse, and how much rounding may excuse."""

from __future__ import annotations

import numpy as np

from bpcli.nn import Array
from bpcli.storage.tensors import precision_of

TOLERANCES = {"float64": 1e-9, "float32": 1e-4, "float16": 1e-2, "bfloat16": 2e-2}
"""The error allowed in each precision, relative to an array's largest entry."""

EXCUSED = {"float64": 1e-3, "float32": 1e-2, "float16": 2e-2, "bfloat16": 5e-2}
"""The most that rounding excuses in each precision, relative to the layer's largest derivative."""

BFLOAT16_EPS = 2.0**-7
"""The relative distance between neighbouring bfloat16 numbers, at most."""


def tolerance_of(array: Array) -> float:
    """The error allowed in an array of this precision, relative to the array's largest entry."""
    return TOLERANCES.get(precision_of(array), TOLERANCES["float64"])


def excused_of(array: Array) -> float:
    """The most that rounding excuses in an array of this precision, relative to the layer's largest derivative."""
    return EXCUSED.get(precision_of(array), EXCUSED["float64"])


def last_bit(array: Array) -> float:
    """The relative distance between neighbouring numbers of the array's precision, at most."""
    return BFLOAT16_EPS if precision_of(array) == "bfloat16" else float(np.finfo(array.dtype).eps)


def agrees(array: Array, right: Array) -> bool:
    """Whether two arrays have one shape and differ by no more than the tolerance."""
    if array.shape != right.shape:
        return False
    return bool((np.abs(array - right) <= tolerance_of(array) * np.abs(right).max()).all())
