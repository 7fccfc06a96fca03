"""Words of memory that threads share: 64-bit integers, read and written in an order that all threads see.

What a thread wrote before it released a word is there for a thread that acquired it since, on every processor.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from bpcli.training.compiled.intrinsics import intrinsic_of
from bpcli.training.compiled.routines import compiled_in
from bpcli.training.compiled.vectors import INDEX, SHORT, TRIPLE

_code: Any = cgutils  # which has no types

WORD = 8
"""The bytes of a word."""

PAUSES = {"x86_64": ("llvm.x86.sse2.pause",), "aarch64": ("llvm.aarch64.hint", 1), "arm64": ("llvm.aarch64.hint", 1)}
"""What tells a processor that a thread waits for a word: LLVM's function with its argument, by processor."""

sched_yield: Any = types.ExternalFunction("sched_yield", types.intc())
"""Lets another thread have the processor, if one waits for it."""

usleep: Any = types.ExternalFunction("usleep", types.intc(types.uintc))
"""Sleeps for so many microseconds, or some more."""

_clock_gettime: Any = types.ExternalFunction("clock_gettime", types.intc(types.intc, types.intp))
"""Writes the seconds and the nanoseconds of a clock into two words at an address."""


def _instruction(names: str, write: Callable[..., Any]) -> Any:
    """A function of integers, the first of them an address; ``write`` writes its instructions."""

    def typed(context: Any, *_: Any) -> Any:  # noqa: ARG001 - as Numba calls it
        return types.intp(*[types.intp] * len(names.split())), made

    def made(context: Any, builder: Any, _: Any, arguments: Any) -> Any:  # noqa: ARG001 - as Numba calls it
        address, *others = arguments
        value = write(builder, builder.inttoptr(address, INDEX.as_pointer()), *others)
        return ir.Constant(INDEX, 0) if value is None else value

    return intrinsic_of(typed, names.split())


def _exchange(builder: Any, place: Any, old: Any, new: Any) -> Any:
    found = builder.cmpxchg(place, old, new, "acq_rel", "acquire")
    return builder.zext(builder.extract_value(found, 1), INDEX)


def _pause(builder: Any, _: Any) -> None:
    for name, *given in filter(None, [PAUSES.get(TRIPLE.partition("-")[0])]):
        kind = ir.FunctionType(ir.VoidType(), [SHORT] * len(given))
        builder.call(_code.get_or_insert_function(builder.module, kind, name), [ir.Constant(SHORT, n) for n in given])


acquired = _instruction("address", lambda builder, place: builder.load_atomic(place, "acquire", WORD))
"""acquired(address): the word there, with all that was written before it was released."""

release = _instruction("address word", lambda builder, place, word: builder.store_atomic(word, place, "release", WORD))
"""release(address, word): write a word, and let who acquires it see all that was written before."""

add_to = _instruction("address n", lambda builder, place, n: builder.atomic_rmw("add", place, n, "acq_rel"))
"""add_to(address, n): add to a word; return what was there."""

exchanged = _instruction("address old new", _exchange)
"""exchanged(address, old, new): whether there was ``old``, instead of which there is ``new`` now."""

pause = _instruction("address", _pause)
"""pause(address): wait for some ten cycles."""


@compiled_in()
def report(words, place):  # type: ignore[no-untyped-def]
    """Write 1 as a word of an array, and let who acquires it see all that was written before."""
    release(words.ctypes.data + place * WORD, 1)


@compiled_in()
def nanoseconds(words):  # type: ignore[no-untyped-def]
    """A clock that only goes forward, in ns; at ``words`` are two words of the caller's."""
    _clock_gettime(time.CLOCK_MONOTONIC, words)
    return acquired(words) * 1_000_000_000 + acquired(words + WORD)
