"""Loops that write their result where they read: one array less in the processor's cache for each."""

from __future__ import annotations

from collections.abc import Sequence

from bpcli.training.compiled.operations import Operation
from bpcli.training.compiled.passes import FusedLoop
from bpcli.training.compiled.program import Program
from bpcli.training.compiled.recorder import same_shape
from bpcli.training.compiled.symbols import SymbolicArray
from bpcli.training.compiled.views import Same


def let_results_lie_in_operands(operations: Sequence[Operation | FusedLoop], program: Program) -> None:
    """Let what a loop writes first lie in the memory of what it reads last, where both are intermediate results."""
    symbols, mentioned = program.symbols, [_mentioned(one, program) for one in operations]
    for k, loop in enumerate(operations):
        if not isinstance(loop, FusedLoop):
            continue
        before, after = set().union(*mentioned[:k]), set().union(*mentioned[k + 1 :])
        results = [name for name in sorted(loop.stored) if name not in before]
        operands = [name for name in sorted(mentioned[k] - after) if name not in loop.stored]
        for result in results:
            fitting = [one for one in operands if _fit(symbols[result], symbols[one], loop, program)]
            if fitting:
                operands.remove(fitting[0])
                _lie_in(symbols[result], symbols[fitting[0]], symbols)


def _mentioned(operation: Operation | FusedLoop, program: Program) -> set[str]:
    """The blocks that an operation reads or writes."""
    every = operation.operations if isinstance(operation, FusedLoop) else (operation,)
    names = {name for one in every for name in (one.out, *one.reads)}
    return {program.symbols[name].root for name in names if name in program.symbols}


def _fit(result: SymbolicArray, operand: SymbolicArray, loop: FusedLoop, program: Program) -> bool:
    """Whether a loop goes through both entry by entry, knows neither by a view, and neither outlives a step."""
    lasting = {*program.kept, *program.inputs, *program.constants}
    names = [name for name in loop.names if name in program.symbols]
    return result.dtype == operand.dtype and all(
        one.name not in lasting
        and one.of is None
        and one.contiguous
        and same_shape(one.shape, loop.shape)
        and [name for name in names if program.symbols[name].root == one.name] == [one.name]
        for one in (result, operand)
    )


def _lie_in(result: SymbolicArray, operand: SymbolicArray, symbols: dict[str, SymbolicArray]) -> None:
    for symbol in symbols.values():
        if symbol.root == result.name:
            symbol.root = operand.name
    result.of, result.view = operand, Same()
