"""The lines of a step, and the routines that they call: what is alike is written once, long loops in parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable

from bpcli.training.compiled.array_names import X_VECTOR, ArrayNames
from bpcli.training.compiled.loops import LoopWriter
from bpcli.training.compiled.operations import Operation, ReleaseEntry, ScalarOperation
from bpcli.training.compiled.outlining import OFTEN, Piece, in_place, outlined, piece
from bpcli.training.compiled.overwriting import let_results_lie_in_operands
from bpcli.training.compiled.passes import FusedLoop, simplified
from bpcli.training.compiled.program import RATE, ROOM, STEP, Program, X
from bpcli.training.compiled.recorder import same_shape
from bpcli.training.compiled.shared_loops import NUMBER, shared_loop
from bpcli.training.compiled.views import Transposed


class BodyWriter:
    """Writes the operations of a program."""

    def __init__(self, program: Program, names: ArrayNames) -> None:
        self.program, self.symbols, self.names = program, program.symbols, names

    def written(self) -> tuple[list[str], dict[str, str]]:
        """The lines of a step, and the routines that they call.

        Few layers are written out: the step of a small network takes no longer than some calls.
        """
        operations = simplified(self.program)
        let_results_lie_in_operands(operations, self.program)
        loops = LoopWriter(self.names)
        pieces = [loops.lines(operation) for operation in operations]
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
