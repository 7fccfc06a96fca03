"""The vector registers of the processor that Numba compiles for, and instructions on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.registry import cpu_target

from bpcli.training.compiled.intrinsics import intrinsic_of

TRIPLE, _, FEATURES = cpu_target.target_context.codegen().magic_tuple()
"""The system and the features that Numba compiles for, which a user may set (``NUMBA_CPU_FEATURES``)."""

VECTOR = 64 if "+avx512f" in FEATURES else 32 if "+avx" in FEATURES else 16
"""The bytes of a vector register."""

REGISTERS = 16 if TRIPLE.startswith("x86") and VECTOR < 64 else 32
"""How many vector registers there are."""

INDEX, SHORT = ir.IntType(64), ir.IntType(32)


class Instructions:
    """Writes instructions on vectors of one precision; steps are in entries, addresses in bytes."""

    def __init__(self, context: Any, builder: Any, kind: Any) -> None:
        self.builder, self.entry = builder, context.get_value_type(kind)
        self.size = kind.bitwidth // 8
        self.lanes = VECTOR // self.size
        self.vector = ir.VectorType(self.entry, self.lanes)

    def bytes(self, entries: Any) -> Any:
        """So many entries in bytes."""
        return self.builder.mul(entries, integer(self.size))

    def load(self, address: Any, kind: Any = None) -> Any:
        """What is at an address, a vector by default."""
        kind = kind or self.vector
        return self.builder.load(self.builder.inttoptr(address, kind.as_pointer()), align=self.size)

    def store(self, value: Any, address: Any) -> None:
        """Write a value to an address."""
        self.builder.store(value, self.builder.inttoptr(address, value.type.as_pointer()), align=self.size)

    def spread(self, number: Any) -> Any:
        """A vector of one number."""
        undefined = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(undefined, number, ir.Constant(SHORT, 0))
        return self.builder.shuffle_vector(first, undefined, _places([0] * self.lanes))

    def added_product(self, a: Any, b: Any, c: Any) -> Any:
        """a b + c, rounded once where the processor does that as fast."""
        name = f"llvm.fmuladd.v{self.lanes}f{8 * self.size}"
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        insert: Any = cgutils.get_or_insert_function  # which has no types
        return self.builder.call(insert(self.builder.module, kind, name), [a, b, c])

    def zipped(self, a: Any, b: Any) -> tuple[Any, Any]:
        """a₀ b₀ a₁ b₁ …, in two vectors."""
        n = self.lanes
        order = [place for k in range(n) for place in (k, n + k)]
        return (
            self.builder.shuffle_vector(a, b, _places(order[:n])),
            self.builder.shuffle_vector(a, b, _places(order[n:])),
        )

    def repeated(self, count: Any, values: Sequence[Any], step: Callable[[Sequence[Any]], list[Any]]) -> list[Any]:
        """The values after ``step`` was done ``count`` ≥ 1 times."""
        builder, before = self.builder, self.builder.block
        loop, end = builder.append_basic_block("loop"), builder.append_basic_block("end")
        builder.branch(loop)
        builder.position_at_end(loop)
        first = [integer(0), *values]
        now = [builder.phi(value.type) for value in first]
        after = [builder.add(now[0], integer(1)), *step(now[1:])]
        for phi, value, later in zip(now, first, after, strict=True):
            phi.add_incoming(value, before)
            phi.add_incoming(later, loop)
        builder.cbranch(builder.icmp_signed("<", after[0], count), loop, end)
        builder.position_at_end(end)
        return after[1:]


def integer(value: int) -> Any:
    """A constant."""
    return ir.Constant(INDEX, value)


def instructions(names: str, write: Callable[..., Any], *, returns: bool = False) -> Any:
    """A function for compiled code with arguments of these names, whose instructions ``write`` writes.

    The first argument is a number of the precision meant; it ``returns`` such a number, or nothing. ``keep``
    is true or false, the others are integers.
    """
    _, *others = names.split()

    def typed(context: Any, kind: Any, *_: Any) -> Any:  # noqa: ARG001 - as Numba calls it
        kinds = [types.boolean if name == "keep" else types.intp for name in others]
        return (kind if returns else types.void)(kind, *kinds), made

    def made(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = write(Instructions(context, builder, signature.args[0]), *arguments)
        return value if returns else context.get_dummy_value()

    return intrinsic_of(typed, names.split())


def _places(order: list[int]) -> Any:
    return ir.Constant(ir.VectorType(SHORT, len(order)), order)
