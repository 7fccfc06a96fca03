"""Matrix products for compiled code, through the BLAS that SciPy brings and Numba calls for ``np.dot``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

_gemm: Any = types.ExternalFunction(
    "numba_xxgemm",
    types.intc(
        *(types.char, types.char, types.char, types.intp, types.intp, types.intp),
        *(types.voidptr, types.voidptr, types.intp, types.voidptr, types.intp, types.voidptr, types.voidptr),
        types.intp,
    ),
)
"""What ``np.dot`` of matrices becomes: kind, transpositions, sizes, α, left, right, β, out, in column-major terms."""


@njit(error_model="numpy")
def product(left, right, out):  # type: ignore[no-untyped-def]
    """out ← left · right."""
    np.dot(left, right, out)


@njit(error_model="numpy")
def accumulate(factor, left, right, out):  # type: ignore[no-untyped-def]
    """out ← out + factor · left · right, in one pass over ``out``; (n, k) in C order.

    BLAS counts in columns, and a matrix in C order is its transpose there: outᵀ = rightᵀ leftᵀ.
    """
    n, m = left.shape
    k = right.shape[1]
    factors = np.ones(2, out.dtype)
    factors[0] = factor
    of_right, right_step = (ord("n"), k) if right.flags.c_contiguous else (ord("t"), m)
    of_left, left_step = (ord("n"), m) if left.flags.c_contiguous else (ord("t"), n)
    kind = ord("s") if out.itemsize == 4 else ord("d")
    _gemm(
        kind, of_right, of_left, k, n, m,
        factors.ctypes, right.ctypes, right_step, left.ctypes, left_step, factors[1:].ctypes, out.ctypes, k,
    )  # fmt: skip
