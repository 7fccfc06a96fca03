"""Arrays in rooms, and rows that are written and read.

Numba's own slices and shapes also serve where indices are negative or too large, which takes long to compile.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba.core import types
from numba.core.imputils import impl_ret_borrowed
from numba.np.arrayobj import make_array, populate_array

from bpcli.nn import Array, IndexArray
from bpcli.training.compiled.blocks import LINE
from bpcli.training.compiled.intrinsics import intrinsic_of
from bpcli.training.compiled.routines import routine

_make_array: Any = make_array
_populate: Any = populate_array
_borrowed: Any = impl_ret_borrowed


def _view(*lengths: str) -> Any:
    """The function that makes a view of the entries of a contiguous array from a place on, in C order.

    Its arguments are the array, the place, and the view's lengths; without lengths a vector of all entries is made.
    """
    names = ("place", *lengths) if lengths else ()

    def typed(_: Any, array: Any, *given: Any) -> Any:
        assert array.layout == "C", array
        kind = array.copy(ndim=len(lengths) or 1)
        return kind(array, *[types.intp] * len(given)), write

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = _make_array(signature.args[0])(context, builder, arguments[0])
        view = _make_array(signature.return_type)(context, builder)
        shape = arguments[2:] or [array.nitems]
        data = builder.gep(array.data, arguments[1:2]) if lengths else array.data
        strides = [array.itemsize]
        for length in reversed(shape[1:]):
            strides.insert(0, builder.mul(length, strides[0]))
        same = {name: getattr(array, name) for name in ("itemsize", "meminfo", "parent")}
        _populate(view, data=data, shape=shape, strides=strides, **same)
        return _borrowed(context, builder, signature.return_type, view._getvalue())  # noqa: SLF001 - as Numba does

    return intrinsic_of(typed, ("array", *names))


flat, vector, matrix = _view(), _view("n"), _view("n", "m")


def space(kind: type, lengths: Sequence[int]) -> tuple[Array, IndexArray]:
    """Memory for arrays of these lengths, each from a multiple of ``LINE`` bytes on; and at which entry each begins."""
    line = LINE // np.dtype(kind).itemsize
    ends = np.cumsum([0, *(-(-length // line) * line for length in lengths)])
    return np.empty(ends[-1], kind), ends[:-1]


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
