"""The recorder: what NumPy is asked to do with symbols, as operations in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import numpy as np

from bpcli.training.compiled.operations import ArgMax, CountNonzero, Dot, Each, Inner, Operation, Reduce, Take
from bpcli.training.compiled.symbols import Number, Symbol, UntraceableError, operand
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
ORDER = ("equal", "greater", "greater_equal", "less", "less_equal", "maximum", "minimum", "not_equal")
LOGIC = ("logical_and", "logical_or")
FUNCTIONS_OF_ONE = (
    *("arccos", "arcsin", "arctan", "cos", "cosh", "sin", "sinh", "tan", "tanh"),
    *("exp", "exp2", "expm1", "log", "log10", "log1p", "log2", "sqrt", "square"),
)
COMPILED = frozenset({*ARITHMETIC, *ORDER, *LOGIC, *FUNCTIONS_OF_ONE})
"""The ufuncs that have a compiled form."""


@dataclass
class Recorder:
    """The operations in the order in which they were asked for, and names for what they make."""

    steps: list[Operation] = field(default_factory=list)
    symbols: dict[str, Symbol] = field(default_factory=dict)
    views: dict[tuple[str, View], Symbol] = field(default_factory=dict)
    made: int = 0

    def name(self, prefix: str) -> str:
        """A name that no other thing has."""
        self.made += 1
        return f"{prefix}{self.made}"

    def array(self, name: str, shape: Sequence[Any], dtype: Any, *, contiguous: bool = True) -> Symbol:
        """A block of memory."""
        return self._known(Symbol(self, name, tuple(shape), np.dtype(dtype), contiguous=contiguous))

    def buffer(self, shape: Sequence[Any], dtype: Any) -> Symbol:
        """A block of memory for intermediate results."""
        return self.array(self.name("buffer"), shape, dtype)

    def view(self, of: Symbol, view: View, shape: Sequence[Any], *, contiguous: bool, whole: bool = False) -> Symbol:
        """Another look at a block; the same look is the same symbol."""
        key = of.name, view
        if key not in self.views:
            made = Symbol(
                self, self.name("view"), tuple(shape), of.dtype, contiguous=contiguous, of=of, view=view, whole=whole
            )
            self.views[key] = self._known(made)
        return self.views[key]

    def number(self, make: Callable[[str], Operation], prefix: str = "number") -> Number:
        """The number that a step makes."""
        name = self.name(prefix)
        self.steps.append(make(name))
        return Number(self, name)

    def _known(self, symbol: Symbol) -> Symbol:
        self.symbols[symbol.name] = symbol
        return symbol

    def ufunc(self, ufunc: np.ufunc, method: str, inputs: Any, options: dict[str, Any]) -> Any:
        """A ufunc as an operation on each entry, its ``reduce`` as a reduction; among numbers alone, a number."""
        out = options.pop("out", (None,))[0]
        if ufunc.signature is not None or ufunc.__name__ not in COMPILED:
            raise UntraceableError(f"numpy.{ufunc.__name__}")
        if method == "reduce" and not set(options) - {"axis"}:
            return self._reduce(ufunc, inputs[0], options.get("axis", 0), out)
        if method != "__call__" or options or ufunc.nout != 1:
            raise UntraceableError(f"numpy.{ufunc.__name__}.{method} with {options}")
        if out is None:
            out = self.buffer(_joint(inputs), _result(ufunc, inputs))
        self.steps.append(Each(out.name, ufunc.__name__, tuple(map(operand, inputs))))
        return out

    def function(self, function: Any, arguments: Any, options: Any) -> Any:
        """One of the few other functions of NumPy that formulas call."""
        if function not in FUNCTIONS:
            raise UntraceableError(f"numpy.{function.__name__}")
        try:
            signature(FUNCTIONS[function]).bind(self, *arguments, **options)
        except TypeError as error:
            raise UntraceableError(f"numpy.{function.__name__} with these arguments ({error})") from error
        return FUNCTIONS[function](self, *arguments, **options)

    def _reduce(self, ufunc: np.ufunc, array: Symbol, axis: int | None, out: Symbol | None) -> Any:
        if axis not in (None, 0, 1) or (out is not None and (axis is None or array.ndim == 1)):
            raise UntraceableError(f"numpy.{ufunc.__name__}.reduce over axis {axis} of {array.ndim}")
        if axis is None or array.ndim == 1:
            flat = array if array.ndim == 1 else array.reshape(-1)
            return self.number(lambda name: Reduce(name, ufunc.__name__, flat.name, None), "sum")
        if out is None:
            out = self.buffer(array.shape[1:] if axis == 0 else array.shape[:1], array.dtype)
        self.steps.append(Reduce(out.name, ufunc.__name__, array.name, axis))
        return out

    def product(self, left: Symbol, right: Symbol, out: Symbol | None = None) -> Any:
        """A matrix product, or the inner product of two vectors, which is a number."""
        if left.ndim == right.ndim == 1:
            return self.number(lambda name: Inner(name, left.name, right.name), "sum")
        if out is None or left.ndim != 2 or right.ndim != 2:
            raise UntraceableError("numpy.dot of these arrays")
        self.steps.append(Dot(out.name, left.name, right.name))
        return out

    def copy(self, out: Symbol, value: Any) -> None:
        """Every entry of ``out`` set, broadcast."""
        self.steps.append(Each(out.name, "positive", (operand(value),)))

    def take(self, array: Symbol, index: Symbol, *, out: Symbol, mode: str) -> Symbol:
        """The entries that whole numbers name."""
        if mode != "clip":
            raise UntraceableError(f"numpy.take with mode {mode}")
        flat = array if array.ndim == 1 else array.reshape(-1)
        self.steps.append(Take(out.name, flat.name, index.name))
        return out

    def argmax(self, array: Symbol, axis: int, out: Symbol) -> Symbol:
        """The place of each row's largest entry."""
        if axis != 1 or array.ndim != 2:
            raise UntraceableError("numpy.argmax along another axis than the second of two")
        self.steps.append(ArgMax(out.name, array.name))
        return out

    def count_nonzero(self, array: Symbol) -> Number:
        """The number of entries that are not zero."""
        flat = array if array.ndim == 1 else array.reshape(-1)
        return self.number(lambda name: CountNonzero(name, flat.name), "count")


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.dot: Recorder.product,
    np.copyto: Recorder.copy,
    np.take: Recorder.take,
    np.argmax: Recorder.argmax,
    np.count_nonzero: Recorder.count_nonzero,
}
"""What else than ufuncs can be recorded."""


def _joint(inputs: Sequence[Any]) -> tuple[Any, ...]:
    """The shape to which the inputs broadcast."""
    shapes = [one.shape for one in inputs if isinstance(one, Symbol)]
    longest = max(len(shape) for shape in shapes)
    padded = [(1,) * (longest - len(shape)) + shape for shape in shapes]
    joint = []
    for lengths in zip(*padded, strict=True):
        several = {str(length): length for length in lengths if not same(length, 1)}
        if len(several) > 1:
            raise UntraceableError(f"broadcasting {shapes}")
        joint.append(next(iter(several.values()), 1))
    return tuple(joint)


def same(one: Any, other: Any) -> bool:
    """Whether two lengths, or two shapes, are the same; those that are not known yet go by their names."""
    return str(one) == str(other)


def apart(one: Symbol, other: Symbol) -> bool:
    """Whether two looks at a block surely share no entry: they are different rows of one array."""
    if one.of is None or one.of is not other.of:
        return False
    return isinstance(one.view, Row) and isinstance(other.view, Row) and one.view != other.view


def _result(ufunc: np.ufunc, inputs: Sequence[Any]) -> np.dtype[Any]:
    """The dtype of a ufunc's result."""
    given = tuple(one.dtype if isinstance(one, Symbol) else float for one in inputs)
    return np.dtype(ufunc.resolve_dtypes((*given, None))[-1])
