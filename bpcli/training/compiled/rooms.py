"""Arrays in rooms, and where they lie, for compiled code.

Numba's own slices, shapes and addresses serve where indices are negative or too large too, or have types of their own,
and take long to compile.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba.core import cgutils, types
from numba.core.imputils import impl_ret_borrowed
from numba.np.arrayobj import make_array, populate_array

from bpcli.nn import Array, IndexArray
from bpcli.training.compiled.intrinsics import intrinsic_of
from bpcli.training.shards.cutting import LINE

_code: Any = cgutils
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
        array = as_array(context, builder, signature.args[0], arguments[0])
        shape = arguments[2:] or [array.nitems]
        data = builder.gep(array.data, arguments[1:2]) if lengths else array.data
        return _filled(context, builder, signature.return_type, array, data, shape)

    return intrinsic_of(typed, ("array", *names))


def _typed_vector_at(_: Any, like: Any, *given: Any) -> Any:
    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = as_array(context, builder, like, arguments[0])
        data = builder.inttoptr(arguments[1], array.data.type)
        return _filled(context, builder, signature.return_type, array, data, arguments[2:])

    return like.copy(ndim=1, layout="C")(like, *[types.intp] * len(given)), write


def _typed_block(_: Any, array: Any, *given: Any) -> Any:
    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        whole, places = as_array(context, builder, array, arguments[0]), arguments[1:3]
        steps = _code.unpack_tuple(builder, whole.strides)
        view, data = _make_array(signature.return_type)(context, builder), whole.data
        for place, step in zip(places, steps, strict=True):
            data = _code.pointer_add(builder, data, builder.mul(place, step))
        same = {name: getattr(whole, name) for name in ("itemsize", "meminfo", "parent")}
        _populate(view, data=data, shape=arguments[3:], strides=steps, **same)
        return _borrowed(context, builder, signature.return_type, view._getvalue())  # noqa: SLF001 - as Numba does

    return array.copy(layout="A")(array, *[types.intp] * len(given)), write


def _typed_address(_: Any, array: Any) -> Any:
    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = as_array(context, builder, signature.args[0], arguments[0]).data
        return builder.ptrtoint(data, context.get_value_type(types.intp))

    return types.intp(array), write


def as_array(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """What compiled code has as an array, its parts by name."""
    return _make_array(kind)(context, builder, value)


def _filled(context: Any, builder: Any, kind: Any, like: Any, data: Any, shape: Sequence[Any]) -> Any:
    """An array in C order of what lies at ``data``, in memory that the array ``like`` holds."""
    view, strides = _make_array(kind)(context, builder), [like.itemsize]
    for length in reversed(shape[1:]):
        strides.insert(0, builder.mul(length, strides[0]))
    same = {name: getattr(like, name) for name in ("itemsize", "meminfo", "parent")}
    _populate(view, data=data, shape=shape, strides=strides, **same)
    return _borrowed(context, builder, kind, view._getvalue())  # noqa: SLF001 - as Numba does


flat, vector, matrix = _view(), _view("n"), _view("n", "m")

vector_at = intrinsic_of(_typed_vector_at, ["like", "place", "n"])
"""vector_at(like, place, n): the n numbers at an address, which are of an array's precision."""

block = intrinsic_of(_typed_block, ["array", "i", "j", "n", "m"])
"""block(matrix, i, j, n, m): the n rows from row i on, m columns of them from column j on."""

address = intrinsic_of(_typed_address, ["array"])
"""address(array): where its entries lie."""


def space(kind: type, lengths: Sequence[int]) -> tuple[Array, IndexArray]:
    """Memory for arrays of these lengths, each from a multiple of ``LINE`` bytes on; and at which entry each begins."""
    line = LINE // np.dtype(kind).itemsize
    ends = np.cumsum([0, *(-(-length // line) * line for length in lengths)])
    return np.empty(ends[-1], kind), ends[:-1]
