"""Matrices in rooms, and rows that are written and read: compiled once, as Numba takes long over each by itself."""

from __future__ import annotations

from bpcli.training.compiled.routines import routine


@routine()
def matrix(room, n, m):  # type: ignore[no-untyped-def]
    """The first entries of a room, as n rows of m."""
    return room[: n * m].reshape(n, m)


@routine()
def put(rows, k, array):  # type: ignore[no-untyped-def]
    """Write an array down as row k."""
    row = rows[k]
    for i in range(array.shape[0]):
        row[i] = array[i]


@routine()
def take(array, rows, k):  # type: ignore[no-untyped-def]
    """Write row k into an array."""
    row = rows[k]
    for i in range(array.shape[0]):
        array[i] = row[i]
