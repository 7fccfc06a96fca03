"""Elementwise operations in one loop, as source."""

from __future__ import annotations

from typing import Any

from bpcli.training.compiled.array_names import ArrayNames
from bpcli.training.compiled.expressions import expression
from bpcli.training.compiled.operations import Elementwise
from bpcli.training.compiled.passes import FusedLoop
from bpcli.training.compiled.recorder import same_shape


class FusedLoopWriter:
    """Writes fused loops as source."""

    def __init__(self, names: ArrayNames) -> None:
        self.names, self.symbols = names, names.symbols
        self.casts = 0

    def lines(self, group: FusedLoop) -> list[str]:
        """One loop over the entries, with local variables for what is not stored."""
        symbols = self.symbols
        names = group.names & {*symbols}
        flat = all(same_shape(symbols[name].shape, group.shape) and symbols[name].contiguous for name in names)
        before: list[str] = []
        local: dict[str, str] = {}
        inner: list[str] = []
        for operation in group.operations:
            operands = [self._operand(one, operation, group, local, before, flat=flat) for one in operation.inputs]
            value = self._cast(expression(operation.ufunc, operands, self._precision(operation)), operation)
            local[operation.out] = f"t{len(inner)}_{operation.out}"
            inner.append(f"{local[operation.out]} = {value}")
        inner += [f"{self._entry(name, group, flat=flat)} = {local[name]}" for name in sorted(group.stored)]
        if flat or len(group.shape) == 1:
            length = self.names.flattened(group.operations[0].out) + ".shape[0]"
            return [*before, f"for i in range({length}):", *(f"    {line}" for line in inner)]
        rows, columns = group.shape
        walk = [f"for i in range({rows}):", f"    for j in range({columns}):"]
        return [*before, *walk, *(f"        {line}" for line in inner)]

    def _operand(
        self,
        operand: Any,
        operation: Elementwise,
        group: FusedLoop,
        local: dict[str, str],
        before: list[str],
        *,
        flat: bool,
    ) -> str:
        """An operand within the loop; a plain number is converted to the operation's precision ``before`` the loop."""
        if operand in local:
            return local[operand]
        if operand in self.symbols:
            return self._entry(operand, group, flat=flat)
        kind = self._precision(operation)
        if kind is None:
            return str(operand)
        self.casts += 1
        name = f"c{self.casts}"
        before.append(f"{name} = np.{kind}({operand})")
        return name

    def _precision(self, operation: Elementwise) -> str | None:
        """The dtype in which an operation computes, so a plain number does not widen it; None for whole numbers."""
        kinds = {self.symbols[name].dtype for name in (*operation.reads, operation.out) if name in self.symbols}
        floats = {kind for kind in kinds if kind.kind == "f"}
        return max(floats, key=lambda kind: kind.itemsize).name if floats else None

    def _cast(self, value: str, operation: Elementwise) -> str:
        """A value converted as storing it in ``out`` would convert it."""
        out = self.symbols[operation.out].dtype
        kinds = {self.symbols[name].dtype for name in operation.reads if name in self.symbols}
        if kinds <= {out}:
            return value
        if out.kind == "b":  # comparisons give truth values; only a copy converts numbers
            return f"({value} != 0)" if operation.ufunc == "positive" else value
        return f"np.{out.name}({value})"

    def _entry(self, name: str, group: FusedLoop, *, flat: bool) -> str:
        """An array's entry at the loop's indices; along an axis of length 1 it is the first."""
        symbol = self.symbols[name]
        if flat or len(group.shape) == 1:
            return f"{name}[0]" if same_shape(symbol.shape, (1,)) else f"{self.names.flattened(name)}[i]"
        places = ["i", "j"][2 - symbol.ndim :]
        lengths = group.shape[2 - symbol.ndim :]
        index = ", ".join(
            place if same_shape(own, length) else "0"
            for place, own, length in zip(places, symbol.shape, lengths, strict=True)
        )
        return f"{self.names.block(name)}[{index}]"
