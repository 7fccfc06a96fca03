"""Slopes along the imaginary axis: a quantity with a tiny imaginary part at each entry, and the slopes put in order.

An entry's slope stands along axes of its own, ``*0``, ``*1`` and so on, one for each axis of the quantity.
"""

from __future__ import annotations

import numpy as np

from bpcli.explaining.evaluation.nodes import EquationError
from bpcli.explaining.evaluation.tensors import ONE, Shape, Value, entrywise

STEP = 2.0**-100
"""The size of the imaginary part: its square is lost beside 1, so slopes are exact to rounding."""


def with_tilt(value: Value, slots: int, *, at_once: bool) -> Value:
    """A quantity with an imaginary part: everywhere at once, or at each entry in a copy."""
    if at_once:
        return Value(value.array + 1j * STEP, value.letters, value.shape)
    sizes = [*value.array.shape[:slots], *(value.array.shape[-2:] if value.shape else ())]
    count = len(sizes)
    part = np.eye(int(np.prod(sizes))).reshape(*sizes, *sizes)
    stars = tuple(f"*{place}" for place in range(count))
    order = [*range(slots), *range(count, 2 * count), *range(slots, count)]
    tilt = Value(1j * STEP * part.transpose(order), (*value.letters[:slots], *stars), value.shape)
    return entrywise(np.add, value, tilt)


def ordered(value: Value, slots: tuple[str, ...], sizes: list[int]) -> Value:
    """A value with an axis for each of ``slots``, in order, before any others."""
    rest = tuple(letter for letter in value.letters if letter not in slots)
    ones = [Value(np.ones(size), (slot,)) for slot, size in zip(slots, sizes, strict=True)]
    whole = entrywise(lambda x, *y: x + 0 * sum(y), value, *ones) if ones else value
    order = [whole.letters.index(letter) for letter in (*slots, *rest)]
    tail = list(range(len(order), whole.array.ndim))
    return Value(whole.array.transpose(order + tail), (*slots, *rest), value.shape)


def by_matrix(slope: Value, shape: Shape | None) -> Value:
    """A slope by a matrix: a number's has the matrix's shape, a column's by a column is a Jacobian."""
    if shape is None:
        return slope
    if slope.is_single and shape[1] != ONE:
        slope = slope.number()
    stars = sorted(letter for letter in slope.letters if letter.startswith("*"))
    if not stars:
        return slope
    rest = [letter for letter in slope.letters if letter not in stars]
    order = [slope.letters.index(letter) for letter in (*rest, *stars)]
    array = slope.array.transpose(order + list(range(len(order), slope.array.ndim)))
    if slope.shape is None:
        return Value(array, tuple(rest), shape)
    if slope.shape[1] == ONE == shape[1]:
        return Value(np.moveaxis(array[..., 0], -1, -3)[..., 0], tuple(rest), (slope.shape[0], shape[0]))
    raise EquationError("a matrix by a matrix is no matrix")
