"""What the source of programs calls; and functions that are made of such source."""

from __future__ import annotations

import linecache
from typing import Any

import numpy as np
from numba import njit

from bpcli.training.compiled.atomics import report
from bpcli.training.compiled.elementary import exp_of_single, tanh_of_single
from bpcli.training.compiled.largest import arg_max_of_columns
from bpcli.training.compiled.loop_parts import do_loop, entries_of, parts_of
from bpcli.training.compiled.parts import part_of, placed
from bpcli.training.compiled.products import accumulate, product, product_along_rows, product_of_examples
from bpcli.training.compiled.rooms import flat, matrix, space, vector
from bpcli.training.compiled.rows import put, take
from bpcli.training.compiled.sums import accumulate_of_vector, inner, product_of_vector, total, total_of_examples

__all__ = [
    "FASTMATH", "accumulate", "accumulate_of_vector", "arg_max_of_columns", "do_loop", "entries_of", "exp_of_single",
    "flat", "inner", "matrix", "njit", "np", "part_of", "parts_of", "placed", "product", "product_along_rows",
    "product_of_examples", "product_of_vector", "put", "report", "space", "take", "tanh_of_single", "total",
    "total_of_examples", "vector",
]  # fmt: skip

FASTMATH = {"nsz": True, "contract": True}
"""What the compiler may do with formulas: forget the sign of zero, and round a·b + c once. Their order stays."""


def defined(name: str, text: str, place: dict[str, Any]) -> None:
    """Run a source in a namespace, under the name ``<name>`` in tracebacks."""
    file = f"<{name}>"
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
    exec(compile(text, file, "exec"), place)  # noqa: S102 - bp's own formulas, written a moment ago


def function_of(name: str, text: str) -> Any:
    """The function that a source defines. It belongs to this module, so its code can be loaded by any kernel."""
    place = dict(globals())
    defined(name, text, place)
    return place[name]
