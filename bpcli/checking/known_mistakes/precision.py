"""In which precision arrays were computed, whatever they are stored in: the coarsest that holds their numbers."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from bpcli.nn import Array

COARSER: dict[np.dtype[np.floating], str] = {
    np.dtype(np.float16): "half precision (float16)",
    np.dtype(np.float32): "single precision (float32)",
}
"""The precisions coarser than float64, the coarsest first."""

ROUND = 8
"""Numbers of so few binary digits, such as 0, 1 and −0.5, are held by any precision and show none."""

ROUNDINGS = 64
"""A backward pass in a coarse precision is off by so many last bits of its sums of absolute terms, at most."""


def precision_of(arrays: Iterable[Array]) -> np.dtype[np.floating]:
    """The coarsest precision that holds every number of the arrays; that in which they are stored for round numbers."""
    arrays = list(arrays)
    coarsest: np.dtype[np.floating] = max((array.dtype for array in arrays), key=lambda kind: np.finfo(kind).eps)
    if all(_fits(array, ROUND) for array in arrays):
        return coarsest
    for kind in COARSER:
        if all(_fits(array, np.finfo(kind).nmant + 1) for array in arrays):
            return kind
    return coarsest


def _fits(array: Array, bits: int) -> bool:
    """Whether so many binary digits hold every number."""
    scaled = np.ldexp(np.frexp(array)[0], bits)
    return bool((scaled == np.rint(scaled)).all())


def right_but_rounded(given: Array, right: Array, sums: Array, kind: np.dtype[np.floating]) -> str:
    """The coarse precision of arrays that are right in it, in words; empty where they are wrong in any.

    ``sums`` are the sums of the absolute terms of which the right arrays are sums.
    """
    words = COARSER.get(kind, "")
    if not words or given.shape != right.shape:
        return ""
    close = np.abs(given - right) <= ROUNDINGS * float(np.finfo(kind).eps) * sums
    return words if close.all() else ""
