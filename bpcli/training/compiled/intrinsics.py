"""Functions of compiled code whose instructions are written by bp, not compiled from Python."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from numba.core import types
from numba.extending import intrinsic


def intrinsic_of(typed: Callable[..., Any], names: Iterable[str]) -> Any:
    """The function that ``typed`` describes to Numba, with arguments of these names.

    ``typed(context, *types)`` gives the signature for arguments of such types, and what writes the instructions. Numba
    goes by the names of its parameters, so these are stated where ``typed`` takes any.
    """
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(name, kind) for name in ("context", *names)]
    vars(typed)["__signature__"] = inspect.Signature(parameters)
    return intrinsic(typed)


def _chosen(comparison: str) -> Any:
    """The function that chooses between two numbers: the second where it compares with the first like this."""

    def typed(_: Any, kind: Any, __: Any) -> Any:
        def write(___: Any, builder: Any, ____: Any, arguments: Any) -> Any:
            first, second = arguments
            compare = builder.fcmp_ordered if isinstance(kind, types.Float) else builder.icmp_signed
            return builder.select(compare(comparison, second, first), second, first)

        return kind(kind, kind), write

    return intrinsic_of(typed, ["first", "second"])


lesser, greater = _chosen("<"), _chosen(">")
"""Python's ``min`` and ``max`` of two numbers of one type; for its own Numba compiles a function each."""
