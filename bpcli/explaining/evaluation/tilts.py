"""Slopes along the imaginary axis: a quantity with a tiny imaginary part at each entry, and the slopes put in order.

Entries are counted through all axes of the quantity, and each is tilted in a copy of its own, along the axis ``*``. The
copies are made in blocks, because all of them together hold as many numbers as the square of the entries. The slopes
of all blocks stand along the axes ``*0``, ``*1`` and so on, one for each axis of the quantity.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from bpcli.explaining.evaluation.nodes import EquationError
from bpcli.explaining.evaluation.tensors import ONE, Shape, Value, entrywise
from bpcli.explaining.recording.entrywise import is_recorded

STEP = 2.0**-100
"""The size of the imaginary part: its square is lost beside 1, so slopes are exact to rounding."""


COPY = "*"
"""The axis of the copies."""

MOST_NUMBERS = 2**19
"""How many complex numbers the copies of one array hold at most: 8 MiB."""


def blocks(entries: int, largest: int) -> Iterator[range]:
    """A quantity's entries in blocks; ``largest`` is how many numbers the largest array of one copy holds."""
    size = max(1, MOST_NUMBERS // largest)
    return (range(first, min(first + size, entries)) for first in range(0, entries, size))


def with_tilt(value: Value, slots: int, entries: range | None) -> Value:
    """A quantity with an imaginary part: each of ``entries`` in a copy of its own, or everywhere at once for None.

    Raises:
        EquationError: its numbers are recorded, and have no imaginary part.
    """
    if is_recorded(value.array):
        raise EquationError("a derivative that no step before shows has no recorded number")
    if entries is None:
        return Value(value.array + 1j * STEP, value.letters, value.shape)
    sizes = [*value.array.shape[:slots], *(value.array.shape[-2:] if value.shape else ())]
    part = np.zeros((len(entries), prod(sizes)), complex)
    part[range(len(entries)), entries] = 1j * STEP
    part = np.moveaxis(part.reshape(len(entries), *sizes), 0, slots)
    return entrywise(np.add, value, Value(part, (*value.letters[:slots], COPY), value.shape))


def slope_of(value: Value) -> Value:
    """The slopes that the imaginary parts are."""
    return Value(np.imag(value.array) / STEP, value.letters, value.shape)


def joined(slopes: list[Value], sizes: list[int]) -> Value:
    """The slopes of all blocks, with an axis for each of the quantity's ``sizes`` in place of the copies'."""
    letters, shape = slopes[0].letters, slopes[0].shape
    if COPY not in letters:
        return slopes[0]
    place = letters.index(COPY)
    array = np.concatenate([slope.array for slope in slopes], axis=place)
    stars = (f"{COPY}{axis}" for axis in range(len(sizes)))
    array = array.reshape((*array.shape[:place], *sizes, *array.shape[place + 1 :]))
    return Value(array, (*letters[:place], *stars, *letters[place + 1 :]), shape)


def ordered(value: Value, slots: tuple[str, ...], sizes: list[int]) -> Value:
    """A value with an axis for each of ``slots``, in order, before any others."""
    rest = tuple(letter for letter in value.letters if letter not in slots)
    ones = [Value(np.ones(size), (slot,)) for slot, size in zip(slots, sizes, strict=True)]
    whole = entrywise(lambda x, *y: x + 0 * sum(y), value, *ones) if ones else value
    order = [whole.letters.index(letter) for letter in (*slots, *rest)]
    tail = list(range(len(order), whole.array.ndim))
    return Value(whole.array.transpose(order + tail), (*slots, *rest), value.shape)


def by_matrix(slope: Value, shape: Shape | None) -> Value:
    """A slope in its shape: of a number that of the matrix below; of a column by a column a Jacobian."""
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
