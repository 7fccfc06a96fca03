"""Linear equations with a symmetric positive definite matrix, by its Cholesky factor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.nn import Array

BLOCK = 64
"""Unknowns found together: NumPy has no solver for triangles, and one for small squares costs little."""


def factor(matrix: Array) -> Array | None:
    """L, lower triangular, with L Lᵀ = ``matrix``, (P, P); None where the matrix is not positive definite."""
    try:
        found = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return None
    return found if np.isfinite(np.diagonal(found)).all() else None


def solve(L: Array, right: Array) -> Array:
    """x with L Lᵀ x = ``right``: L z = ``right`` forwards, then Lᵀ x = z backwards; columns by themselves."""
    z = right.copy()
    _forwards(L, z)
    for rows in reversed(list(_blocks(len(L)))):
        z[rows] -= L[rows.stop :, rows].T @ z[rows.stop :]
        z[rows] = np.linalg.solve(L[rows, rows].T, z[rows])
    return z


def trace_of_inverse(L: Array) -> float:
    """tr (L Lᵀ)⁻¹ = Σ of the squares of the entries of L⁻¹."""
    inverse = np.eye(len(L))
    _forwards(L, inverse)
    return float(np.sum(inverse * inverse))


def _forwards(L: Array, z: Array) -> None:
    """Replace z by L⁻¹ z."""
    for rows in _blocks(len(L)):
        z[rows] -= L[rows, : rows.start] @ z[: rows.start]
        z[rows] = np.linalg.solve(L[rows, rows], z[rows])


def _blocks(size: int) -> Iterator[slice]:
    for start in range(0, size, BLOCK):
        yield slice(start, min(start + BLOCK, size))
