"""A program as the source of a module that Numba compiles.

Widths, settings and the number of examples are arguments, so one compiled
function serves every network of the same structure. :mod:`bpcli.training.compiled.body`
writes the operations, :mod:`bpcli.training.compiled.arrays` what makes their arrays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bpcli.training.compiled.array_names import ArrayNames
from bpcli.training.compiled.arrays import ONCE, PER_CALL, PER_PART, PER_STEP, ArrayWriter
from bpcli.training.compiled.body import BodyWriter
from bpcli.training.compiled.outlining import in_calls
from bpcli.training.compiled.program import LOSSES, RATE, ROOM, TALLY, Program, X

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
        names = ArrayNames(program.symbols)
        self.program = program
        self.body, self.arrays = BodyWriter(program, names), ArrayWriter(program, names)

    def module(self, template: str) -> Source:
        """The module, with the function ``run`` from this template."""
        program, arrays = self.program, self.arrays
        body, routines = self.body.written()
        arrays.place(body)
        per_call, per_part = arrays.views(body, PER_CALL), arrays.views(body, PER_PART)
        per_step = [*arrays.inputs(body), *arrays.views(body, PER_STEP)]
        preparation = [*self._widths(), *self._lengths(), *arrays.buffers([*per_step, *body])]
        preparation += arrays.views([*per_step, *body], ONCE)
        per_call, per_part, per_step, body = in_calls([per_call, per_part, per_step], body)
        body = [*per_step, *body]
        given = arrays.given()
        mentioned = {*given, *re.findall(r"\w+", "\n".join([*per_call, *per_part, *body]))}
        handed = {name: arrays.handed(name) for name in program.symbols}
        arguments = [argument for argument in handed.values() if argument in mentioned]
        arguments += [f"{kind}_{what}" for kind in arrays.placed for what in ("space", "places")]
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
            "arrays": ", ".join(arguments),
            "inputs": ", ".join(f"{name}s" for name in program.inputs),
            "X": f"{X}s",
            "RATE": RATE,
            "ROOM": ROOM,
            "loss": loss,
            "step": step,
        }
        return Source(_filled(MODULE_HEAD + template, words, blocks), routines)

    def _widths(self) -> list[str]:
        return [f"{name} = sizes[{k}]" for k, name in enumerate(self.program.sizes)]

    def _lengths(self) -> list[str]:
        """The lengths that follow from the given arrays."""
        firsts = {str(self.program.symbols[name].shape[0]): name for name in reversed(self.arrays.given())}
        return [f"{length} = {name}.shape[0]" for length, name in firsts.items() if length.isidentifier()]

    def _settings(self) -> list[str]:
        return [f"{name} = settings[{k}]" for k, name in enumerate(self.program.settings)]


def _filled(template: str, words: dict[str, str], blocks: dict[str, list[str]]) -> str:
    """A template with its words, and with the lines of its blocks, each as far to the right as the block's name."""
    text = template.format(**words, **{name: f"{{{name}}}" for name in blocks})

    def lines(found: re.Match[str]) -> str:
        return "\n".join(found[1] + line for line in blocks[found[2]])

    return re.sub(r"^( *)\{(\w+)\}$", lines, text, flags=re.MULTILINE)
