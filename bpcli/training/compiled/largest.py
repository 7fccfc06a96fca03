"""Where the largest entries are, for compiled code: all columns of a matrix side by side, without a branch for each."""

from __future__ import annotations

from bpcli.training.compiled.intrinsics import lesser
from bpcli.training.compiled.rooms import address, vector, vector_at
from bpcli.training.compiled.routines import routine

TOGETHER = 512
"""The columns that are looked through side by side: their largest entries so far stay in the L1 cache."""


@routine()
def arg_max_of_columns(matrix, out, room):  # type: ignore[no-untyped-def]
    """out_j ← the first i at which matrix_ij is largest, i = 0 and NaN never passed; ``room`` is working memory."""
    n, m = matrix.shape
    largest = vector_at(matrix, address(room), TOGETHER)
    for start in range(0, m, TOGETHER):
        width = lesser(TOGETHER, m - start)
        found, first = vector(out, start, width), vector(matrix, start, width)
        for j in range(width):
            largest[j], found[j] = first[j], 0
        for i in range(1, n):
            row = vector(matrix, i * m + start, width)
            for j in range(width):
                larger = row[j] > largest[j]
                found[j] = i if larger else found[j]
                largest[j] = row[j] if larger else largest[j]
