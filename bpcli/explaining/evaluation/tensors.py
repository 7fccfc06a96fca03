"""Arrays with named axes: an axis for each index, and rows and columns where the array is a matrix.

Adding and multiplying align axes by the names of their indices. Rows and columns have spaces, such as the units
of a layer; a sum needs the same spaces, a matrix product the same space within. So a clash is found even
where two layers have the same number of units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.explaining.evaluation.nodes import EquationError
from bpcli.explaining.recording.entrywise import equal, is_recorded, times

ONE = "1"
"""The space of a row or column that is the only one."""

WRITTEN_OUT = "?"
"""The space of the rows or columns of a matrix that is written out, entry by entry."""

Shape = tuple[str, str]


@dataclass(frozen=True)
class Range:
    """What an index runs over: numbers of a space."""

    space: str
    first: int
    last: int

    @property
    def size(self) -> int:
        """How many they are."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Value:
    """A number or matrix for each value of its indices: axes ``letters``, then rows and columns if it is a matrix."""

    array: Any
    letters: tuple[str, ...] = ()
    shape: Shape | None = None

    @property
    def is_single(self) -> bool:
        """Whether it is a matrix of one number."""
        return self.shape is not None and self.array.shape[-2:] == (1, 1)

    def number(self) -> Value:
        """A matrix of one number as a number."""
        return Value(self.array[..., 0, 0], self.letters)


def aligned(*values: Value) -> tuple[tuple[str, ...], list[Any]]:
    """The union of the indices, and the arrays with an axis for each; matrices keep their last two."""
    letters = tuple(dict.fromkeys(letter for value in values for letter in value.letters))
    matrices = any(value.shape is not None for value in values)
    arrays = []
    for value in values:
        array = np.asarray(value.array)
        if value.shape is None and matrices:
            array = array[..., None, None]
        arrays.append(array if value.letters == letters else _with_axes(array, value.letters, letters))
    return letters, arrays


def _with_axes(array: Any, own: tuple[str, ...], letters: tuple[str, ...]) -> Any:
    """An array whose first axes are its ``own`` indices with an axis for each of ``letters``, in their order."""
    order = [own.index(letter) for letter in letters if letter in own]
    tail = list(range(len(own), array.ndim))
    places = tuple(slice(None) if letter in own else None for letter in letters)
    return array.transpose(order + tail)[(*places, ...)]


def entrywise(operation: Callable[..., Any], *values: Value) -> Value:
    """An operation entry by entry; matrices have one shape, numbers go with each entry.

    Raises:
        EquationError: two matrices have different shapes.
    """
    matrices = [value for value in values if value.shape is not None]
    letters, arrays = aligned(*values)
    if len({value.array.shape[-2:] for value in matrices}) > 1 or not _agree([value.shape for value in matrices]):
        shapes = " and ".join(written(value.shape) for value in matrices)
        raise EquationError(f"shapes {shapes} do not go together entry by entry")
    shape = min((value.shape for value in matrices if value.shape), key=_unnamed, default=None)
    return Value(np.asarray(operation(*arrays)), letters, shape)


def _agree(shapes: list[Shape | None]) -> bool:
    """Whether shapes have the same spaces, those of a matrix written out being any."""
    return all(
        len({space for space in side if space != WRITTEN_OUT}) < 2 for side in zip(*filter(None, shapes), strict=True)
    )


def _unnamed(shape: Shape) -> int:
    return shape.count(WRITTEN_OUT)


def product(sign: str, left: Value, right: Value) -> Value:
    r"""Two factors: numbers, a number and a matrix, matrices by ``\cdot`` or entry by entry by ``\odot``.

    Raises:
        EquationError: the shapes do not fit.
    """
    if sign == r"\odot" or left.shape is None or right.shape is None:
        return entrywise(times, left, right)
    if sign == r"\cdot" and left.shape[1] == right.shape[0]:
        letters, arrays = aligned(left, right)
        return Value(np.matmul(*arrays), letters, (left.shape[0], right.shape[1]))
    if left.is_single or right.is_single:
        alone = value_of_one(left, right)
        return entrywise(times, *alone)
    shapes = f"{written(left.shape)} and {written(right.shape)}"
    raise EquationError(f"no product of {shapes}" + ("" if sign else r" without \cdot or \odot"))


def value_of_one(left: Value, right: Value) -> tuple[Value, Value]:
    """Two matrices of which one is a single number, as number and matrix."""
    return (left, right.number()) if right.is_single else (left.number(), right)


def summed(value: Value, letter: str) -> Value:
    """Σ over an index.

    Raises:
        EquationError: nothing depends on it.
    """
    if letter not in value.letters:
        raise EquationError(f"nothing in the sum depends on its index {letter}")
    place = value.letters.index(letter)
    return Value(
        np.asarray(value.array.sum(axis=place)), value.letters[:place] + value.letters[place + 1 :], value.shape
    )


def summed_over_rows(value: Value) -> Value:
    """Σ over the rows of a matrix, in each of its rows, so that it goes entry by entry with the matrix.

    Raises:
        EquationError: it is no matrix.
    """
    if value.shape is None:
        raise EquationError("a sum over units of a number")
    total = value.array.sum(axis=-2, keepdims=True)
    return Value(np.broadcast_to(total, value.array.shape), value.letters, value.shape)


def diagonal(value: Value) -> Value:
    """The square matrix that has a column as its diagonal.

    Raises:
        EquationError: it is no column.
    """
    if value.shape is None or value.shape[1] != ONE:
        raise EquationError("the diagonal of a matrix that is no column")
    array = value.array * np.eye(value.array.shape[-2])
    return Value(array, value.letters, (value.shape[0], value.shape[0]))


def transposed(value: Value) -> Value:
    """Rows for columns.

    Raises:
        EquationError: it is no matrix.
    """
    if value.shape is None:
        raise EquationError("a number is transposed")
    return Value(value.array.swapaxes(-1, -2), value.letters, (value.shape[1], value.shape[0]))


def as_entries(value: Value, slots: tuple[str, ...]) -> Value:
    """A matrix with an axis for each index of its entries in place of rows and columns; a column has one index."""
    count = len(value.letters)
    array = value.array if len(slots) == 2 else value.array[..., 0]
    order = [*range(count, array.ndim), *range(count)]
    return Value(array.transpose(order), (*slots, *value.letters))


def sized(value: Value) -> Value:
    """How many rows and columns a matrix has, as a row of two numbers.

    Raises:
        EquationError: it is no matrix.
    """
    if value.shape is None:
        raise EquationError("the size of a number")
    return Value(np.array([value.array.shape[-2:]], np.float64), (), (WRITTEN_OUT, WRITTEN_OUT))


def gathered(array: Any, indices: list[Value], rest: tuple[str, ...] = (), shape: Shape | None = None) -> Value:
    """An array's entries at ``indices``, one for each leading axis; the axes after them are ``rest``, then ``shape``.

    An index that an axis of ``rest`` has too runs through both at once. Where an index is a recorded number, the entry
    is the sum of all, each times 1 or 0.
    """
    recorded = next((place for place, one in enumerate(indices) if is_recorded(one.array)), None)
    if recorded is not None:
        return _gathered_by_recorded(array, indices, recorded, rest, shape)
    sizes = dict(zip(rest, array.shape[len(indices) :], strict=False))
    own = [Value(np.arange(sizes[letter]), (letter,)) for letter in rest]
    letters, arrays = aligned(*indices, *own) if indices or own else ((), [])
    return Value(array[tuple(arrays)] if arrays else array, letters, shape)


def _gathered_by_recorded(
    array: Any, indices: list[Value], place: int, rest: tuple[str, ...], shape: Shape | None
) -> Value:
    """The entries at ``indices``, of which the one at ``place`` is recorded."""
    parts = []
    for number in range(array.shape[place]):
        others = [*indices[:place], Value(np.asarray(number)), *indices[place + 1 :]]
        there = Value(equal(indices[place].array, number), indices[place].letters)
        parts.append(entrywise(times, there, gathered(array, others, rest, shape)))
    return entrywise(lambda *values: sum(values[1:], values[0]), *parts)


def written(shape: Shape | None) -> str:
    """A shape in words."""
    assert shape is not None
    return f"({shape[0]} × {shape[1]})"
