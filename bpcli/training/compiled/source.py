"""A program as the source of a module that Numba compiles.

Widths, settings and the number of examples are arguments, so one compiled
function serves every network of the same structure. :mod:`bpcli.training.compiled.loops`
writes the operations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bpcli.training.compiled.loops import X_VECTOR, LoopWriter
from bpcli.training.compiled.passes import simplified
from bpcli.training.compiled.recording import NOISE, RATE, Program, X
from bpcli.training.compiled.views import Reshaped, Transposed

ONCE, PER_CALL, PER_STEP = "once", "per call", "per step"
"""When an array is made.

A transpose is made in compiled code, which can tell then that it lies turned in memory. So is an array in one
dimension: each array that is handed over costs time, and its block is handed over anyway.
"""

MODULE_HEAD = (
    '"""Made by bp from its own formulas."""\n'
    """
import numpy as np
from numba import njit

from bpcli.training.compiled.products import accumulate, accumulate_of_rows, accumulate_of_vector, inner
from bpcli.training.compiled.products import product, product_along_rows, product_of_examples, product_of_rows
from bpcli.training.compiled.products import product_of_vector, total, total_of_examples


def arrays({kept}, sizes, m):
    # the arrays of run for batches of m examples: views of the kept arrays, and buffers
{preparation}
    return [{arrays}]


@njit(nogil=True, error_model="numpy", fastmath={{"nsz", "contract"}})
"""
)

TRAINING = """def run({arrays}, {inputs}, {RATE}s, sizes, settings, m, count, step):
{numbers}
    for k in range(count):
        {RATE} = {RATE}s[k]
{body}
        loss = np.float64({loss})
        if not np.isfinite(loss):
            return k, {step}, loss
        step = {step}
    return count, step, 0.0
"""

GRADIENT = """def run({arrays}, {inputs}, scale, sizes, settings, m, count):
{numbers}
    for k in range(count):
{body}
"""

FORWARD = """def run({arrays}, {inputs}, sizes, settings, m, count):
{numbers}
    for k in range(count):
{body}
"""


def step_source(program: Program) -> str:
    """The module of a training step: ``arrays`` makes the arguments of ``run``, which takes ``count`` steps.

    ``run`` returns the number of steps taken, the number of updates so far, and 0
    or, where it stopped because the sum of a batch's terms is not finite, that sum.
    """
    return _ModuleWriter(program).module(TRAINING)


def gradient_source(program: Program) -> str:
    """The module of a shard's gradient: ``run`` writes it and the outputs; nothing where ``count`` is 0."""
    return _ModuleWriter(program).module(GRADIENT)


def forward_source(program: Program) -> str:
    """The module of a forward pass: ``run`` leaves A_L of the last of ``count`` batches in the last kept array."""
    return _ModuleWriter(program).module(FORWARD)


class _ModuleWriter:
    """Writes a module for a program."""

    def __init__(self, program: Program) -> None:
        self.program, self.symbols = program, program.symbols
        self.loops = LoopWriter(program.symbols)

    def module(self, template: str) -> str:
        """The module, with the function ``run`` from this template."""
        program = self.program
        body = [line for operation in simplified(program) for line in self.loops.lines(operation)]
        per_call = self._views(body, PER_CALL)
        body = [*self._inputs(body), *self._views(body, PER_STEP), *body]
        words = set(re.findall(r"\w+", "\n".join([*per_call, *body])))
        arrays = [name for name in self.symbols if name in words and self._made(name) == ONCE]
        preparation = [*self._widths(), *self._lengths(), *self._buffers(body), *self._views(body, ONCE)]
        loss, step = program.results or ("", "")
        return (MODULE_HEAD + template).format(
            kept=", ".join(self._given()),
            preparation=_indented(preparation, 1),
            arrays=", ".join(arrays),
            inputs=", ".join(f"{name}s" for name in program.inputs),
            RATE=RATE,
            numbers=_indented([*self._widths(), *self._settings(), *per_call], 1),
            body=_indented(body, 2),
            loss=loss,
            step=step,
        )

    def _given(self) -> list[str]:
        """The arrays that are arguments and outlive a call."""
        return [name for name in self.program.kept if not name.startswith("buffer") and name not in self.program.inputs]

    def _widths(self) -> list[str]:
        return [f"{name} = sizes[{k}]" for k, name in enumerate(self.program.sizes)]

    def _lengths(self) -> list[str]:
        """The lengths that follow from the given arrays."""
        firsts = {str(self.symbols[name].shape[0]): name for name in reversed(self._given())}
        return [f"{length} = {name}.shape[0]" for length, name in firsts.items() if length.isidentifier()]

    def _settings(self) -> list[str]:
        return [f"{name} = settings[{k}]" for k, name in enumerate(self.program.settings)]

    def _made(self, name: str) -> str:
        """When an array is made: once, per call, or per step."""
        symbol = self.symbols[name]
        if symbol.root in self.program.inputs:
            return PER_STEP
        if isinstance(symbol.view, Transposed) or symbol.view == Reshaped():
            return PER_CALL
        return ONCE if symbol.of is None else self._made(symbol.of.name)

    def _used(self, lines: list[str]) -> set[str]:
        """The arrays that lines mention, and those that they are views of."""
        words = set(re.findall(r"\w+", "\n".join(lines)))
        names = {name for name in self.symbols if name in words or self.loops.flat.get(name) in words}
        for name in list(names):
            symbol = self.symbols[name]
            while symbol.of is not None:
                symbol = symbol.of
                names.add(symbol.name)
        return names

    def _buffers(self, lines: list[str]) -> Iterator[str]:
        used = self._used(lines)
        given = {*self._given(), *self.program.inputs}
        for name, symbol in self.symbols.items():
            if symbol.of is not None or name in given or name not in used:
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
            if name not in used:
                continue
            own = self._made(name)
            if symbol.of is not None and own == place:
                found.append(f"{name} = {symbol.source}")
            if name in self.loops.flat and place == (PER_CALL if own == ONCE else own):
                found.append(f"{self.loops.flat[name]} = {name}.reshape(-1)")
        return found

    def _inputs(self, body: list[str]) -> Iterator[str]:
        """The batch: X, and Y, weights and noise where they are used."""
        single = self.program.single
        a, b = ("k", "k + 1") if single else ("k * m", "(k + 1) * m")
        yield f"{X} = {X}s[{a}:{b}].T"
        if single:
            yield f"{X_VECTOR} = {X}s[k]"
        used = self._used(body)
        for name in self.program.inputs[1:]:
            if name not in used:
                continue
            if name.startswith(NOISE):
                yield f"{name} = {name}s[k]"
            else:
                rows = self.symbols[name].ndim == 1
                yield f"{name} = {name}s[{a}:{b}]" if rows else f"{name} = {name}s[:, {a}:{b}]"


def _indented(lines: list[str], depth: int) -> str:
    return "\n".join("    " * depth + line for line in lines)
