"""A program written out as the source of a module that Numba compiles.

Widths, settings and the number of examples are arguments, so one compiled
function serves every network of the same structure. See :mod:`bpcli.training.compiled.loops`
for what becomes of a step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bpcli.training.compiled.loops import VECTOR, Loops
from bpcli.training.compiled.passes import simplified
from bpcli.training.compiled.recording import Program, X, Y

MADE_ONCE, TURNED, PER_STEP = "made once", "turned", "per step"
"""Where an array is made. A transpose is made in compiled code, which can tell then that it lies turned in memory."""

LENGTHS = ("P = theta.shape[0]", "S = sums.shape[0]")

MODULE = '''"""Made by bp from its own formulas."""

import numpy as np
from numba import njit

from bpcli.training.compiled.products import accumulate, accumulate_of_rows, inner, product
from bpcli.training.compiled.products import product_along_rows, product_of_rows, total


def arrays({kept}, sizes, m):
    """What ``run`` works on for batches of m examples: views of what training keeps, and buffers."""
{preparation}
    return [{arrays}]


@njit(cache=True, error_model="numpy", fastmath={{"nsz", "contract"}})
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
    return _Layout(program).module()


class _Layout:
    def __init__(self, program: Program) -> None:
        self.program, self.symbols = program, program.symbols
        self.loops = Loops(program.symbols)

    def module(self) -> str:
        program = self.program
        body = [line for step in simplified(program) for line in self.loops.lines(step)]
        turned = self._views(body, TURNED)
        body = [*self._inputs(), *self._views(body, PER_STEP), *body]
        words = set(re.findall(r"\w+", "\n".join([*turned, *body])))
        known = [alias for name in self.symbols for alias in (name, self.loops.flat.get(name, name))]
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
        names = {name for name in self.symbols if name in words or self.loops.flat.get(name) in words}
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
            if name in self.loops.flat:
                found.append(f"{self.loops.flat[name]} = {name}.reshape(-1)")
        return found

    def _inputs(self) -> Iterator[str]:
        single = self.program.single
        a, b = ("k", "k + 1") if single else ("k * m", "(k + 1) * m")
        yield f"{X} = {X}s[{a}:{b}].T"
        if single:
            yield f"{VECTOR} = {X}s[k]"
        yield f"{Y} = {Y}s[{a}:{b}]" if self.program.class_indices else f"{Y} = {Y}s[:, {a}:{b}]"


def _indented(lines: list[str], depth: int) -> str:
    return "\n".join("    " * depth + line for line in lines)
