"""A program as the source of a module that Numba compiles.

Widths, settings and the number of examples are arguments, so one compiled
function serves every network of the same structure. :mod:`bpcli.training.compiled.loops`
writes the operations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field

from bpcli.training.compiled.array_names import X_VECTOR, ArrayNames
from bpcli.training.compiled.loops import LoopWriter
from bpcli.training.compiled.operations import Operation, ReleaseEntry, ScalarOperation
from bpcli.training.compiled.outlining import OFTEN, Piece, in_calls, in_place, outlined, piece
from bpcli.training.compiled.overwriting import let_results_lie_in_operands
from bpcli.training.compiled.passes import FusedLoop, simplified
from bpcli.training.compiled.program import LOSSES, NOISE, RATE, ROOM, STEP, TALLY, Program, X
from bpcli.training.compiled.recorder import same_shape
from bpcli.training.compiled.shared_loops import NUMBER, shared_loop
from bpcli.training.compiled.views import Reshaped, Transposed

ONCE, PER_CALL, PER_PART, PER_STEP = "once", "per call", "per part", "per step"
"""When an array is made.

What has a length in proportion to a batch is handed over as room for the largest, in one dimension. Batches of
one size are a part, and for each part the arrays are made of their rooms.

A transpose is made in compiled code, which can tell then that it lies turned in memory. So is an array in one
dimension: each array that is handed over costs time, and its block is handed over anyway.
"""

MODULE_HEAD = (
    '"""Made by bp from its own formulas."""\n'
    """
from bpcli.training.compiled.vocabulary import *


def arrays({kept}, sizes, m, {ROOM}):
    # the arrays of run for batches of up to m examples: views of the kept arrays, buffers, and the room of products
    {preparation}
    return [{arrays}]


@njit(nogil=True, error_model="numpy", debug=False, fastmath=FASTMATH, _nrt=False, no_cfunc_wrapper=True)
"""
)

TRAINING = """def run({arrays}, {rows}, {inputs}, {RATE}s, sizes, settings, size, whole, last, most, step):
    # epochs: batches of one size, then one of the last examples, if there are any
    {numbers}
    written = {row}.shape[0] > most
    if written:
        {first_row}
    parts = 2 if last > 0 else 1
    row = first = 0
    for part in range(most * parts):
        rest = part % parts
        m, count = (last, 1) if rest > 0 else (size, whole)
        if written and rest == 0:
            {cleared}
        {views}
        for k in range(count):
            {RATE} = {RATE}s[first + k]
            {body}
            loss = np.float64({loss})
            if not np.isfinite(loss):
                return part // parts, k, {step}, loss
            step = {step}
        row += count * m
        first += count
        if row == {X}.shape[0]:
            row = 0
        if written and rest == parts - 1:
            {next_row}
    return most, whole, step, 0.0
"""

GRADIENT = """def run({arrays}, {inputs}, scale, sizes, settings, m, count):
    {numbers}
    row = 0
    {views}
    for k in range(count):
        {body}
"""


@dataclass(frozen=True)
class Source:
    """A module that Numba compiles, and the routines that it calls besides those that every module may call."""

    text: str
    routines: dict[str, str] = field(default_factory=dict)


def step_source(program: Program) -> Source:
    """The module of a training step: ``arrays`` makes the arguments of ``run``, which takes ``most`` epochs.

    An epoch has ``whole`` batches of ``size`` examples, then one of ``last``, unless that is 0. Where there are rows
    for it, what is kept is written down, in row 0 as it is, then after each epoch. Examples follow one another epoch by
    epoch; where they end, they begin again. ``run`` returns the number of epochs that ended, of steps in the batches of
    the next, and of updates so far, and 0 or, where it stopped because the sum of a batch's terms is not finite, that
    sum.
    """
    return _ModuleWriter(program).module(TRAINING)


def gradient_source(program: Program) -> Source:
    """The module of a shard's gradient: ``run`` writes it and the outputs; nothing where ``count`` is 0."""
    return _ModuleWriter(program).module(GRADIENT)


class _ModuleWriter:
    """Writes a module for a program."""

    def __init__(self, program: Program) -> None:
        self.program, self.symbols = program, program.symbols
        self.names = ArrayNames(program.symbols)
        self.loops = LoopWriter(self.names)
        self.placed: dict[str, list[str]] = {}

    def module(self, template: str) -> Source:
        """The module, with the function ``run`` from this template."""
        program = self.program
        body, routines = self._body()
        self._place(body)
        per_call, per_part = self._views(body, PER_CALL), self._views(body, PER_PART)
        per_step = [*self._inputs(body), *self._views(body, PER_STEP)]
        preparation = [*self._widths(), *self._lengths(), *self._buffers([*per_step, *body])]
        preparation += self._views([*per_step, *body], ONCE)
        per_call, per_part, per_step, body = in_calls([per_call, per_part, per_step], body)
        body = [*per_step, *body]
        given = self._given()
        mentioned = {*given, *re.findall(r"\w+", "\n".join([*per_call, *per_part, *body]))}
        handed = {name: self._handed(name) for name in self.symbols}
        arrays = [argument for argument in handed.values() if argument in mentioned]
        arrays += [f"{kind}_{what}" for kind in self.placed for what in ("space", "places")]
        loss, step = program.results or ("", "")
        sums = [name for name in given if name == LOSSES or name.startswith(TALLY)]
        blocks = {
            "preparation": preparation,
            "numbers": [*self._widths(), *self._settings(), *per_call],
            "views": per_part,
            "body": body,
            "first_row": [f"put({name}_rows, 0, {name})" for name in given],
            "cleared": [f"take({name}, {name}_rows, 0)" for name in sums],
            "next_row": [f"put({name}_rows, part // parts + 1, {name})" for name in given],
        }
        words = {
            "kept": ", ".join(given),
            "rows": ", ".join(f"{name}_rows" for name in given),
            "row": f"{given[0]}_rows",
            "arrays": ", ".join(arrays),
            "inputs": ", ".join(f"{name}s" for name in program.inputs),
            "X": f"{X}s",
            "RATE": RATE,
            "ROOM": ROOM,
            "loss": loss,
            "step": step,
        }
        return Source(_filled(MODULE_HEAD + template, words, blocks), routines)

    def _body(self) -> tuple[list[str], dict[str, str]]:
        """The lines of a step, and the routines that they call.

        Few layers are written out: the step of a small network takes no longer than some calls.
        """
        operations = simplified(self.program)
        let_results_lie_in_operands(operations, self.program)
        pieces = [self.loops.lines(operation) for operation in operations]
        kind, routines = self._kinds().get, dict[str, str]()
        for place, operation in enumerate(operations):
            if self._shared(operation):
                pieces[place], name, routines[name] = shared_loop(pieces[place], kind, ROOM)
        if len(self.program.sizes) - 2 < OFTEN:
            return [line for lines in pieces for line in lines], routines
        body, repeated = outlined([self._piece(*both, kind) for both in zip(operations, pieces, strict=True)], kind)
        return body, routines | repeated

    def _shared(self, operation: Operation | FusedLoop) -> bool:
        """Whether threads share an operation out: a loop over vectors as long as θ.

        Loops over single W stay in the kernel: the last bits of the sums beside them, Σ |W| of a penalty, would change.
        """
        if not isinstance(operation, FusedLoop):
            return False
        theta = self.symbols[self.program.kept[0]]
        return all(same_shape(self.symbols[name].shape, theta.shape) for name in operation.names & {*self.symbols})

    def _piece(self, operation: Operation | FusedLoop, lines: list[str], kind: Callable[[str], Hashable]) -> Piece:
        """The source of an operation as a piece."""
        if isinstance(operation, ScalarOperation | ReleaseEntry):
            return in_place(lines)
        if isinstance(operation, FusedLoop) or operation.out in self.symbols:
            return piece(lines, "", kind)
        return piece(lines, operation.out, kind)

    def _kinds(self) -> dict[str, Hashable]:
        """Of which kind each array and each number is, as far as Numba tells them apart."""
        lengths = re.findall(r"\w+", " ".join(str(length) for one in self.symbols.values() for length in one.shape))
        numbers = [one.out for one in self.program.operations]
        found: dict[str, Hashable] = dict.fromkeys((*lengths, *numbers, *self.program.settings, RATE, STEP), NUMBER)
        for name, symbol in self.symbols.items():
            found[name] = symbol.dtype.name, symbol.ndim, symbol.contiguous, isinstance(symbol.view, Transposed)
            if name in self.names.flat:
                found[self.names.flat[name]] = symbol.dtype.name
        return {**found, X_VECTOR: self.symbols[X].dtype.name}

    def _given(self) -> list[str]:
        """The arrays that are arguments and outlive a call."""
        return [name for name in self.program.kept if name not in self.program.inputs]

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
        if self._grows(symbol.root):
            return PER_PART
        if isinstance(symbol.view, Transposed) or symbol.view == Reshaped():
            return PER_CALL
        return ONCE if symbol.of is None else self._made(symbol.of.name)

    def _grows(self, name: str) -> bool:
        """Whether an array is a buffer whose length is in proportion to a batch."""
        if name in self._given() or name in self.program.inputs:
            return False
        return "m" in re.findall(r"\w+", " ".join(map(str, self.symbols[name].shape)))

    def _handed(self, name: str) -> str:
        """The argument that an array is handed over as; empty if it is made in compiled code."""
        if self.symbols[name].of is None and self._grows(name):
            return f"{name}_room" if name in self.program.constants else ""
        return name if self._made(name) == ONCE else ""

    def _place(self, lines: list[str]) -> None:
        """Give each buffer that lines use and whose length is in proportion to a batch its place in a space.

        All of one precision share a space: each array that is handed over costs time, in a call and to compile.
        """
        used = self._used(lines)
        for name, symbol in self.symbols.items():
            if symbol.of is None and name in used and self._grows(name) and name not in self.program.constants:
                self.placed.setdefault(symbol.dtype.name, []).append(name)

    def _of_room(self, name: str) -> Iterator[str]:
        """The lines that make a buffer of its room, in one dimension and as it is."""
        symbol = self.symbols[name]
        kind = symbol.dtype.name
        room = f"{name}_room, 0"
        if name in self.placed.get(kind, ()):
            room = f"{kind}_space, {kind}_places[{self.placed[kind].index(name)}]"
        if symbol.ndim == 1:
            yield f"{name} = vector({room}, {symbol.size})"
            return
        yield f"{name} = matrix({room}, {', '.join(map(str, symbol.shape))})"
        if name in self.names.flat:
            yield f"{self.names.flat[name]} = flat({name})"

    def _used(self, lines: list[str]) -> set[str]:
        """The arrays that lines mention, and those that they are views of."""
        words = set(re.findall(r"\w+", "\n".join(lines)))
        names = {name for name in self.symbols if name in words or self.names.flat.get(name) in words}
        for name in list(names):
            symbol = self.symbols[name]
            while symbol.of is not None:
                symbol = symbol.of
                names.add(symbol.name)
        return names

    def _buffers(self, lines: list[str]) -> Iterator[str]:
        used = self._used(lines)
        given = {*self._given(), *self.program.inputs, ROOM}
        for kind, names in self.placed.items():
            lengths = ", ".join(str(self.symbols[name].size) for name in names)
            yield f"{kind}_space, {kind}_places = space(np.{kind}, [{lengths}])"
        placed = {name for names in self.placed.values() for name in names}
        for name, symbol in self.symbols.items():
            if symbol.of is not None or name in given or name in placed or name not in used:
                continue
            shape = ", ".join(map(str, symbol.shape))
            made = self.program.constants.get(name) or f"np.empty(({shape},), np.{symbol.dtype.name})"
            yield f"{name}_room = {made}.reshape(-1)" if self._grows(name) else f"{name} = {made}"

    def _views(self, lines: list[str], place: str) -> list[str]:
        used = self._used(lines)
        found: list[str] = []
        for name, symbol in sorted(self.symbols.items(), key=lambda one: one[1].of is not None):  # blocks first
            if name not in used:
                continue
            own = self._made(name)
            if symbol.of is None and own == place == PER_PART:
                found += self._of_room(name)
                continue
            if symbol.of is not None and own == place:
                found.append(f"{name} = {symbol.source}")
            if name in self.names.flat and place == (PER_CALL if own == ONCE else own):
                found.append(f"{self.names.flat[name]} = flat({name})")
        return found

    def _inputs(self, body: list[str]) -> Iterator[str]:
        """The batch: X, and Y, weights and noise where they are used."""
        single = self.program.single
        first, m = ("row + k", "1") if single else ("row + k * m", "m")
        width = self.program.sizes[0]
        yield f"{X} = matrix({X}s, ({first}) * {width}, {m}, {width}).T"
        if single:
            yield f"{X_VECTOR} = vector({X}s, ({first}) * {width}, {width})"
        used = self._used(body)
        for name in self.program.inputs[1:]:
            if name not in used:
                continue
            shape = ", ".join(map(str, self.symbols[name].shape))
            if name.startswith(NOISE):
                yield f"{name} = matrix({name}s, k * {self.symbols[name].size}, {shape})"
            elif self.symbols[name].ndim == 1:
                yield f"{name} = vector({name}s, {first}, {m})"
            else:
                yield f"{name} = {name}s[:, {first}:{first} + {m}]"


def _filled(template: str, words: dict[str, str], blocks: dict[str, list[str]]) -> str:
    """A template with its words, and with the lines of its blocks, each as far to the right as the block's name."""
    text = template.format(**words, **{name: f"{{{name}}}" for name in blocks})

    def lines(found: re.Match[str]) -> str:
        return "\n".join(found[1] + line for line in blocks[found[2]])

    return re.sub(r"^( *)\{(\w+)\}$", lines, text, flags=re.MULTILINE)
