"""Arrays and numbers without values: NumPy code run on them writes itself down.

The formulas of ``nn`` are calls of NumPy on arrays. Handed a :class:`Symbol` for
an array, each call arrives here, by NumPy's own protocols (``__array_ufunc__``,
``__array_function__``), and becomes an :mod:`operation <bpcli.training.compiled.operations>`
of a recorder. So whatever the reference path computes, in whatever order,
is what is compiled; no formula is written twice.

Shapes are symbols too, which is why one compiled program serves every width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from bpcli.training.compiled.operations import OfNumbers, Operation, Put, ReadEntry, WriteEntry
from bpcli.training.compiled.views import Indexed, Range, Reshaped, Row, Transposed, View, index_source


class UntraceableError(Exception):
    """NumPy was asked for something that no operation stands for."""


class Records(Protocol):
    """What symbols write themselves down in; :class:`bpcli.training.compiled.recorder.Recorder`."""

    steps: list[Operation]

    def view(self, of: Symbol, view: View, shape: Sequence[Any], *, contiguous: bool, whole: bool = False) -> Symbol:
        """Another look at a block."""
        ...

    def number(self, make: Callable[[str], Operation], prefix: str = "number") -> Number:
        """The number that an operation makes."""
        ...

    def ufunc(self, ufunc: np.ufunc, method: str, inputs: Any, options: dict[str, Any]) -> Any:
        """A ufunc, or a reduction by one."""
        ...

    def function(self, function: Any, arguments: Any, options: Any) -> Any:
        """Another function of NumPy."""
        ...

    def product(self, left: Symbol, right: Symbol, out: Symbol | None = None) -> Any:
        """A matrix product."""
        ...

    def copy(self, out: Symbol, value: Any) -> None:
        """Every entry set."""
        ...

    def take(self, array: Symbol, index: Symbol, *, out: Symbol, mode: str) -> Symbol:
        """The entries that whole numbers name."""
        ...

    def argmax(self, array: Symbol, axis: int, out: Symbol) -> Symbol:
        """The place of each row's largest entry."""
        ...


class Number(NDArrayOperatorsMixin):
    """A number known only when the program runs: a width, a setting, a sum."""

    def __init__(self, recorder: Records, expression: str) -> None:
        self.recorder, self.expression = recorder, expression

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """A number of numbers; with arrays among the inputs, an operation on each entry."""
        if isinstance(options.get("out", (None,))[0], Number):
            del options["out"]  # +=, which leaves the old number as it is
        if options or any(isinstance(one, Symbol) for one in inputs):
            return self.recorder.ufunc(ufunc, method, inputs, options)
        if method != "__call__" or not all(isinstance(one, Number | int | float) for one in inputs):
            raise UntraceableError(f"{ufunc.__name__} of {inputs}")
        operands = tuple(operand(one) for one in inputs)
        return self.recorder.number(lambda name: OfNumbers(name, ufunc.__name__, operands))

    def __bool__(self) -> bool:
        """No branch may depend on a number that is not known yet."""
        raise UntraceableError(f"a branch on {self.expression}")

    def __float__(self) -> float:
        """Nor may anything else that needs its value."""
        raise UntraceableError(f"the value of {self.expression}")

    __int__ = __index__ = __float__

    def __repr__(self) -> str:
        """Its name."""
        return self.expression


class Symbol(NDArrayOperatorsMixin):
    """An array: a block of memory, or a ``view`` of the symbol ``of``.

    ``contiguous`` says that it is in C order without gaps, so that arrays of one
    shape can be walked through side by side; ``whole``, that it sees all of its block.
    """

    def __init__(
        self,
        recorder: Records,
        name: str,
        shape: tuple[Any, ...],
        dtype: np.dtype[Any],
        *,
        contiguous: bool,
        of: Symbol | None = None,
        view: View | None = None,
        whole: bool = True,
    ) -> None:
        self.recorder, self.name, self.shape, self.dtype = recorder, name, shape, dtype
        self.of, self.view, self.contiguous = of, view, contiguous
        self.root: str = name if of is None else of.root
        self.whole: bool = whole and (of is None or of.whole)

    def __getattr__(self, name: str) -> Any:
        """Nothing else of an array can be recorded."""
        if name.startswith("__"):
            raise AttributeError(name)
        raise UntraceableError(f".{name} of an array")

    def __array__(self, *_: Any, **__: Any) -> Any:
        """It has no values."""
        raise UntraceableError("a function of NumPy that needs values")

    @property
    def source(self) -> str:
        """How a view is made, as source; empty for a block."""
        return "" if self.of is None or self.view is None else self.view.source(self.of.name)

    @property
    def size(self) -> Any:
        """The number of entries."""
        return self.shape[0] if self.ndim == 1 else Number(self.recorder, " * ".join(map(written, self.shape)))

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def T(self) -> Symbol:
        """The transpose."""
        return self.recorder.view(
            self, Transposed(), self.shape[::-1], contiguous=self.contiguous and self.ndim == 1, whole=True
        )

    def reshape(self, *shape: Any) -> Symbol:
        """The same block in another shape; −1 stands for all of it."""
        if not self.contiguous:
            raise UntraceableError("reshape of an array with gaps")
        shape = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        if len(shape) == 1 and isinstance(shape[0], int):
            return self.recorder.view(self, Reshaped(), (self.size,), contiguous=True, whole=True)
        return self.recorder.view(self, Reshaped(tuple(map(written, shape))), shape, contiguous=True, whole=True)

    def range(self, start: str, stop: str, length: Any) -> Symbol:
        """A part of a vector, from ``start`` to ``stop``, numbers as source."""
        return self.recorder.view(self, Range(start, stop), (length,), contiguous=True)

    def dot(self, other: Symbol, out: Symbol | None = None) -> Any:
        """The matrix product."""
        return self.recorder.product(self, other, out)

    def take(self, index: Symbol, *, out: Symbol, mode: str) -> Symbol:
        """The entries that whole numbers name."""
        return self.recorder.take(self, index, out=out, mode=mode)

    def argmax(self, axis: int, out: Symbol) -> Symbol:
        """The place of each row's largest entry."""
        return self.recorder.argmax(self, axis, out)

    def fill(self, value: Any) -> None:
        """Set every entry."""
        self.recorder.copy(self, value)

    def __iter__(self) -> Iterator[Symbol]:
        """The rows, where their number is known."""
        if not isinstance(self.shape[0], int):
            raise UntraceableError(f"the rows of {self.name}, {self.shape}")
        return (self[k] for k in range(self.shape[0]))

    def __len__(self) -> int:
        """The length of the first axis, where it is known."""
        if not isinstance(self.shape[0], int):
            raise UntraceableError(f"the length of {self.name}, {self.shape}")
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """An entry of a vector, a row, a range, a range of columns or one column."""
        if isinstance(key, int) and self.ndim == 1:
            return self.recorder.number(lambda name: ReadEntry(name, self.name, key))
        if isinstance(key, int):
            return self.recorder.view(self, Row(key), self.shape[1:], contiguous=self.contiguous)
        parts = key if isinstance(key, tuple) else (key,)
        vector = self.ndim == 1 and self.contiguous and len(parts) == 1
        shape = _sliced(self.shape, parts)
        return self.recorder.view(self, Indexed(tuple(map(index_source, parts))), shape, contiguous=vector)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Set all of it, an entry of a vector, or the entries that whole numbers name."""
        if key is Ellipsis:
            self.recorder.copy(self, value)
        elif isinstance(key, int) and self.ndim == 1:
            self.recorder.steps.append(WriteEntry(self.name, key, operand(value)))
        elif isinstance(key, Symbol) and self.ndim == key.ndim == 1:
            self.recorder.steps.append(Put(self.name, key.name, operand(value)))
        else:
            raise UntraceableError(f"setting {key} of an array of {self.ndim} axes")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """A ufunc becomes an operation on each entry, its ``reduce`` a reduction."""
        return self.recorder.ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        """One of the few other functions of NumPy that the formulas call."""
        return self.recorder.function(function, arguments, options)

    def __repr__(self) -> str:
        """Its name."""
        return self.name


def written(value: Any) -> str:
    """A number as source."""
    return value.expression if isinstance(value, Number) else repr(value)


def operand(value: Any) -> Any:
    """What an operation takes: the name of an array or of a number, or a plain number."""
    if isinstance(value, Symbol):
        return value.name
    if isinstance(value, Number):
        return value.expression
    if isinstance(value, bool | int | float | np.number):
        number = value.item() if isinstance(value, np.number) else value
        return number if np.isfinite(number) else f"np.{number}"
    raise UntraceableError(f"a {type(value).__name__} among the operands")


def _sliced(shape: tuple[Any, ...], key: tuple[Any, ...]) -> tuple[Any, ...]:
    """The shape of an array of this shape after ``[key]``."""
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
    start = part.start or 0
    if start < 0 or part.stop not in (None, 1) or (part.stop == 1 and start):
        raise UntraceableError("a slice of other than all, all but the first ones, or the first one")
    if part.stop == 1:
        return 1
    return whole if not start else f"{whole} - {start}" if isinstance(whole, Number) else whole - start
