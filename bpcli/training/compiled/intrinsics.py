"""Functions of compiled code whose instructions are written by bp, not compiled from Python."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

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
