"""The recorder: the calls of NumPy on symbolic arrays, as operations in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import numpy as np

from bpcli.training.compiled.operations import ArgMax, CountNonzero, Dot, Elementwise, Inner, Operation, Reduce, Take
from bpcli.training.compiled.symbols import SymbolicArray, SymbolicNumber, UntraceableError, operand
from bpcli.training.compiled.views import Row, View

ARITHMETIC = (
    "absolute",
    "add",
    "divide",
    "multiply",
    "negative",
    "positive",
    "power",
    "reciprocal",
    "sign",
    "subtract",
)
COMPARISONS = ("equal", "greater", "greater_equal", "less", "less_equal", "maximum", "minimum", "not_equal")
LOGIC = ("logical_and", "logical_or")
FUNCTIONS_OF_ONE = (
    *("arccos", "arcsin", "arctan", "cos", "cosh", "sin", "sinh", "tan", "tanh"),
    *("exp", "exp2", "expm1", "log", "log10", "log1p", "log2", "rint", "sqrt", "square"),
)
COMPILED = frozenset({*ARITHMETIC, *COMPARISONS, *LOGIC, *FUNCTIONS_OF_ONE})
"""The ufuncs that can be compiled."""


@dataclass
class Recorder:
    """The operations in the order of the calls, and their arrays and numbers by name."""

    operations: list[Operation] = field(default_factory=list)
    symbols: dict[str, SymbolicArray] = field(default_factory=dict)
    views: dict[tuple[str, View], SymbolicArray] = field(default_factory=dict)
    made: int = 0

    def name(self, prefix: str) -> str:
        """A name that is not used yet."""
        self.made += 1
        return f"{prefix}{self.made}"

    def array(self, name: str, shape: Sequence[Any], dtype: Any, *, contiguous: bool = True) -> SymbolicArray:
        """A block of memory with a name of its own."""
        return self._registered(SymbolicArray(self, name, tuple(shape), np.dtype(dtype), contiguous=contiguous))

    def buffer(self, shape: Sequence[Any], dtype: Any) -> SymbolicArray:
        """A block of memory for an intermediate result."""
        return self.array(self.name("buffer"), shape, dtype)

    def view(
        self, of: SymbolicArray, view: View, shape: Sequence[Any], *, contiguous: bool, whole: bool = False
    ) -> SymbolicArray:
        """A view of an array; the same view is made once."""
        key = of.name, view
        if key not in self.views:
            made = SymbolicArray(
                self, self.name("view"), tuple(shape), of.dtype, contiguous=contiguous, of=of, view=view, whole=whole
            )
            self.views[key] = self._registered(made)
        return self.views[key]

    def number(self, make: Callable[[str], Operation], prefix: str = "number") -> SymbolicNumber:
        """Record the operation ``make(name)``; return its number, whose name starts with ``prefix``."""
        name = self.name(prefix)
        self.operations.append(make(name))
        return SymbolicNumber(self, name)

    def _registered(self, symbol: SymbolicArray) -> SymbolicArray:
        self.symbols[symbol.name] = symbol
        return symbol

    def ufunc(self, ufunc: np.ufunc, method: str, inputs: Any, options: dict[str, Any]) -> Any:
        """Record a ufunc as an elementwise operation, or its ``reduce`` as a reduction; return the result.

        Raises:
            UntraceableError: the ufunc, or the way in which it is called, cannot be compiled.
        """
        out = options.pop("out", (None,))[0]
        if ufunc.signature is not None or ufunc.__name__ not in COMPILED:
            raise UntraceableError(f"numpy.{ufunc.__name__}")
        if method == "reduce" and not set(options) - {"axis"}:
            return self._reduce(ufunc, inputs[0], options.get("axis", 0), out)
        if method != "__call__" or options or ufunc.nout != 1:
            raise UntraceableError(f"numpy.{ufunc.__name__}.{method} with {options}")
        if out is None:
            out = self.buffer(_broadcast_shape(inputs), _result_dtype(ufunc, inputs))
        self.operations.append(Elementwise(out.name, ufunc.__name__, tuple(map(operand, inputs))))
        return out

    def function(self, function: Any, arguments: Any, options: Any) -> Any:
        """Record one of :data:`FUNCTIONS`; return its result.

        Raises:
            UntraceableError: the function, or its arguments, cannot be compiled.
        """
        if function not in FUNCTIONS:
            raise UntraceableError(f"numpy.{function.__name__}")
        try:
            signature(FUNCTIONS[function]).bind(self, *arguments, **options)
        except TypeError as error:
            raise UntraceableError(f"numpy.{function.__name__} with these arguments ({error})") from error
        return FUNCTIONS[function](self, *arguments, **options)

    def _reduce(self, ufunc: np.ufunc, array: SymbolicArray, axis: int | None, out: SymbolicArray | None) -> Any:
        """Record a reduction over an axis of a matrix, or over all entries, which gives a number."""
        if axis not in (None, 0, 1) or (out is not None and (axis is None or array.ndim == 1)):
            raise UntraceableError(f"numpy.{ufunc.__name__}.reduce over axis {axis} of {array.ndim}")
        if axis is None or array.ndim == 1:
            flat = array if array.ndim == 1 else array.reshape(-1)
            return self.number(lambda name: Reduce(name, ufunc.__name__, flat.name, None), "sum")
        if out is None:
            out = self.buffer(array.shape[1:] if axis == 0 else array.shape[:1], array.dtype)
        self.operations.append(Reduce(out.name, ufunc.__name__, array.name, axis))
        return out

    def product(self, left: SymbolicArray, right: SymbolicArray, out: SymbolicArray | None = None) -> Any:
        """Record a matrix product, or the inner product of two vectors, which is a number."""
        if left.ndim == right.ndim == 1:
            return self.number(lambda name: Inner(name, left.name, right.name), "sum")
        if out is None or left.ndim != 2 or right.ndim != 2:
            raise UntraceableError("numpy.dot of these arrays")
        self.operations.append(Dot(out.name, left.name, right.name))
        return out

    def copy(self, out: SymbolicArray, value: Any) -> None:
        """Record that every entry of ``out`` is set to ``value``, broadcast."""
        self.operations.append(Elementwise(out.name, "positive", (operand(value),)))

    def take(self, array: SymbolicArray, index: SymbolicArray, *, out: SymbolicArray, mode: str) -> SymbolicArray:
        """Record the entries at integer indices."""
        if mode != "clip":
            raise UntraceableError(f"numpy.take with mode {mode}")
        flat = array if array.ndim == 1 else array.reshape(-1)
        self.operations.append(Take(out.name, flat.name, index.name))
        return out

    def argmax(self, array: SymbolicArray, axis: int, out: SymbolicArray) -> SymbolicArray:
        """Record the index of each row's largest entry."""
        if axis != 1 or array.ndim != 2:
            raise UntraceableError("numpy.argmax along another axis than the second of two")
        self.operations.append(ArgMax(out.name, array.name))
        return out

    def count_nonzero(self, array: SymbolicArray) -> SymbolicNumber:
        """Record the number of entries that are not zero."""
        flat = array if array.ndim == 1 else array.reshape(-1)
        return self.number(lambda name: CountNonzero(name, flat.name), "count")


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.dot: Recorder.product,
    np.copyto: Recorder.copy,
    np.take: Recorder.take,
    np.argmax: Recorder.argmax,
    np.count_nonzero: Recorder.count_nonzero,
}
"""The functions other than ufuncs that can be recorded."""


def _broadcast_shape(inputs: Sequence[Any]) -> tuple[Any, ...]:
    """The shape to which the inputs broadcast.

    Raises:
        UntraceableError: an axis has several lengths other than 1.
    """
    shapes = [one.shape for one in inputs if isinstance(one, SymbolicArray)]
    longest = max(len(shape) for shape in shapes)
    padded = [(1,) * (longest - len(shape)) + shape for shape in shapes]
    joint = []
    for lengths in zip(*padded, strict=True):
        several = {str(length): length for length in lengths if not same_shape(length, 1)}
        if len(several) > 1:
            raise UntraceableError(f"broadcasting {shapes}")
        joint.append(next(iter(several.values()), 1))
    return tuple(joint)


def same_shape(one: Any, other: Any) -> bool:
    """Whether two lengths, or two shapes, are the same; symbolic lengths are compared by their expressions."""
    return str(one) == str(other)


def disjoint(one: SymbolicArray, other: SymbolicArray) -> bool:
    """Whether two arrays certainly share no entry, because they are different rows of one array.

    A row counted from the start and one counted from the end may be the same.
    """
    if one.of is None or one.of is not other.of:
        return False
    if not isinstance(one.view, Row) or not isinstance(other.view, Row):
        return False
    return one.view != other.view and (one.view.place < 0) == (other.view.place < 0)


def _result_dtype(ufunc: np.ufunc, inputs: Sequence[Any]) -> np.dtype[Any]:
    """The dtype of a ufunc's result."""
    inputs_dtypes = tuple(one.dtype if isinstance(one, SymbolicArray) else float for one in inputs)
    return np.dtype(ufunc.resolve_dtypes((*inputs_dtypes, None))[-1])
