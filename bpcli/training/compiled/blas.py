"""Products by SciPy's BLAS, for processors whose vectors are short."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from bpcli.training.compiled.product_parts import multiply
from bpcli.training.compiled.routines import routine

_gemm: Any = types.ExternalFunction(
    "numba_xxgemm",
    types.intc(
        *(types.char, types.char, types.char, types.intp, types.intp, types.intp),
        *(types.voidptr, types.voidptr, types.intp, types.voidptr, types.intp, types.voidptr, types.voidptr),
        types.intp,
    ),
)
"""What Numba calls for ``np.dot``: kind, transpositions, sizes, α, left, right, β, out, in column-major order."""

SINGLE, DOUBLE, AS_IT_IS, TURNED = map(ord, "sdnt")
"""BLAS's letters for a precision, and for a matrix or its transpose."""

WIDE = 64
"""The columns from which on BLAS computes products where vectors have 16 bytes.

There a library may use units that no compiler reaches; longer vectors come as near to the processor's limit here.
"""


@routine(strided=True, allocates=True)
def multiply_or_blas(factor, left, right, keep, out, room):  # type: ignore[no-untyped-def]
    """What ``multiply`` does, by BLAS where there are many columns.

    To BLAS, which is column-major, a matrix in C order is its transpose: outᵀ = rightᵀ leftᵀ.
    """
    n, m = left.shape
    k, size = right.shape[1], out.itemsize
    if k < WIDE:
        multiply(factor, left, right, keep, out, room)
        return
    factors = np.empty(2, out.dtype)
    factors[0], factors[1] = factor, 1 if keep else 0
    right_turned, left_turned = right.strides[1] != size, left.strides[1] != size
    _gemm(
        SINGLE if size == 4 else DOUBLE, TURNED if right_turned else AS_IT_IS, TURNED if left_turned else AS_IT_IS,
        k, n, m,
        factors.ctypes, right.ctypes, max(right.strides) // size, left.ctypes, max(left.strides) // size,
        factors[1:].ctypes, out.ctypes, k,
    )  # fmt: skip
