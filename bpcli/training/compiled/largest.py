"""Where the largest entries are, for compiled code: all columns of a matrix side by side, without a branch for each."""

from __future__ import annotations

from bpcli.training.compiled.routines import routine

TOGETHER = 512
"""The columns that are looked through side by side: their largest entries so far stay in the L1 cache."""


@routine()
def arg_max_of_columns(matrix, out, room):  # type: ignore[no-untyped-def]
    """out_j ← the first i at which matrix_ij is largest, i = 0 and NaN never passed; ``room`` is working memory."""
    n, m = matrix.shape
    largest = room[: TOGETHER * matrix.itemsize].view(matrix.dtype)
    for start in range(0, m, TOGETHER):
        width = min(TOGETHER, m - start)
        found = out[start : start + width]
        first = matrix[0, start : start + width]
        for j in range(width):
            largest[j], found[j] = first[j], 0
        for i in range(1, n):
            row = matrix[i, start : start + width]
            for j in range(width):
                larger = row[j] > largest[j]
                found[j] = i if larger else found[j]
                largest[j] = row[j] if larger else largest[j]
