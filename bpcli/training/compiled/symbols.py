"""Symbolic arrays and numbers: NumPy code that runs on them is recorded instead of computed.

The formulas of ``nn`` are calls of NumPy on arrays. On a :class:`SymbolicArray`
each call arrives here through NumPy's protocols (``__array_ufunc__``,
``__array_function__``) and becomes an :mod:`operation <bpcli.training.compiled.operations>`
of a recorder. So exactly what the reference path computes, in its order, is
compiled, and no formula is written twice.

Shapes are symbolic too, so one compiled program serves every width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from bpcli.training.compiled.operations import Operation, Put, ReadEntry, ScalarOperation, WriteEntry
from bpcli.training.compiled.views import Indexed, Range, Reshaped, Row, Transposed, View, index_source


class UntraceableError(Exception):
    """The code calls something of NumPy that has no operation, or needs a value that is not known yet."""


class Records(Protocol):
    """Records operations; :class:`bpcli.training.compiled.recorder.Recorder` does."""

    operations: list[Operation]

    def view(
        self, of: SymbolicArray, view: View, shape: Sequence[Any], *, contiguous: bool, whole: bool = False
    ) -> SymbolicArray:
        """A view of an array."""
        ...

    def number(self, make: Callable[[str], Operation], prefix: str = "number") -> SymbolicNumber:
        """Record the operation ``make(name)``; return its number, whose name starts with ``prefix``."""
        ...

    def ufunc(self, ufunc: np.ufunc, method: str, inputs: Any, options: dict[str, Any]) -> Any:
        """Record a ufunc, or a reduction by one; return its result."""
        ...

    def function(self, function: Any, arguments: Any, options: Any) -> Any:
        """Record another function of NumPy; return its result."""
        ...

    def product(self, left: SymbolicArray, right: SymbolicArray, out: SymbolicArray | None = None) -> Any:
        """Record a matrix product; return its result."""
        ...

    def copy(self, out: SymbolicArray, value: Any) -> None:
        """Record that every entry of ``out`` is set."""
        ...

    def take(self, array: SymbolicArray, index: SymbolicArray, *, out: SymbolicArray, mode: str) -> SymbolicArray:
        """The entries that whole numbers name."""
        ...

    def argmax(self, array: SymbolicArray, axis: int, out: SymbolicArray) -> SymbolicArray:
        """The place of each row's largest entry."""
        ...


class SymbolicNumber(NDArrayOperatorsMixin):
    """A number whose value is known only when the program runs: a width, a setting, a sum."""

    def __init__(self, recorder: Records, expression: str) -> None:
        self.recorder, self.expression = recorder, expression

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Record a number computed from numbers or, with arrays among the inputs, an elementwise operation."""
        if isinstance(options.get("out", (None,))[0], SymbolicNumber):
            del options["out"]  # +=, which here makes a new number
        if options or any(isinstance(one, SymbolicArray) for one in inputs):
            return self.recorder.ufunc(ufunc, method, inputs, options)
        if method != "__call__" or not all(isinstance(one, SymbolicNumber | int | float) for one in inputs):
            raise UntraceableError(f"{ufunc.__name__} of {inputs}")
        operands = tuple(operand(one) for one in inputs)
        return self.recorder.number(lambda name: ScalarOperation(name, ufunc.__name__, operands))

    def __bool__(self) -> bool:
        """Refuse a branch on a value that is not known yet."""
        raise UntraceableError(f"a branch on {self.expression}")

    def __float__(self) -> float:
        """Refuse any other use of a value that is not known yet."""
        raise UntraceableError(f"the value of {self.expression}")

    __int__ = __index__ = __float__

    def __repr__(self) -> str:
        """Its name."""
        return self.expression


class SymbolicArray(NDArrayOperatorsMixin):
    """An array without values: a block of memory, or a ``view`` of the symbolic array ``of``.

    ``root`` names the block. ``contiguous`` says that the array is in C order without
    gaps, so one index serves arrays of the same shape; ``whole``, that it covers its block.
    """

    def __init__(
        self,
        recorder: Records,
        name: str,
        shape: tuple[Any, ...],
        dtype: np.dtype[Any],
        *,
        contiguous: bool,
        of: SymbolicArray | None = None,
        view: View | None = None,
        whole: bool = True,
    ) -> None:
        self.recorder, self.name, self.shape, self.dtype = recorder, name, shape, dtype
        self.of, self.view, self.contiguous = of, view, contiguous
        self.root: str = name if of is None else of.root
        self.whole: bool = whole and (of is None or of.whole)

    def __getattr__(self, name: str) -> Any:
        """Refuse every other method and attribute of an array: none can be recorded."""
        if name.startswith("__"):
            raise AttributeError(name)
        raise UntraceableError(f".{name} of an array")

    def __array__(self, *_: Any, **__: Any) -> Any:
        """Refuse to become an array with values."""
        raise UntraceableError("a function of NumPy that needs values")

    @property
    def source(self) -> str:
        """The expression that makes a view; empty for a block."""
        return "" if self.of is None or self.view is None else self.view.source(self.of.name)

    @property
    def size(self) -> Any:
        """The number of entries."""
        return (
            self.shape[0]
            if self.ndim == 1
            else SymbolicNumber(self.recorder, " * ".join(map(number_source, self.shape)))
        )

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def T(self) -> SymbolicArray:
        """The transpose."""
        return self.recorder.view(
            self, Transposed(), self.shape[::-1], contiguous=self.contiguous and self.ndim == 1, whole=True
        )

    def reshape(self, *shape: Any) -> SymbolicArray:
        """The same entries in another shape; one plain number, −1, makes a vector of them."""
        if not self.contiguous:
            raise UntraceableError("reshape of an array with gaps")
        shape = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        if len(shape) == 1 and isinstance(shape[0], int):
            return self.recorder.view(self, Reshaped(), (self.size,), contiguous=True, whole=True)
        return self.recorder.view(self, Reshaped(tuple(map(number_source, shape))), shape, contiguous=True, whole=True)

    def range(self, start: str, stop: str, length: Any) -> SymbolicArray:
        """The part of a vector from ``start`` to ``stop``, both expressions, of this ``length``."""
        return self.recorder.view(self, Range(start, stop), (length,), contiguous=True)

    def dot(self, other: SymbolicArray, out: SymbolicArray | None = None) -> Any:
        """The matrix product."""
        return self.recorder.product(self, other, out)

    def take(self, index: SymbolicArray, *, out: SymbolicArray, mode: str) -> SymbolicArray:
        """The entries that whole numbers name."""
        return self.recorder.take(self, index, out=out, mode=mode)

    def argmax(self, axis: int, out: SymbolicArray) -> SymbolicArray:
        """The place of each row's largest entry."""
        return self.recorder.argmax(self, axis, out)

    def fill(self, value: Any) -> None:
        """Set every entry."""
        self.recorder.copy(self, value)

    def __iter__(self) -> Iterator[SymbolicArray]:
        """The rows, if their number is known."""
        if not isinstance(self.shape[0], int):
            raise UntraceableError(f"the rows of {self.name}, {self.shape}")
        return (self[k] for k in range(self.shape[0]))

    def __len__(self) -> int:
        """The length of the first axis, if it is known."""
        if not isinstance(self.shape[0], int):
            raise UntraceableError(f"the length of {self.name}, {self.shape}")
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """An entry of a vector as a number, or a view: a row, a slice, a slice of columns, with new axes."""
        if isinstance(key, int) and self.ndim == 1:
            return self.recorder.number(lambda name: ReadEntry(name, self.name, key))
        if isinstance(key, int):
            return self.recorder.view(self, Row(key), self.shape[1:], contiguous=self.contiguous)
        parts = key if isinstance(key, tuple) else (key,)
        vector = self.ndim == 1 and self.contiguous and len(parts) == 1
        shape = _sliced(self.shape, parts)
        return self.recorder.view(self, Indexed(tuple(map(index_source, parts))), shape, contiguous=vector)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Set every entry, one entry of a vector, or the entries at integer indices."""
        if key is Ellipsis:
            self.recorder.copy(self, value)
        elif isinstance(key, int) and self.ndim == 1:
            self.recorder.operations.append(WriteEntry(self.name, key, operand(value)))
        elif isinstance(key, SymbolicArray) and self.ndim == key.ndim == 1:
            self.recorder.operations.append(Put(self.name, key.name, operand(value)))
        else:
            raise UntraceableError(f"setting {key} of an array of {self.ndim} axes")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Record a ufunc as an elementwise operation, its ``reduce`` as a reduction."""
        return self.recorder.ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        """Record one of the few other functions of NumPy that formulas call."""
        return self.recorder.function(function, arguments, options)

    def __repr__(self) -> str:
        """Its name."""
        return self.name


def number_source(value: Any) -> str:
    """A number as an expression."""
    return value.expression if isinstance(value, SymbolicNumber) else repr(value)


def operand(value: Any) -> Any:
    """An operand: the name of an array or of a number, or a plain number.

    Raises:
        UntraceableError: the value is anything else.
    """
    if isinstance(value, SymbolicArray):
        return value.name
    if isinstance(value, SymbolicNumber):
        return value.expression
    if isinstance(value, bool | int | float | np.number):
        number = value.item() if isinstance(value, np.number) else value
        return number if np.isfinite(number) else f"np.{number}"
    raise UntraceableError(f"a {type(value).__name__} among the operands")


def _sliced(shape: tuple[Any, ...], key: tuple[Any, ...]) -> tuple[Any, ...]:
    """The shape of ``array[key]`` for an array of this shape."""
    found, axes = [], iter(shape)
    for part in key:
        if part is None:
            found.append(1)
        elif isinstance(part, int):
            next(axes)
        elif isinstance(part, slice) and part.step is None:
            found.append(_length(next(axes), part))
        else:
            raise UntraceableError(f"indexing by {part}")
    return (*found, *axes)


def _length(whole: Any, part: slice) -> Any:
    """The length that a slice leaves of an axis."""
    start = part.start or 0
    if start < 0 or part.stop not in (None, 1) or (part.stop == 1 and start):
        raise UntraceableError("a slice of other than all, all but the first ones, or the first one")
    if part.stop == 1:
        return 1
    if isinstance(whole, SymbolicNumber) and start:
        return SymbolicNumber(whole.recorder, f"({whole} - {start})")
    return whole - start if start else whole
