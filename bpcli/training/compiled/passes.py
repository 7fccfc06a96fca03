"""Optimisations of a recorded program: fewer operations and passes over memory, the same results."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bpcli.training.compiled.operations import (
    ArgMax,
    ArgMaxOfColumns,
    Dot,
    Elementwise,
    Operation,
    ScalarOperation,
)
from bpcli.training.compiled.program import Program
from bpcli.training.compiled.recorder import disjoint, same_shape
from bpcli.training.compiled.symbols import SymbolicArray
from bpcli.training.compiled.views import Transposed

DTHETA = "dtheta"


@dataclass(frozen=True)
class FusedLoop:
    """Elementwise operations on arrays of one shape, in one loop; ``stored`` names the results that are read later."""

    shape: tuple[Any, ...]
    operations: tuple[Elementwise, ...]
    stored: frozenset[str]

    @property
    def names(self) -> set[str]:
        """The names of the arrays and numbers that it reads and writes."""
        return {name for one in self.operations for name in (*one.reads, one.out)}


def simplified(program: Program) -> list[Operation | FusedLoop]:
    """The operations that affect the program's results; elementwise ones are fused where they can be."""
    operations = _unturned(_accumulated(list(program.operations), program.symbols), program.symbols)
    needed, later = _needed(operations, program)
    return _fused(needed, later, program.symbols)


def _accumulated(operations: list[Operation], symbols: dict[str, SymbolicArray]) -> list[Operation]:
    """For θ ← θ − dθ with a dθ of matrix products alone, subtract each product from its part of θ directly.

    The same holds for any vector in place of θ. The products move to the end,
    because backward still reads the W that they change. dθ is never stored, so
    memory is passed over once instead of three times.
    """
    concerned = [one for one in operations if DTHETA in _blocks_of(one, symbols)]
    if not concerned or concerned[-1] != Elementwise(concerned[-1].out, "subtract", (concerned[-1].out, DTHETA)):
        return operations
    products, update = [one for one in concerned if isinstance(one, Dot)], concerned[-1]
    vector = symbols[update.out]
    if len(products) < len(concerned) - 1:
        return operations
    after = operations[operations.index(update) + 1 :]
    if any(vector.root in _blocks_of(one, symbols) for one in after):
        return operations
    if not _operands_unchanged(products, operations, symbols):
        return operations
    moved = [replace(product, out=_same_part(vector, symbols[product.out]).name, factor=1.0) for product in products]
    return [one for one in operations if one not in concerned] + list(moved)


def _unturned(operations: list[Operation], symbols: dict[str, SymbolicArray]) -> list[Operation]:
    """Look for the largest entries of a transposed copy's rows in the columns of what was copied.

    NumPy is faster on the copy; here the columns are looked through side by side, and no copy is needed.
    """
    found: list[Operation] = []
    copies: dict[str, str] = {}
    for operation in operations:
        of = copies.get(operation.array) if isinstance(operation, ArgMax) else None
        found.append(operation if of is None else ArgMaxOfColumns(operation.out, of))
        written = _root(operation.out, symbols)
        copies = {copy: of for copy, of in copies.items() if written not in (_root(copy, symbols), _root(of, symbols))}
        copies |= _transposed_copy(operation, symbols)
    return found


def _transposed_copy(operation: Operation, symbols: dict[str, SymbolicArray]) -> dict[str, str]:
    """The matrix of which an operation makes a transposed copy, by the copy's name; none where it does not."""
    if not isinstance(operation, Elementwise) or operation.ufunc != "positive":
        return {}
    copy, view = symbols[operation.out], symbols.get(operation.inputs[0])
    if view is None or view.of is None or not isinstance(view.view, Transposed) or view.dtype != copy.dtype:
        return {}
    return {operation.out: view.of.name} if same_shape(copy.shape, view.shape) else {}


def _blocks_of(operation: Operation, symbols: dict[str, SymbolicArray]) -> set[str]:
    """The blocks that an operation reads or writes."""
    return {_root(name, symbols) for name in (operation.out, *operation.reads)}


def _operands_unchanged(products: list[Dot], operations: list[Operation], symbols: dict[str, SymbolicArray]) -> bool:
    """Whether no operation after a product writes to what the product reads."""
    return not any(
        _root(operation.out, symbols) in {_root(name, symbols) for name in product.reads}
        for product in products
        for operation in operations[operations.index(product) + 1 :]
    )


def _same_part(vector: SymbolicArray, part: SymbolicArray) -> SymbolicArray:
    """The view of ``vector`` that corresponds to ``part``, a view of dθ."""
    if part.of is None or part.view is None:
        return vector
    parent = _same_part(vector, part.of)
    return part.recorder.view(parent, part.view, part.shape, contiguous=part.contiguous)


def _root(name: str, symbols: dict[str, SymbolicArray]) -> str:
    """The block of memory in which an array lies; a number is its own."""
    return symbols[name].root if name in symbols else name


def _needed(operations: list[Operation], program: Program) -> tuple[list[Operation], list[frozenset[str]]]:
    """The operations that affect the results, and for each the blocks and numbers that are read after it."""
    symbols = program.symbols
    live = {*program.results, *program.kept}
    kept: list[Operation] = []
    later: list[frozenset[str]] = []
    for operation in reversed(operations):
        root = _root(operation.out, symbols)
        if root not in live:
            continue
        kept.append(operation)
        later.append(frozenset(live))
        if root not in program.kept and _overwrites(operation, symbols):
            live.discard(root)
        live |= {_root(name, symbols) for name in operation.reads}
    return kept[::-1], later[::-1]


def _overwrites(operation: Operation, symbols: dict[str, SymbolicArray]) -> bool:
    """Whether an operation replaces all of the block or number that it writes."""
    return operation.out not in symbols or (operation.replaces and symbols[operation.out].whole)


def _fused(
    operations: list[Operation], later: list[frozenset[str]], symbols: dict[str, SymbolicArray]
) -> list[Operation | FusedLoop]:
    """Join consecutive elementwise operations into loops; ``later`` says what is read after each operation."""
    found: list[Operation | FusedLoop] = []
    fusing: list[Elementwise] = []
    needed: frozenset[str] = frozenset()

    def finish() -> None:
        if fusing:
            stored = frozenset(one.out for one in fusing if symbols[one.out].root in needed)
            found.append(FusedLoop(symbols[fusing[0].out].shape, tuple(fusing), stored))
            fusing.clear()

    for operation, after in zip(operations, later, strict=True):
        if isinstance(operation, Elementwise):
            if fusing and not _can_join(fusing, operation, symbols):
                finish()
            fusing.append(operation)
            needed = after
        elif isinstance(operation, ScalarOperation):  # it reads no array, so it can precede the loop
            found.append(operation)
        else:
            finish()
            found.append(operation)
    finish()
    return found


def _can_join(fusing: list[Elementwise], operation: Elementwise, symbols: dict[str, SymbolicArray]) -> bool:
    """Whether an operation can join a loop.

    It has the loop's shape, and no view that is written shares entries with another view in the loop.
    """
    if not same_shape(symbols[operation.out].shape, symbols[fusing[0].out].shape):
        return False
    written = {one.out for one in fusing} | {operation.out}
    seen = written | {name for one in (*fusing, operation) for name in one.reads if name in symbols}
    of_one_block = (
        (symbols[name], symbols[other])
        for name in written
        for other in seen
        if name != other and symbols[name].root == symbols[other].root
    )
    return all(disjoint(one, other) for one, other in of_one_block)
