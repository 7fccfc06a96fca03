"""When each array of a program is made, and of what, as source."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bpcli.training.compiled.array_names import X_VECTOR, ArrayNames
from bpcli.training.compiled.program import NOISE, ROOM, Program, X
from bpcli.training.compiled.views import Reshaped, Transposed

ONCE, PER_CALL, PER_PART, PER_STEP = "once", "per call", "per part", "per step"
"""When an array is made.

What has a length in proportion to a batch is handed over as room for the largest, in one dimension. Batches of
one size are a part, and for each part the arrays are made of their rooms.

A transpose is made in compiled code, which can tell then that it lies turned in memory. So is an array in one
dimension: each array that is handed over costs time, and its block is handed over anyway.
"""


class ArrayWriter:
    """Writes what makes the arrays of a program, once its loops are written."""

    def __init__(self, program: Program, names: ArrayNames) -> None:
        self.program, self.symbols, self.flat = program, program.symbols, names.flat
        self.placed: dict[str, list[str]] = {}

    def given(self) -> list[str]:
        """The arrays that are arguments and outlive a call."""
        return [name for name in self.program.kept if name not in self.program.inputs]

    def handed(self, name: str) -> str:
        """The argument that an array is handed over as; empty if it is made in compiled code."""
        if self.symbols[name].of is None and self._grows(name):
            return f"{name}_room" if name in self.program.constants else ""
        return name if self._made(name) == ONCE else ""

    def place(self, lines: list[str]) -> None:
        """Give each buffer that lines use and whose length is in proportion to a batch its place in a space.

        All of one precision share a space: each array that is handed over costs time, in a call and to compile.
        """
        used = self._used(lines)
        for name, symbol in self.symbols.items():
            if symbol.of is None and name in used and self._grows(name) and name not in self.program.constants:
                self.placed.setdefault(symbol.dtype.name, []).append(name)

    def buffers(self, lines: list[str]) -> Iterator[str]:
        """The lines that make the memory of what lines use, but what is given."""
        used = self._used(lines)
        given = {*self.given(), *self.program.inputs, ROOM}
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

    def views(self, lines: list[str], place: str) -> list[str]:
        """The lines that make what lines use, and is made at this place, of other arrays."""
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
            if name in self.flat and place == (PER_CALL if own == ONCE else own):
                found.append(f"{self.flat[name]} = flat({name})")
        return found

    def inputs(self, body: list[str]) -> Iterator[str]:
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
        if name in self.given() or name in self.program.inputs:
            return False
        return "m" in re.findall(r"\w+", " ".join(map(str, self.symbols[name].shape)))

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
        if name in self.flat:
            yield f"{self.flat[name]} = flat({name})"

    def _used(self, lines: list[str]) -> set[str]:
        """The arrays that lines mention, and those that they are views of."""
        words = set(re.findall(r"\w+", "\n".join(lines)))
        names = {name for name in self.symbols if name in words or self.flat.get(name) in words}
        for name in list(names):
            symbol = self.symbols[name]
            while symbol.of is not None:
                symbol = symbol.of
                names.add(symbol.name)
        return names
