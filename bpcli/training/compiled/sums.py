"""Sums of vectors and of the products of two, for compiled code; those over examples keep their last digits."""

from __future__ import annotations

import numpy as np

from bpcli.training.compiled.routines import compiled_in, routine

BLOCK = 512
"""How many examples' terms are added up in their own precision.

These sums are added in float64, so the error of float32 does not grow with the number of examples.
"""

FAST = {"reassoc", "nsz", "contract"}
"""Allows the compiler to reorder a sum, so that vector instructions compute it.

Only for sums: a formula may depend on its order for its last digits.
"""


@compiled_in(fastmath=FAST)
def inner(left, right, zero):  # type: ignore[no-untyped-def]
    """⟨left, right⟩ of two vectors, summed in the precision of ``zero``."""
    result = zero
    for i in range(left.shape[0]):
        result += left[i] * right[i]
    return result


@compiled_in(fastmath=FAST)
def total(vector):  # type: ignore[no-untyped-def]
    """The sum of a vector, in float64."""
    result = 0.0
    for i in range(vector.shape[0]):
        result += vector[i]
    return result


@routine()
def long_inner(left, right, zero):  # type: ignore[no-untyped-def]
    """⟨left, right⟩ in float64, each block of it in the precision of ``zero``."""
    result = lost = 0.0
    for start in range(0, left.shape[0], BLOCK):
        some = slice(start, start + BLOCK)
        result, lost = _added(result, lost, np.float64(inner(left[some], right[some], zero)))
    return result + lost if np.isfinite(result) else result


@routine()
def product_of_vector(left, vector, out):  # type: ignore[no-untyped-def]
    """out_i ← ⟨left_i, vector⟩, a sum over the examples."""
    zero = out.dtype.type(0)
    for i in range(out.shape[0]):
        if vector.shape[0] <= BLOCK:
            out[i] = inner(left[i], vector, zero)
        else:
            out[i] = long_inner(left[i], vector, zero)


@routine()
def accumulate_of_vector(factor, left, vector, out):  # type: ignore[no-untyped-def]
    """out_i ← out_i + factor · ⟨left_i, vector⟩, a sum over the examples."""
    zero = out.dtype.type(0)
    for i in range(out.shape[0]):
        if vector.shape[0] <= BLOCK:
            out[i] += factor * inner(left[i], vector, zero)
        else:
            out[i] += factor * out.dtype.type(long_inner(left[i], vector, zero))


@compiled_in()
def total_of_examples(vector):  # type: ignore[no-untyped-def]
    """The sum of a vector, in float64."""
    return total(vector) if vector.shape[0] <= BLOCK else _long_total(vector)


@routine()
def _long_total(vector):  # type: ignore[no-untyped-def]
    """The sum of a vector, each block of it by itself."""
    result = lost = 0.0
    for start in range(0, vector.shape[0], BLOCK):
        result, lost = _added(result, lost, total(vector[start : start + BLOCK]))
    return result + lost if np.isfinite(result) else result


@compiled_in()
def _added(result, lost, part):  # type: ignore[no-untyped-def]
    """``result`` + ``part``, and ``lost`` with what the rounding of this sum left out (Knuth 1969, *TwoSum*)."""
    grown = result + part
    added = grown - result
    return grown, lost + ((result - (grown - added)) + (part - added))
