"""A program written out as the source of a function that Numba compiles: plain loops over arrays.

Widths, settings and the number of examples are arguments, so one compiled
function serves every network of the same structure. A hidden sigmoid layer, for
example, becomes

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

import re
from collections.abc import Callable, Iterator
from typing import Any

from bpcli.compiled.operations import (
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
from bpcli.compiled.passes import Group, simplified
from bpcli.compiled.recording import Program, X, Y
from bpcli.compiled.symbols import alike

MADE_ONCE, TURNED, PER_STEP = "made once", "turned", "per step"
"""Where an array is made. A transpose is made in compiled code, which can tell then that it lies turned in memory."""

LENGTHS = ("P = theta.shape[0]", "S = sums.shape[0]")

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

MODULE = '''"""Made by bp from its own formulas."""

import numpy as np
from numba import njit

from bpcli.compiled.products import accumulate, product


def arrays({kept}, sizes, m):
    """What ``run`` works on for batches of m examples: views of what training keeps, and buffers."""
{preparation}
    return [{arrays}]


@njit(cache=True, error_model="numpy", fastmath={{"reassoc", "nsz", "contract"}})
def run({arrays}, {X}s, {Y}s, sizes, settings, m, count, step, loss_sum):
{numbers}
    for k in range(count):
{body}
        loss = np.float64({loss})
        if not np.isfinite(loss):
            return k, {step}, loss_sum, loss
        loss_sum += {weighted}
        step = {step}
    return count, step, loss_sum, 0.0
'''


def source(program: Program) -> str:
    """The whole module: ``arrays`` makes what ``run`` works on, ``run`` takes ``count`` steps.

    ``run`` returns the steps taken, the updates so far, the loss added up and, where it
    stopped because a loss was not finite, that loss.
    """
    return _Writer(program).module()


class _Writer:
    def __init__(self, program: Program) -> None:
        self.program, self.symbols = program, program.symbols
        self.steps = simplified(program)
        self.flat: dict[str, str] = {}
        self.casts = 0

    def module(self) -> str:
        program = self.program
        body = [line for step in self.steps for line in self._lines(step)]
        turned = self._views(body, TURNED)
        body = [*self._inputs(), *self._views(body, PER_STEP), *body]
        words = set(re.findall(r"\w+", "\n".join([*turned, *body])))
        known = [alias for name in self.symbols for alias in (name, self.flat.get(name, name))]
        known = list(dict.fromkeys(known))
        arrays = [name for name in known if name in words and self._place(name) == MADE_ONCE]
        return MODULE.format(
            kept=", ".join(program.kept),
            preparation=_indented([*self._widths(), *LENGTHS, *self._buffers(body), *self._views(body, MADE_ONCE)], 1),
            arrays=", ".join(arrays),
            X=X,
            Y=Y,
            numbers=_indented([*self._widths(), *self._settings(), *turned], 1),
            body=_indented(body, 2),
            loss=program.loss,
            weighted="loss * m" if program.weighted else "loss",
            step=program.step,
        )

    def _widths(self) -> list[str]:
        return [f"{name} = sizes[{k}]" for k, name in enumerate(self.program.sizes)]

    def _settings(self) -> list[str]:
        return [f"{name} = settings[{k}]" for k, name in enumerate(self.program.settings)]

    def _place(self, name: str) -> str:
        """Where an array is made: once, or, where it is turned, in compiled code, or for each batch."""
        if name not in self.symbols:
            return MADE_ONCE
        symbol = self.symbols[name]
        if symbol.root in (X, Y):
            return PER_STEP
        if symbol.expression.endswith(".T"):
            return TURNED
        parents = [word for word in re.findall(r"\w+", symbol.expression) if word in self.symbols]
        return TURNED if any(self._place(parent) == TURNED for parent in parents) else MADE_ONCE

    def _used(self, lines: list[str]) -> set[str]:
        """The symbols that lines mention, and those that they are views of."""
        words = set(re.findall(r"\w+", "\n".join(lines)))
        names = {name for name in self.symbols if name in words or self.flat.get(name) in words}
        todo = list(names)
        while todo:
            for word in re.findall(r"\w+", self.symbols[todo.pop()].expression):
                if word in self.symbols and word not in names:
                    names.add(word)
                    todo.append(word)
        return names

    def _buffers(self, lines: list[str]) -> Iterator[str]:
        used = self._used(lines)
        given = {*self.program.kept, X, Y}
        for name, symbol in self.symbols.items():
            if symbol.expression or name in given or name not in used:
                continue
            if name in self.program.constants:
                yield f"{name} = {self.program.constants[name]}"
            else:
                shape = ", ".join(map(str, symbol.shape))
                yield f"{name} = np.empty(({shape},), np.{symbol.dtype.name})"

    def _views(self, lines: list[str], place: str) -> list[str]:
        used = self._used(lines)
        found = []
        for name, symbol in self.symbols.items():
            if name not in used or self._place(name) != place:
                continue
            if symbol.expression:
                found.append(f"{name} = {symbol.expression}")
            if name in self.flat:
                found.append(f"{self.flat[name]} = {name}.reshape(-1)")
        return found

    def _inputs(self) -> Iterator[str]:
        single = self.program.single
        a, b = ("k", "k + 1") if single else ("k * m", "(k + 1) * m")
        yield f"{X} = {X}s[{a}:{b}].T"
        if single:
            yield f"{VECTOR} = {X}s[k]"
        yield f"{Y} = {Y}s[{a}:{b}]" if self.program.class_indices else f"{Y} = {Y}s[:, {a}:{b}]"

    # One step.

    def _lines(self, step: Step | Group) -> list[str]:
        if isinstance(step, Group):
            return self._group(step)
        return list(WRITERS[type(step)](self, step))

    def _flattened(self, name: str) -> str:
        symbol = self.symbols[name]
        if symbol.ndim == 1:
            return name
        return self.flat.setdefault(name, f"{name}_flat")

    def _group(self, group: Group) -> list[str]:
        symbols = self.symbols
        names = {name for step in group.steps for name in (*step.reads, step.out) if name in symbols}
        flat = all(alike(symbols[name].shape, group.shape) and symbols[name].contiguous for name in names)
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
        self, operand: Any, step: Each, group: Group, held: dict[str, str], before: list[str], *, flat: bool
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

    def _at(self, name: str, group: Group, *, flat: bool) -> str:
        symbol = self.symbols[name]
        if flat or len(group.shape) == 1:
            return (
                f"{self._flattened(name) if symbol.ndim > 1 else name}[i]"
                if not alike(symbol.shape, (1,))
                else f"{name}[0]"
            )
        places = ["i", "j"][2 - symbol.ndim :]
        lengths = group.shape[2 - symbol.ndim :]
        index = ", ".join(
            place if str(own) == str(length) else "0"
            for place, own, length in zip(places, symbol.shape, lengths, strict=True)
        )
        return f"{name}[{index}]"

    def reduce(self, step: Reduce) -> Iterator[str]:
        array, kind = step.array, self.symbols[step.array].dtype.name
        combine: Callable[[str, str], str] = lambda a, b: _expression(step.ufunc, [a, b])  # noqa: E731
        if step.axis is None:
            wide = "float64" if self.symbols[step.array].dtype.kind == "f" else kind
            yield f"{step.out} = np.{wide}({array}[0])"
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

    def dot(self, step: Dot) -> Iterator[str]:
        """By hand where a factor is a vector, else by BLAS."""
        left, right = self.symbols[step.left], self.symbols[step.right]
        kind = self.symbols[step.out].dtype.name
        if step.factor is not None:
            yield f"factor = np.{kind}(-{step.factor})"
        if str(left.shape[1]) == "1":
            yield from self._outer(step)
        elif str(right.shape[1]) == "1":
            yield from self._of_vector(step, kind, transposed=left.expression.endswith(".T"))
        elif step.factor is None:
            yield f"product({step.left}, {step.right}, {step.out})"
        else:
            yield f"accumulate(factor, {step.left}, {step.right}, {step.out})"

    def _outer(self, step: Dot) -> Iterator[str]:
        """A column times a row."""
        column, row = self._vector(step.left), self._vector(step.right)
        yield f"for i in range({column}.shape[0]):"
        if str(self.symbols[step.out].shape[1]) == "1":  # the row is one number
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
        assign = f"{out}[i] = held" if step.factor is None else f"{out}[i] += factor * held"
        if not transposed or step.factor is not None:
            yield f"for i in range({step.left}.shape[0]):"
            yield f"    held = np.{kind}(0)"
            yield f"    for j in range({vector}.shape[0]):"
            yield f"        held += {step.left}[i, j] * {vector}[j]"
            yield f"    {assign}"
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
        if symbol.expression.endswith(".T"):
            return self._vector(symbol.expression.removesuffix(".T"))
        return self._flattened(name)

    def inner(self, step: Inner) -> Iterator[str]:
        yield f"{step.out} = 0.0"
        yield f"for i in range({step.left}.shape[0]):"
        yield f"    {step.out} += {step.left}[i] * {step.right}[i]"

    def take(self, step: Take) -> Iterator[str]:
        yield f"for i in range({step.out}.shape[0]):"
        yield f"    {step.out}[i] = {step.array}[{step.index}[i]]"

    def put(self, step: Put) -> Iterator[str]:
        value = f"{step.value}[i]" if step.value in self.symbols else step.value
        yield f"for i in range({step.index}.shape[0]):"
        yield f"    {step.out}[{step.index}[i]] = {value}"

    def argmax(self, step: ArgMax) -> Iterator[str]:
        yield f"for i in range({step.array}.shape[0]):"
        yield "    best = 0"
        yield f"    for j in range(1, {step.array}.shape[1]):"
        yield f"        if {step.array}[i, j] > {step.array}[i, best]:"
        yield "            best = j"
        yield f"    {step.out}[i] = best"

    def count(self, step: Count) -> Iterator[str]:
        yield f"{step.out} = 0"
        yield f"for i in range({step.array}.shape[0]):"
        yield f"    {step.out} += 1 if {step.array}[i] else 0"

    def read(self, step: Read) -> Iterator[str]:
        yield f"{step.out} = {step.array}[{step.place}]"

    def write(self, step: Write) -> Iterator[str]:
        yield f"{step.out}[{step.place}] = {step.value}"

    def scalar(self, step: OfNumbers) -> Iterator[str]:
        yield f"{step.out} = {_expression(step.ufunc, [str(one) for one in step.inputs])}"


WRITERS: dict[type[Step], Callable[[_Writer, Any], Iterator[str]]] = {
    Reduce: _Writer.reduce,
    Dot: _Writer.dot,
    Inner: _Writer.inner,
    Take: _Writer.take,
    Put: _Writer.put,
    ArgMax: _Writer.argmax,
    Count: _Writer.count,
    Read: _Writer.read,
    Write: _Writer.write,
    OfNumbers: _Writer.scalar,
}


def _indented(lines: list[str], depth: int) -> str:
    return "\n".join("    " * depth + line for line in lines)


def _expression(ufunc: str, operands: list[str], kind: str | None = None) -> str:
    """A ufunc of entries, in precision ``kind``."""
    if ufunc in INFIX:
        return f"({operands[0]} {INFIX[ufunc]} {operands[1]})"
    if ufunc in PREFIX:
        return f"({PREFIX[ufunc]}{operands[0]})"
    if ufunc == "reciprocal":
        return f"(np.{kind}(1) / {operands[0]})"
    return f"np.{ufunc}({', '.join(operands)})"
