"""Arrays and numbers without values: NumPy code run on them writes itself down.

The formulas of ``nn`` are calls of NumPy on arrays. Handed a :class:`Symbol` for
an array, each call arrives here, by NumPy's own protocols (``__array_ufunc__``,
``__array_function__``), and becomes an :mod:`operation <bpcli.training.compiled.operations>`
of a :class:`Recorder`. So whatever the reference path computes, in whatever order,
is what is compiled; no formula is written twice.

Shapes are symbols too, which is why one compiled program serves every width.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from bpcli.training.compiled.operations import (
    ArgMax,
    Count,
    Dot,
    Each,
    Inner,
    OfNumbers,
    Put,
    Read,
    Reduce,
    Step,
    Take,
    Write,
)

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


class UntraceableError(Exception):
    """NumPy was asked for something that no operation stands for."""


@dataclass
class Recorder:
    """The operations in the order in which they were asked for, and names for what they make."""

    steps: list[Step] = field(default_factory=list)
    symbols: dict[str, Symbol] = field(default_factory=dict)
    made: int = 0

    def name(self, prefix: str) -> str:
        """A name that no other thing has."""
        self.made += 1
        return f"{prefix}{self.made}"

    def array(self, name: str, shape: Sequence[Any], dtype: Any, *, contiguous: bool = True) -> Symbol:
        """A block of memory."""
        return self._known(Symbol(self, name, tuple(shape), np.dtype(dtype), name, "", contiguous, whole=True))

    def buffer(self, shape: Sequence[Any], dtype: Any) -> Symbol:
        """A block of memory for intermediate results."""
        return self.array(self.name("buffer"), shape, dtype)

    def view(
        self, of: Symbol, expression: str, shape: Sequence[Any], *, contiguous: bool, whole: bool = False
    ) -> Symbol:
        """Another look at a block: ``expression`` is NumPy, with ``{}`` for the symbol looked at."""
        text, whole = expression.format(of.name), whole and of.whole
        return self._known(
            Symbol(self, self.name("view"), tuple(shape), of.dtype, of.root, text, contiguous, whole=whole)
        )

    def number(self, make: Callable[[str], Step], prefix: str = "number") -> Number:
        """The number that a step makes."""
        name = self.name(prefix)
        self.steps.append(make(name))
        return Number(self, name)

    def _known(self, symbol: Symbol) -> Symbol:
        self.symbols[symbol.name] = symbol
        return symbol


class Number(NDArrayOperatorsMixin):
    """A number known only when the program runs: a width, a setting, a sum."""

    def __init__(self, recorder: Recorder, expression: str) -> None:
        self.recorder, self.expression = recorder, expression

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """A number of numbers; with arrays among the inputs, an operation on each entry."""
        if isinstance(options.get("out", (None,))[0], Number):
            del options["out"]  # +=, which leaves the old number as it is
        if options or any(isinstance(one, Symbol) for one in inputs):
            return _ufunc(self.recorder, ufunc, method, inputs, options)
        if method != "__call__" or not all(isinstance(one, Number | int | float) for one in inputs):
            raise UntraceableError(f"{ufunc.__name__} of {inputs}")
        operands = tuple(_operand(one) for one in inputs)
        return self.recorder.number(lambda name: OfNumbers(name, ufunc.__name__, operands))

    def __bool__(self) -> bool:
        """No branch may depend on a number that is not known yet."""
        raise UntraceableError(f"a branch on {self.expression}")

    def __repr__(self) -> str:
        """Its name."""
        return self.expression


class Symbol(NDArrayOperatorsMixin):
    """An array: ``root`` names the block of memory that it looks at, ``expression`` tells how, "" for the block itself.

    ``contiguous`` says that it is in C order without gaps, so that arrays of one
    shape can be walked through side by side; ``whole``, that it sees all of the block.
    """

    def __init__(
        self,
        recorder: Recorder,
        name: str,
        shape: tuple[Any, ...],
        dtype: np.dtype[Any],
        root: str,
        expression: str,
        contiguous: bool,  # noqa: FBT001 - made by the recorder alone
        *,
        whole: bool,
    ) -> None:
        self.recorder, self.name, self.shape, self.dtype = recorder, name, shape, dtype
        self.root, self.expression, self.contiguous, self.whole = root, expression, contiguous, whole

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def T(self) -> Symbol:
        """The transpose."""
        return self.recorder.view(
            self, "{}.T", self.shape[::-1], contiguous=self.contiguous and self.ndim == 1, whole=True
        )

    def reshape(self, *shape: Any) -> Symbol:
        """The same block in another shape; −1 stands for all of it."""
        if not self.contiguous:
            raise UntraceableError("reshape of an array with gaps")
        if shape == (-1,):
            whole = self.shape[0] if self.ndim == 1 else Number(self.recorder, " * ".join(map(written, self.shape)))
            return self.recorder.view(self, "{}.reshape(-1)", (whole,), contiguous=True, whole=True)
        wanted = ", ".join(map(written, shape))
        return self.recorder.view(self, f"{{}}.reshape({wanted})", shape, contiguous=True, whole=True)

    def dot(self, other: Symbol, out: Symbol) -> Symbol:
        """The matrix product."""
        product: Symbol = _dot(self.recorder, self, other, out)
        return product

    def fill(self, value: Any) -> None:
        """Set every entry."""
        _copyto(self.recorder, self, value)

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
            return self.recorder.number(lambda name: Read(name, self.name, key))
        if isinstance(key, int):
            return self.recorder.view(self, f"{{}}[{key}]", self.shape[1:], contiguous=self.contiguous)
        parts = key if isinstance(key, tuple) else (key,)
        words = ", ".join(map(_slice, parts))
        vector = self.ndim == 1 and self.contiguous and len(parts) == 1
        return self.recorder.view(self, f"{{}}[{words}]", _sliced(self.shape, parts), contiguous=vector)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Set all of it, an entry of a vector, or the entries that whole numbers name."""
        if key is Ellipsis:
            _copyto(self.recorder, self, value)
        elif isinstance(key, int) and self.ndim == 1:
            self.recorder.steps.append(Write(self.name, key, _operand(value)))
        elif isinstance(key, Symbol) and self.ndim == key.ndim == 1:
            self.recorder.steps.append(Put(self.name, key.name, _operand(value)))
        else:
            raise UntraceableError(f"setting {key} of an array of {self.ndim} axes")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """A ufunc becomes an operation on each entry, its ``reduce`` a reduction."""
        return _ufunc(self.recorder, ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        """One of the few other functions of NumPy that the formulas call."""
        if function not in FUNCTIONS:
            raise UntraceableError(f"numpy.{function.__name__}")
        return FUNCTIONS[function](self.recorder, *arguments, **options)

    def __repr__(self) -> str:
        """Its name."""
        return self.name


def written(value: Any) -> str:
    """A number as source."""
    return value.expression if isinstance(value, Number) else repr(value)


def _operand(value: Any) -> Any:
    """What an operation takes: the name of an array or of a number, or a plain number."""
    if isinstance(value, Symbol):
        return value.name
    if isinstance(value, Number):
        return value.expression
    if isinstance(value, bool | int | float | np.number):
        number = value.item() if isinstance(value, np.number) else value
        return number if np.isfinite(number) else f"np.{number}"
    raise UntraceableError(f"a {type(value).__name__} among the operands")


def _slice(part: Any) -> str:
    if part is None:
        return "None"
    if isinstance(part, int):
        return str(part)
    return f"{'' if part.start is None else part.start}:{'' if part.stop is None else part.stop}"


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


def _ufunc(recorder: Recorder, ufunc: np.ufunc, method: str, inputs: Any, options: Any) -> Any:
    out = options.pop("out", (None,))[0]
    if ufunc.signature is not None or ufunc.__name__ not in COMPILED:
        raise UntraceableError(f"numpy.{ufunc.__name__}")
    if method == "reduce" and not set(options) - {"axis"}:
        return _reduce(recorder, ufunc, inputs[0], options.get("axis", 0), out)
    if method != "__call__" or options or ufunc.nout != 1:
        raise UntraceableError(f"numpy.{ufunc.__name__}.{method} with {options}")
    if out is None:
        out = recorder.buffer(_joint(inputs), _result(ufunc, inputs))
    recorder.steps.append(Each(out.name, ufunc.__name__, tuple(map(_operand, inputs))))
    return out


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
    """Whether two looks at a block surely share no entry: they are different rows of one view."""
    rows = [re.fullmatch(r"(\w+)\[(\d+)\]", symbol.expression) for symbol in (one, other)]
    if rows[0] is None or rows[1] is None:
        return False
    return rows[0][1] == rows[1][1] and rows[0][2] != rows[1][2]


def _result(ufunc: np.ufunc, inputs: Sequence[Any]) -> np.dtype[Any]:
    """The dtype of a ufunc's result."""
    given = tuple(one.dtype if isinstance(one, Symbol) else float for one in inputs)
    return np.dtype(ufunc.resolve_dtypes((*given, None))[-1])


def _reduce(recorder: Recorder, ufunc: np.ufunc, array: Symbol, axis: int | None, out: Symbol | None) -> Any:
    if axis not in (None, 0, 1) or (out is not None and (axis is None or array.ndim == 1)):
        raise UntraceableError(f"numpy.{ufunc.__name__}.reduce over axis {axis} of {array.ndim}")
    if axis is None or array.ndim == 1:
        flat = array if array.ndim == 1 else array.reshape(-1)
        return recorder.number(lambda name: Reduce(name, ufunc.__name__, flat.name, None), "sum")
    if out is None:
        out = recorder.buffer(array.shape[1:] if axis == 0 else array.shape[:1], array.dtype)
    recorder.steps.append(Reduce(out.name, ufunc.__name__, array.name, axis))
    return out


def _dot(recorder: Recorder, left: Symbol, right: Symbol, out: Symbol | None = None) -> Any:
    if left.ndim == right.ndim == 1:
        return recorder.number(lambda name: Inner(name, left.name, right.name), "sum")
    if out is None or left.ndim != 2 or right.ndim != 2:
        raise UntraceableError("numpy.dot of these arrays")
    recorder.steps.append(Dot(out.name, left.name, right.name))
    return out


def _copyto(recorder: Recorder, out: Symbol, value: Any) -> None:
    recorder.steps.append(Each(out.name, "positive", (_operand(value),)))


def _take(recorder: Recorder, array: Symbol, index: Symbol, *, out: Symbol, mode: str) -> Symbol:
    if mode != "clip":
        raise UntraceableError(f"numpy.take with mode {mode}")
    flat = array if array.ndim == 1 else array.reshape(-1)
    recorder.steps.append(Take(out.name, flat.name, index.name))
    return out


def _argmax(recorder: Recorder, array: Symbol, axis: int, out: Symbol) -> Symbol:
    if axis != 1 or array.ndim != 2:
        raise UntraceableError("numpy.argmax along another axis than the second of two")
    recorder.steps.append(ArgMax(out.name, array.name))
    return out


def _count(recorder: Recorder, array: Symbol) -> Number:
    flat = array if array.ndim == 1 else array.reshape(-1)
    return recorder.number(lambda name: Count(name, flat.name), "count")


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.dot: _dot,
    np.copyto: _copyto,
    np.take: _take,
    np.argmax: _argmax,
    np.count_nonzero: _count,
}
"""What else than ufuncs can be recorded."""
