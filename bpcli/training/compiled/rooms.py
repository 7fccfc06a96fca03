"""Arrays in rooms, and rows that are written and read.

Numba's own slices and shapes also serve where indices are negative or too large, which takes long to compile.
"""

from __future__ import annotations

from typing import Any

from numba.core import types
from numba.core.imputils import impl_ret_borrowed
from numba.np.arrayobj import make_array, populate_array

from bpcli.training.compiled.intrinsics import intrinsic_of
from bpcli.training.compiled.routines import routine

_make_array: Any = make_array
_populate: Any = populate_array
_borrowed: Any = impl_ret_borrowed


def _view(*lengths: str) -> Any:
    """The function that makes a view of the first entries of a contiguous array, in C order.

    Its arguments are the array and the view's lengths; without lengths it is a vector of all entries.
    """

    def typed(_: Any, array: Any, *given: Any) -> Any:
        assert array.layout == "C", array
        kind = array.copy(ndim=len(given) or 1)
        return kind(array, *[types.intp] * len(given)), write

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = _make_array(signature.args[0])(context, builder, arguments[0])
        view = _make_array(signature.return_type)(context, builder)
        shape = arguments[1:] or [array.nitems]
        strides = [array.itemsize]
        for length in reversed(shape[1:]):
            strides.insert(0, builder.mul(length, strides[0]))
        same = {name: getattr(array, name) for name in ("data", "itemsize", "meminfo", "parent")}
        _populate(view, shape=shape, strides=strides, **same)
        return _borrowed(context, builder, signature.return_type, view._getvalue())  # noqa: SLF001 - as Numba does

    return intrinsic_of(typed, ("array", *lengths))


flat, vector, matrix = _view(), _view("n"), _view("n", "m")


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
