"""The steps of a program as plain loops over arrays, the source that Numba compiles.

A hidden sigmoid layer, for example, becomes

    product(view2, X, buffer13)                          # Z ← W X
    c1 = np.float32(1)                                   # plain numbers in the arrays' precision
    for i in range(n1):
        for j in range(m):
            t0_buffer16 = (view3[i, 0])                  # what a buffer would hold, where no one reads it later
            t1_buffer13 = (buffer13[i, j] + t0_buffer16)
            t2_buffer16 = (-t1_buffer13)
            ...
            buffer16[i, j] = t5_buffer16                 # what is read later is stored

A name that ends in ``_flat`` is the array in one dimension.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from bpcli.training.compiled.operations import (
    ArgMax,
    CountNonzero,
    Dot,
    Each,
    Inner,
    OfNumbers,
    Operation,
    Put,
    ReadEntry,
    Reduce,
    Take,
    WriteEntry,
)
from bpcli.training.compiled.passes import FusedLoop
from bpcli.training.compiled.recorder import same
from bpcli.training.compiled.recording import X
from bpcli.training.compiled.symbols import Symbol
from bpcli.training.compiled.views import Transposed

VECTOR = "x"
"""X where it is one example."""

INFIX = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "power": "**",
    "greater": ">",
    "less": "<",
    "equal": "==",
    "greater_equal": ">=",
    "less_equal": "<=",
    "not_equal": "!=",
}

PREFIX = {"negative": "-", "positive": ""}


class Loops:
    """Writes one step after another; ``flat`` names the arrays that it needed in one dimension."""

    def __init__(self, symbols: dict[str, Symbol]) -> None:
        self.symbols = symbols
        self.flat: dict[str, str] = {}
        self.casts = 0

    def lines(self, step: Operation | FusedLoop) -> list[str]:
        """The statements that do a step."""
        if isinstance(step, FusedLoop):
            return self._group(step)
        return list(self.writers[type(step)](self, step))

    def _flattened(self, name: str) -> str:
        symbol = self.symbols[name]
        if symbol.ndim == 1:
            return name
        return self.flat.setdefault(name, f"{name}_flat")

    def _group(self, group: FusedLoop) -> list[str]:
        symbols = self.symbols
        names = {name for step in group.steps for name in (*step.reads, step.out) if name in symbols}
        flat = all(same(symbols[name].shape, group.shape) and symbols[name].contiguous for name in names)
        before: list[str] = []
        held: dict[str, str] = {}
        inner: list[str] = []
        for step in group.steps:
            operands = [self._entry(one, step, group, held, before, flat=flat) for one in step.inputs]
            value = self._cast(_expression(step.ufunc, operands, self._precision(step)), step)
            held[step.out] = f"t{len(inner)}_{step.out}"
            inner.append(f"{held[step.out]} = {value}")
        inner += [f"{self._at(name, group, flat=flat)} = {held[name]}" for name in sorted(group.stored)]
        if flat or len(group.shape) == 1:
            length = self._flattened(group.steps[0].out) + ".shape[0]"
            return [*before, f"for i in range({length}):", *(f"    {line}" for line in inner)]
        rows, columns = group.shape
        walk = [f"for i in range({rows}):", f"    for j in range({columns}):"]
        return [*before, *walk, *(f"        {line}" for line in inner)]

    def _entry(
        self, operand: Any, step: Each, group: FusedLoop, held: dict[str, str], before: list[str], *, flat: bool
    ) -> str:
        if operand in held:
            return held[operand]
        if operand in self.symbols:
            return self._at(operand, group, flat=flat)
        kind = self._precision(step)
        if kind is None:
            return str(operand)
        self.casts += 1
        name = f"c{self.casts}"
        before.append(f"{name} = np.{kind}({operand})")
        return name

    def _precision(self, step: Each) -> str | None:
        """The precision in which a step counts, so that a plain number does not raise it; None for whole numbers."""
        kinds = {self.symbols[name].dtype for name in (*step.reads, step.out) if name in self.symbols}
        floats = {kind for kind in kinds if kind.kind == "f"}
        return max(floats, key=lambda kind: kind.itemsize).name if floats else None

    def _cast(self, value: str, step: Each) -> str:
        """A value as it would be after it was stored."""
        out = self.symbols[step.out].dtype
        kinds = {self.symbols[name].dtype for name in step.reads if name in self.symbols}
        return value if kinds <= {out} or out.kind == "b" else f"np.{out.name}({value})"

    def _at(self, name: str, group: FusedLoop, *, flat: bool) -> str:
        symbol = self.symbols[name]
        if flat or len(group.shape) == 1:
            return (
                f"{self._flattened(name) if symbol.ndim > 1 else name}[i]"
                if not same(symbol.shape, (1,))
                else f"{name}[0]"
            )
        places = ["i", "j"][2 - symbol.ndim :]
        lengths = group.shape[2 - symbol.ndim :]
        index = ", ".join(
            place if same(own, length) else "0"
            for place, own, length in zip(places, symbol.shape, lengths, strict=True)
        )
        return f"{name}[{index}]"

    def _reduce(self, step: Reduce) -> Iterator[str]:
        array = step.array
        combine: Callable[[str, str], str] = lambda a, b: _expression(step.ufunc, [a, b])  # noqa: E731
        if step.axis is None and step.ufunc == "add" and self.symbols[array].dtype.kind == "f":
            yield f"{step.out} = total({array})"
        elif step.axis is None:
            yield f"{step.out} = {array}[0]"
            yield f"for i in range(1, {array}.shape[0]):"
            yield f"    {step.out} = {combine(step.out, f'{array}[i]')}"
        elif step.axis == 0:
            yield f"for j in range({array}.shape[1]):"
            yield f"    {step.out}[j] = {array}[0, j]"
            yield f"for i in range(1, {array}.shape[0]):"
            yield f"    for j in range({array}.shape[1]):"
            yield f"        {step.out}[j] = {combine(f'{step.out}[j]', f'{array}[i, j]')}"
        else:
            yield f"for i in range({array}.shape[0]):"
            yield f"    held = {array}[i, 0]"
            yield f"    for j in range(1, {array}.shape[1]):"
            yield f"        held = {combine('held', f'{array}[i, j]')}"
            yield f"    {step.out}[i] = held"

    def _dot(self, step: Dot) -> Iterator[str]:
        """By hand where a factor is a vector, or where it may pay as the examples' rows are long; else by BLAS."""
        left, right = self.symbols[step.left], self.symbols[step.right]
        kind = self.symbols[step.out].dtype.name
        if step.factor is not None:
            yield f"factor = np.{kind}(-{step.factor})"
        if same(left.shape[1], 1):
            yield from self._outer(step)
        elif same(right.shape[1], 1):
            yield from self._of_vector(step, kind, transposed=isinstance(left.view, Transposed))
        else:
            name = "product" if step.factor is None else "accumulate"
            if right.root == X and step.right != X:
                name += "_of_rows"
            elif step.right == X and step.factor is None:
                name += "_along_rows"
            yield f"{name}({'' if step.factor is None else 'factor, '}{step.left}, {step.right}, {step.out})"

    def _outer(self, step: Dot) -> Iterator[str]:
        """A column times a row."""
        column, row = self._vector(step.left), self._vector(step.right)
        yield f"for i in range({column}.shape[0]):"
        if same(self.symbols[step.out].shape[1], 1):  # the row is one number
            out = self._vector(step.out)
            yield f"    {out}[i] " + (
                f"= {column}[i] * {row}[0]" if step.factor is None else f"+= factor * {column}[i] * {row}[0]"
            )
            return
        yield f"    held = {column}[i]" if step.factor is None else f"    held = factor * {column}[i]"
        yield f"    for j in range({row}.shape[0]):"
        yield f"        {step.out}[i, j] {'=' if step.factor is None else '+='} held * {row}[j]"

    def _of_vector(self, step: Dot, kind: str, *, transposed: bool) -> Iterator[str]:
        """A matrix times a column: row by row, or, where it is the transpose of one in C order, column by column."""
        vector, out = self._vector(step.right), self._vector(step.out)
        if not transposed or step.factor is not None:
            assign = "=" if step.factor is None else "+= factor *"
            yield f"for i in range({step.left}.shape[0]):"
            yield f"    {out}[i] {assign} inner({step.left}[i], {vector}, np.{kind}(0))"
            return
        yield f"for i in range({out}.shape[0]):"
        yield f"    {out}[i] = np.{kind}(0)"
        yield f"for j in range({vector}.shape[0]):"
        yield f"    held = {vector}[j]"
        yield f"    for i in range({out}.shape[0]):"
        yield f"        {out}[i] += {step.left}[i, j] * held"

    def _vector(self, name: str) -> str:
        """A column or a row as a vector."""
        symbol = self.symbols[name]
        if name == X:
            return VECTOR
        if symbol.of is not None and isinstance(symbol.view, Transposed):
            return self._vector(symbol.of.name)
        return self._flattened(name)

    def _inner(self, step: Inner) -> Iterator[str]:
        yield f"{step.out} = inner({step.left}, {step.right}, 0.0)"

    def _take(self, step: Take) -> Iterator[str]:
        yield f"for i in range({step.out}.shape[0]):"
        yield f"    {step.out}[i] = {step.array}[{step.index}[i]]"

    def _put(self, step: Put) -> Iterator[str]:
        value = f"{step.value}[i]" if step.value in self.symbols else step.value
        yield f"for i in range({step.index}.shape[0]):"
        yield f"    {step.out}[{step.index}[i]] = {value}"

    def _argmax(self, step: ArgMax) -> Iterator[str]:
        yield f"for i in range({step.array}.shape[0]):"
        yield "    best = 0"
        yield f"    for j in range(1, {step.array}.shape[1]):"
        yield f"        if {step.array}[i, j] > {step.array}[i, best]:"
        yield "            best = j"
        yield f"    {step.out}[i] = best"

    def _count(self, step: CountNonzero) -> Iterator[str]:
        yield f"{step.out} = 0"
        yield f"for i in range({step.array}.shape[0]):"
        yield f"    {step.out} += 1 if {step.array}[i] else 0"

    def _read(self, step: ReadEntry) -> Iterator[str]:
        yield f"{step.out} = {step.array}[{step.place}]"

    def _write(self, step: WriteEntry) -> Iterator[str]:
        yield f"{step.out}[{step.place}] = {step.value}"

    def _scalar(self, step: OfNumbers) -> Iterator[str]:
        yield f"{step.out} = {_expression(step.ufunc, [str(one) for one in step.inputs])}"

    writers: ClassVar[dict[type[Operation], Callable[[Loops, Any], Iterator[str]]]] = {
        Reduce: _reduce,
        Dot: _dot,
        Inner: _inner,
        Take: _take,
        Put: _put,
        ArgMax: _argmax,
        CountNonzero: _count,
        ReadEntry: _read,
        WriteEntry: _write,
        OfNumbers: _scalar,
    }


def _expression(ufunc: str, operands: list[str], kind: str | None = None) -> str:
    """A ufunc of entries, in precision ``kind``."""
    if ufunc in INFIX:
        return f"({operands[0]} {INFIX[ufunc]} {operands[1]})"
    if ufunc in PREFIX:
        return f"({PREFIX[ufunc]}{operands[0]})"
    if ufunc == "reciprocal":
        return f"(np.{kind}(1) / {operands[0]})"
    return f"np.{ufunc}({', '.join(operands)})"
