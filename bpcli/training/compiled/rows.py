"""Arrays written down as rows of a matrix, and taken from them, by compiled code."""

from __future__ import annotations

from typing import Any

from numba.core import cgutils, types

from bpcli.training.compiled.intrinsics import intrinsic_of
from bpcli.training.compiled.rooms import as_array

_code: Any = cgutils


def _typed_put(_: Any, rows: Any, __: Any, array: Any) -> Any:
    def write(context: Any, builder: Any, ___: Any, arguments: Any) -> Any:
        entries = as_array(context, builder, array, arguments[2])
        _copy(builder, _row(context, builder, rows, *arguments[:2]), entries.data, entries)
        return context.get_dummy_value()

    return types.void(rows, types.intp, array), write


def _typed_take(_: Any, array: Any, rows: Any, __: Any) -> Any:
    def write(context: Any, builder: Any, ___: Any, arguments: Any) -> Any:
        entries = as_array(context, builder, array, arguments[0])
        _copy(builder, entries.data, _row(context, builder, rows, *arguments[1:]), entries)
        return context.get_dummy_value()

    return types.void(array, rows, types.intp), write


def _row(context: Any, builder: Any, kind: Any, rows: Any, k: Any) -> Any:
    """Where row k of a matrix in C order begins."""
    assert kind.layout == "C", kind
    matrix = as_array(context, builder, kind, rows)
    length = _code.unpack_tuple(builder, matrix.shape)[1]
    return builder.gep(matrix.data, [builder.mul(k, length)])


def _copy(builder: Any, target: Any, source: Any, array: Any) -> None:
    """Copy as many bytes as an array has."""
    _code.raw_memcpy(builder, target, source, array.nitems, array.itemsize)


put = intrinsic_of(_typed_put, ["rows", "k", "array"])
"""put(rows, k, array): write an array down as row k."""

take = intrinsic_of(_typed_take, ["array", "rows", "k"])
"""take(array, rows, k): write row k into an array."""
