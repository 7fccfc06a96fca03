"""What formulas need of numbers besides Python's operators, for floats and for recorded numbers alike.

Arrays of objects hold recorded numbers (:mod:`bpcli.explaining.recording.tape`), all others floats.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.explaining.recording.tape import Recorded
from bpcli.nn.expressions import PHI, Floats


def is_recorded(*arrays: Any) -> bool:
    """Whether one of these holds recorded numbers."""
    return any(np.asarray(array).dtype == object for array in arrays)


def apply(function: str, x: Any) -> Any:
    """A function of markup, entry by entry; of a complex number the absolute value by the sign of the real part."""
    if function == "|":
        return choose(x, 0, x, -x)
    if is_recorded(x):
        return _each(lambda one: one.apply(function) if isinstance(one, Recorded) else Floats().apply(function, one), x)
    if function == PHI and np.iscomplexobj(x):  # to first order in the imaginary part, of which nothing else is kept
        density = np.exp(-(np.real(x) ** 2) / 2) / np.sqrt(2 * np.pi)
        return Floats().apply(function, np.real(x)) + 1j * np.imag(x) * density
    return Floats().apply(function, x)


def choose(left: Any, right: Any, there: Any, elsewhere: Any) -> Any:
    """``there`` where left > right, the real parts of complex numbers; ``elsewhere`` in other places."""
    if not is_recorded(left, right):
        holds = np.real(left) > np.real(right)
        if not is_recorded(there, elsewhere):
            return np.where(holds, there, elsewhere)
        return _each(lambda where, yes, no: yes if where else no, holds, there, elsewhere)
    return _each(_chosen, left, right, there, elsewhere)


def equal(x: Any, y: Any) -> Any:
    """1 where two are equal, else 0."""
    return _each(_equal, x, y) if is_recorded(x, y) else (x == y).astype(np.float64)


def times(x: Any, y: Any) -> Any:
    """x·y, and 0 where either is 0: 0 · log 0 is 0, as its limit."""
    value = x * y + 0  # no −0
    if is_recorded(value) or np.isfinite(value).all():
        return value
    return np.where((x == 0) | (y == 0), 0, value)


def as_numbers(value: Any) -> Any:
    """An array of floats, or of recorded numbers where it holds such."""
    return np.asarray(value) if is_recorded(value) else np.asarray(value, np.float64)


def _each(function: Any, *arrays: Any) -> Any:
    return np.asarray(np.frompyfunc(function, len(arrays), 1)(*arrays), object)


def _chosen(left: Any, right: Any, there: Any, elsewhere: Any) -> Any:
    """Of single numbers, one of left and right being recorded."""
    tape = (left if isinstance(left, Recorded) else right).tape
    return tape.number(left).greater(right).choose(there, elsewhere)


def _equal(x: Any, y: Any) -> Any:
    """Of single numbers."""
    recorded, other = (x, y) if isinstance(x, Recorded) else (y, x)
    return recorded.equals(other) if isinstance(recorded, Recorded) else float(x == y)
