"""Matrix products for compiled code: loops where a batch is small, otherwise tiles, or SciPy's BLAS.

``room`` is working memory, of the size that ``blocks`` needs.
"""

from __future__ import annotations

from typing import Any

from numba import types

from bpcli.training.compiled.blas import multiply_or_blas
from bpcli.training.compiled.intrinsics import lesser
from bpcli.training.compiled.product_parts import multiply
from bpcli.training.compiled.rooms import block, matrix, vector_at
from bpcli.training.compiled.routines import compiled_in, routine
from bpcli.training.compiled.sums import FAST
from bpcli.training.compiled.tiles import read, write
from bpcli.training.compiled.vectors import VECTOR

_malloc: Any = types.ExternalFunction("malloc", types.intp(types.intp))
_free: Any = types.ExternalFunction("free", types.void(types.intp))
"""The C library's: an array that Numba allocates is compiled with code that counts who refers to it."""

WIDE_BYTES = 8
"""The bytes of a float64."""

FEW = 16
"""The number of columns below which a product along long rows is a loop: a tile would be computed in vain in part."""

LONG = 4096
"""How many examples' terms of a product are added up in their own precision.

These sums are added in float64, so the error of float32 does not grow with the number of examples.
"""

_multiply: Any = multiply if VECTOR > 16 else multiply_or_blas


@compiled_in(inline="always")
def product(left, right, out, room):  # type: ignore[no-untyped-def]
    """out ← left · right, (n, k) from (n, m) and (m, k)."""
    _multiply(out.dtype.type(1), left, right, False, out, room)


@routine()
def product_along_rows(left, right, out, room):  # type: ignore[no-untyped-def]
    """out ← left · right, ``left`` in C order and ``right`` the transpose of a matrix in C order."""
    if right.shape[1] < FEW:
        _inner_products(left, right.T, out)
    else:
        product(left, right, out, room)


@routine(strided=True)
def product_of_examples(left, right, out, room):  # type: ignore[no-untyped-def]
    """out ← left · right, a sum over the examples."""
    if left.shape[1] <= LONG:
        product(left, right, out, room)
    else:
        out[...] = 0
        _add_long_product(out.dtype.type(1), left, right, out, room)


@routine(strided=True)
def accumulate(factor, left, right, out, room):  # type: ignore[no-untyped-def]
    """out ← out + factor · left · right, a sum over the examples, ``out`` (n, k) in C order.

    A long product would be added to ``out`` in many small parts, and rounded after each to the digits of ``out``.
    """
    if left.shape[1] <= LONG:
        _multiply(factor, left, right, True, out, room)
    else:
        _add_long_product(factor, left, right, out, room)


@routine(strided=True)
def _add_long_product(factor, left, right, out, room):  # type: ignore[no-untyped-def]
    """out ← out + factor · left · right, the products of ``LONG`` examples added up in float64."""
    n, m = left.shape
    k, size = right.shape[1], out.itemsize
    sums = _malloc(n * k * (WIDE_BYTES + size))
    if sums == 0:
        raise MemoryError("for the sum of a long product")
    addend = sums + n * k * WIDE_BYTES
    part = matrix(vector_at(out, addend, n * k), 0, n, k)
    for i in range(n * k):
        write(0.0, sums + i * WIDE_BYTES)
    for start in range(0, m, LONG):
        length = lesser(LONG, m - start)
        product(block(left, 0, start, n, length), block(right, start, 0, length, k), part, room)
        for i in range(n * k):
            grown = read(0.0, sums + i * WIDE_BYTES) + read(factor, addend + i * size)
            write(grown, sums + i * WIDE_BYTES)
    for i in range(n):
        for j in range(k):
            out[i, j] += factor * read(0.0, sums + (i * k + j) * WIDE_BYTES)
    _free(sums)


@routine(fastmath=FAST)
def _inner_products(left, right, out):  # type: ignore[no-untyped-def]
    """out_ij ← ⟨left_i, right_j⟩, two by five at a time, so each entry that is read is used several times.

    At an edge the last rows are computed again.
    """
    n, m, size = left.shape[0], right.shape[0], left.shape[1]
    for i in range(0, n, 2):
        next_i = lesser(i + 1, n - 1)
        x, y = left[i], left[next_i]
        for j in range(0, m, 5):
            j1, j2, j3, j4 = lesser(j + 1, m - 1), lesser(j + 2, m - 1), lesser(j + 3, m - 1), lesser(j + 4, m - 1)
            r0, r1, r2, r3, r4 = right[j], right[j1], right[j2], right[j3], right[j4]
            x0 = x1 = x2 = x3 = x4 = y0 = y1 = y2 = y3 = y4 = out.dtype.type(0)
            for k in range(size):
                x0 += x[k] * r0[k]
                x1 += x[k] * r1[k]
                x2 += x[k] * r2[k]
                x3 += x[k] * r3[k]
                x4 += x[k] * r4[k]
                y0 += y[k] * r0[k]
                y1 += y[k] * r1[k]
                y2 += y[k] * r2[k]
                y3 += y[k] * r3[k]
                y4 += y[k] * r4[k]
            out[i, j], out[i, j1], out[i, j2], out[i, j3], out[i, j4] = x0, x1, x2, x3, x4
            out[next_i, j], out[next_i, j1], out[next_i, j2] = y0, y1, y2
            out[next_i, j3], out[next_i, j4] = y3, y4
