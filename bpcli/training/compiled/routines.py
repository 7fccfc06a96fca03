"""Functions that are compiled once for all kernels, kept, and called at their address.

Numba compiles a function again into each one that calls it. A routine is compiled by itself, once for each types of
its arguments. A kernel's code knows it by a name made of all that its code depends on, under which it is kept too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, partial
from hashlib import sha256
from typing import Any

import numba
from numba.core import cgutils
from numba.core.types import Array

from bpcli.training.compiled.compiled_code import (
    PREFIX,
    SYMBOL,
    CompiledCode,
    dependencies,
    keep_routine,
    load_routine,
)
from bpcli.training.compiled.intrinsics import intrinsic_of

_njit: Any = partial(numba.njit, error_model="numpy", debug=False)
"""With debugging, which a user may set for Numba, it fails at what intrinsics return."""

_code: Any = cgutils


def routine(*, strided: bool = False, allocates: bool = False, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A decorator: make a function a routine, which compiled code alone can call; ``options`` are those of ``njit``.

    A ``strided`` one is compiled once for matrices of all layouts: it knows them by their strides alone. One that
    ``allocates`` memory counts who refers to an array; all others have no such code, and return no array.
    """
    options["_nrt"] = allocates

    def decorate(function: Callable[..., Any]) -> Any:
        def typed(_: Any, *types: Any) -> tuple[Any, Callable[..., Any]]:
            """The types of a call, and what writes the call."""
            symbol, result = _compiled(function, options, tuple(map(_any_layout, types)) if strided else types)
            return result.signature, lambda *call: _call(symbol, result.fndesc, *call)

        typed.__name__, typed.__doc__ = function.__name__, function.__doc__
        return intrinsic_of(typed, inspect.signature(function).parameters)

    return decorate


def compiled_in(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A decorator: make a function a part of all that call it, which compiled code alone can do."""
    return _njit(no_cpython_wrapper=True, **options)  # type: ignore[no-any-return]


@cache
def kept_function(function: Callable[..., Any]) -> Any:
    """A function compiled for Python to call, without holding its lock; its code is kept as that of routines is."""
    compiled = _njit(nogil=True)(function)
    name = f"{function.__name__}_{sha256(dependencies().encode()).hexdigest()[:32]}"
    compiled._cache = CompiledCode(PREFIX + name)  # noqa: SLF001 - Numba has no other way to a cache of one's own
    return compiled


def _any_layout(kind: Any) -> Any:
    """The type of arrays of all layouts for that of one; other types as they are."""
    return kind.copy(layout="A") if isinstance(kind, Array) else kind


def _compiled(function: Any, options: dict[str, Any], types: tuple[Any, ...]) -> tuple[str, Any]:
    """A routine's name in compiled code for arguments of these types, and its code, loaded or compiled."""
    depends = [dependencies(), function.__qualname__, str(sorted(options.items())), str(types)]
    symbol = f"{SYMBOL}{function.__name__}_{sha256(chr(10).join(depends).encode()).hexdigest()[:32]}"
    result = load_routine(symbol)
    if result is None:
        alone = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        dispatcher = _njit(**options, **alone)(function)
        dispatcher.compile(types)
        result = dispatcher.overloads[types]
        keep_routine(symbol, result)
    return symbol, result


def _call(symbol: str, described: Any, context: Any, builder: Any, _: Any, arguments: Any) -> Any:
    """Write the call of a routine, whose errors are its caller's."""
    convention = context.call_conv
    kind = convention.get_function_type(described.restype, described.argtypes)
    function = _code.get_or_insert_function(builder.module, kind, symbol)
    status, value = convention.call_function(builder, function, described.restype, described.argtypes, arguments)
    with _code.if_unlikely(builder, status.is_error):
        convention.return_status_propagate(builder, status)
    return value
