"""The operations of a program as source: loops over arrays, which Numba compiles.

A hidden sigmoid layer, for example, becomes

    product_along_rows(view2, X, buffer13, room)         # Z ← W X
    c1 = np.float32(1)                                   # plain numbers in the arrays' precision
    for i in range(n1):
        for j in range(m):
            t0_buffer16 = (view3[i, 0])                  # an intermediate result that no later operation reads
            t1_buffer13 = (buffer13[i, j] + t0_buffer16)
            t2_buffer16 = (-t1_buffer13)
            ...
            buffer16[i, j] = t5_buffer16                 # a result that is read later is stored
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from bpcli.training.compiled.array_names import ArrayNames
from bpcli.training.compiled.expressions import expression
from bpcli.training.compiled.fused_loops import FusedLoopWriter
from bpcli.training.compiled.operations import (
    ArgMax,
    ArgMaxOfColumns,
    CountNonzero,
    Dot,
    Inner,
    Operation,
    Put,
    ReadEntry,
    Reduce,
    ReleaseEntry,
    ScalarOperation,
    Take,
    WriteEntry,
)
from bpcli.training.compiled.passes import FusedLoop
from bpcli.training.compiled.program import ROOM, X
from bpcli.training.compiled.recorder import same_shape
from bpcli.training.compiled.views import Transposed


class LoopWriter:
    """Writes operations as source, its arrays under these names."""

    def __init__(self, names: ArrayNames) -> None:
        self.names, self.symbols = names, names.symbols
        self.fused = FusedLoopWriter(names)

    def lines(self, operation: Operation | FusedLoop) -> list[str]:
        """The lines of source that perform an operation."""
        if isinstance(operation, FusedLoop):
            return self.fused.lines(operation)
        return list(self.writers[type(operation)](self, operation))

    def _of_examples(self, length: Any) -> bool:
        """Whether this is the length of an axis of examples, of which a batch may have any number."""
        return not same_shape(length, 1) and same_shape(length, self.symbols[X].shape[1])

    def _reduce(self, operation: Reduce) -> Iterator[str]:
        array, shape = operation.array, self.symbols[operation.array].shape
        sum_of_floats = operation.ufunc == "add" and self.symbols[array].dtype.kind == "f"
        of_examples = "_of_examples" if self._of_examples(shape[-1]) else ""
        combine: Callable[[str, str], str] = lambda a, b: expression(operation.ufunc, [a, b])  # noqa: E731
        if operation.axis is None and sum_of_floats:
            yield f"{operation.out} = total{of_examples}({array})"
        elif operation.axis is None:
            yield f"{operation.out} = {array}[0]"
            yield f"for i in range(1, {array}.shape[0]):"
            yield f"    {operation.out} = {combine(operation.out, f'{array}[i]')}"
        elif operation.axis == 0:
            yield f"for j in range({array}.shape[1]):"
            yield f"    {operation.out}[j] = {array}[0, j]"
            yield f"for i in range(1, {array}.shape[0]):"
            yield f"    for j in range({array}.shape[1]):"
            yield f"        {operation.out}[j] = {combine(f'{operation.out}[j]', f'{array}[i, j]')}"
        elif sum_of_floats:
            yield f"for i in range({array}.shape[0]):"
            yield f"    {operation.out}[i] = total{of_examples}({array}[i])"
        else:
            yield f"for i in range({array}.shape[0]):"
            yield f"    reduced = {array}[i, 0]"
            yield f"    for j in range(1, {array}.shape[1]):"
            yield f"        reduced = {combine('reduced', f'{array}[i, j]')}"
            yield f"    {operation.out}[i] = reduced"

    def _dot(self, operation: Dot) -> Iterator[str]:
        """A loop where a factor is a vector, otherwise one of the functions in ``products``.

        X lies in memory by examples, for which those functions have a form of their own; so have sums over examples.
        """
        left, right = self.symbols[operation.left], self.symbols[operation.right]
        kind = self.symbols[operation.out].dtype.name
        if operation.factor is not None:
            yield f"factor = np.{kind}(-{operation.factor})"
        if same_shape(left.shape[1], 1):
            yield from self._outer(operation)
        elif same_shape(right.shape[1], 1):
            yield from self._of_vector(operation, kind, transposed=isinstance(left.view, Transposed))
        else:
            name = "product" if operation.factor is None else "accumulate"
            if operation.factor is None and self._of_examples(left.shape[1]):
                name += "_of_examples"
            elif operation.right == X and operation.factor is None:
                name += "_along_rows"
            arguments = ["factor"] * (operation.factor is not None) + [
                operation.left,
                operation.right,
                operation.out,
                ROOM,
            ]
            yield f"{name}({', '.join(arguments)})"

    def _outer(self, operation: Dot) -> Iterator[str]:
        """A column times a row."""
        column, row = self.names.vector(operation.left), self.names.vector(operation.right)
        yield f"for i in range({column}.shape[0]):"
        if same_shape(self.symbols[operation.out].shape[1], 1):  # the row is one number
            out = self.names.vector(operation.out)
            yield f"    {out}[i] " + (
                f"= {column}[i] * {row}[0]" if operation.factor is None else f"+= factor * {column}[i] * {row}[0]"
            )
            return
        yield f"    entry = {column}[i]" if operation.factor is None else f"    entry = factor * {column}[i]"
        yield f"    for j in range({row}.shape[0]):"
        yield f"        {operation.out}[i, j] {'=' if operation.factor is None else '+='} entry * {row}[j]"

    def _of_vector(self, operation: Dot, kind: str, *, transposed: bool) -> Iterator[str]:
        """A matrix times a column: by rows, or by columns where the matrix is the transpose of one in C order."""
        vector, out = self.names.vector(operation.right), self.names.vector(operation.out)
        if self._of_examples(self.symbols[operation.left].shape[1]):
            assert not transposed
            name, factor = ("product", "") if operation.factor is None else ("accumulate", "factor, ")
            yield f"{name}_of_vector({factor}{operation.left}, {vector}, {out})"
            return
        if not transposed or operation.factor is not None:
            yield f"for i in range({operation.left}.shape[0]):"
            assign = "=" if operation.factor is None else "+= factor *"
            yield f"    {out}[i] {assign} inner({operation.left}[i], {vector}, np.{kind}(0))"
            return
        yield f"for i in range({out}.shape[0]):"
        yield f"    {out}[i] = np.{kind}(0)"
        yield f"for j in range({vector}.shape[0]):"
        yield f"    entry = {vector}[j]"
        yield f"    for i in range({out}.shape[0]):"
        yield f"        {out}[i] += {operation.left}[i, j] * entry"

    def _inner(self, operation: Inner) -> Iterator[str]:
        yield f"{operation.out} = inner({operation.left}, {operation.right}, 0.0)"

    def _take(self, operation: Take) -> Iterator[str]:
        yield f"for i in range({operation.out}.shape[0]):"
        yield f"    {operation.out}[i] = {operation.array}[{operation.index}[i]]"

    def _put(self, operation: Put) -> Iterator[str]:
        value = f"{operation.value}[i]" if operation.value in self.symbols else operation.value
        yield f"for i in range({operation.index}.shape[0]):"
        yield f"    {operation.out}[{operation.index}[i]] = {value}"

    def _argmax_of_columns(self, operation: ArgMaxOfColumns) -> Iterator[str]:
        if not same_shape(self.symbols[operation.array].shape[1], 1):
            yield f"arg_max_of_columns({operation.array}, {operation.out}, {ROOM})"
            return
        column = self.names.flattened(operation.array)
        yield "best, largest = 0, " + f"{column}[0]"
        yield f"for i in range(1, {column}.shape[0]):"
        yield f"    if {column}[i] > largest:"
        yield f"        best, largest = i, {column}[i]"
        yield f"{operation.out}[0] = best"

    def _argmax(self, operation: ArgMax) -> Iterator[str]:
        yield f"for i in range({operation.array}.shape[0]):"
        yield "    best = 0"
        yield f"    for j in range(1, {operation.array}.shape[1]):"
        yield f"        if {operation.array}[i, j] > {operation.array}[i, best]:"
        yield "            best = j"
        yield f"    {operation.out}[i] = best"

    def _count(self, operation: CountNonzero) -> Iterator[str]:
        yield f"{operation.out} = 0"
        yield f"for i in range({operation.array}.shape[0]):"
        yield f"    {operation.out} += 1 if {operation.array}[i] else 0"

    def _read(self, operation: ReadEntry) -> Iterator[str]:
        yield f"{operation.out} = {operation.array}[{operation.place}]"

    def _release(self, operation: ReleaseEntry) -> Iterator[str]:
        yield f"report({operation.out}, {operation.place})"

    def _write(self, operation: WriteEntry) -> Iterator[str]:
        yield f"{operation.out}[{operation.place}] = {operation.value}"

    def _scalar(self, operation: ScalarOperation) -> Iterator[str]:
        yield f"{operation.out} = {expression(operation.ufunc, [str(one) for one in operation.inputs])}"

    writers: ClassVar[dict[type[Operation], Callable[[LoopWriter, Any], Iterator[str]]]] = {
        Reduce: _reduce,
        Dot: _dot,
        Inner: _inner,
        Take: _take,
        Put: _put,
        ArgMax: _argmax,
        ArgMaxOfColumns: _argmax_of_columns,
        CountNonzero: _count,
        ReadEntry: _read,
        ReleaseEntry: _release,
        WriteEntry: _write,
        ScalarOperation: _scalar,
    }
