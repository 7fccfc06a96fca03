"""Work in parts, which a thread posts and other threads help to do: the compiled code of a crew.

The thread that posts takes parts too, and waits only for parts that another has taken and not ended. So it never
depends on a helper: where none is there, or none has a processor, it does all by itself. Where a helper loses its
processor amid a part, the post takes longer than one thread would, and the next ones are not posted. A part is done
once, and what it computes may not depend on who does it.

``TICKET`` says in one word what there is to take, so that a part is taken by one exchange: which post it is, how many
parts it has, and the next of them. Who has taken a part may read what is posted: it stays until all parts have ended.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from bpcli.training.compiled.atomics import (
    WORD,
    acquired,
    add_to,
    exchanged,
    nanoseconds,
    pause,
    release,
    sched_yield,
    usleep,
)
from bpcli.training.compiled.intrinsics import intrinsic_of
from bpcli.training.compiled.routines import compiled_in, routine
from bpcli.training.compiled.vectors import INDEX

_code: Any = cgutils  # which has no types

APART = 128
"""How far words lie apart that different threads write: no less than what processors hand to each other at once."""

MEMBERS, CLOSED, PART, GIVEN, TICKET, ENDED = 0, WORD, 2 * WORD, 3 * WORD, APART, 2 * APART
"""Where a crew's words are: how many threads there are, whether no more is posted, what does a part and what it is
given, what there is to take, and how many parts have ended."""

ALONE, CLOCK = 3 * APART, 3 * APART + WORD
"""Where the caller's own words are: until when nothing is posted, in ns, and what a clock writes into."""

WORDS = 4 * APART
"""The bytes of a crew's words."""

RELIEF = 16
"""How long nothing is posted after a wait in vain, in terms of the wait: what is lost stays below a sixteenth."""

BITS = 16
"""The bits of a ticket for the number of parts, and for the next of them."""

MASK = (1 << BITS) - 1

SPINS, YIELDS, NAP = 1000, 2000, 50
"""How often a thread looks before it lets others have the processor, how often then before it sleeps; µs of sleep."""

_PART = types.intp, types.intp, types.intp
"""The types of what a part is called with: its number, the address of what is given, and room to work in."""


@routine()
def do_parts(part, given, count, crew, room):  # type: ignore[no-untyped-def]
    """Do the parts 0 … ``count`` − 1, which is less than 2^16, with those who help; return when all have ended.

    ``part`` comes from :data:`part_of` and ``given`` from :data:`placed`; ``room`` is the caller's own.
    """
    began = nanoseconds(crew + CLOCK)
    if began < acquired(crew + ALONE):
        for number in range(count):
            do_part(part, number, given, room)
        return
    release(crew + PART, part)
    release(crew + GIVEN, given)
    release(crew + ENDED, 0)
    post = (acquired(crew + TICKET) >> 2 * BITS) + 1
    release(crew + TICKET, (post << 2 * BITS) + (count << BITS))
    while _take(crew, room):
        pass
    done, waited = nanoseconds(crew + CLOCK), 0
    while acquired(crew + ENDED) < count:
        waited = _wait(waited)
    ended = nanoseconds(crew + CLOCK)
    if ended - done > done - began:
        release(crew + ALONE, ended + RELIEF * (ended - done))


@compiled_in()
def serve(crew, room):  # type: ignore[no-untyped-def]
    """Help until the crew is closed."""
    waited = 0
    while not acquired(crew + CLOSED):
        waited = 0 if _take(crew, room) else _wait(waited)


@routine()
def _take(crew, room):  # type: ignore[no-untyped-def]
    """Take a part and do it; False where there is none."""
    ticket = acquired(crew + TICKET)
    while ticket & MASK < (ticket >> BITS) & MASK:
        if exchanged(crew + TICKET, ticket, ticket + 1):
            do_part(acquired(crew + PART), ticket & MASK, acquired(crew + GIVEN), room)
            add_to(crew + ENDED, 1)
            return True
        ticket = acquired(crew + TICKET)
    return False


@routine()
def _wait(waited):  # type: ignore[no-untyped-def]
    """Wait a moment, after ``waited`` others: the longer it takes, the more is left to other threads."""
    if waited < SPINS:
        pause(0)
    elif waited < SPINS + YIELDS:
        sched_yield()
    else:
        usleep(NAP)
    return waited + 1


def _typed_do(_: Any, *__: Any) -> Any:
    return types.intp(types.intp, *_PART), _call_part


def _call_part(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
    part, *others = arguments
    kind = context.call_conv.get_function_type(types.intp, _PART)
    function = builder.inttoptr(part, kind.as_pointer())
    _, result = context.call_conv.call_function(builder, function, types.intp, _PART, others)
    return result


def _typed_part(context: Any, function: Any, given: Any) -> Any:
    called = context.resolve_function_type(function, (types.intp, given, types.intp), {})

    def made(context: Any, builder: Any, _: Any, __: Any) -> Any:
        convention = context.call_conv
        kind = convention.get_function_type(types.intp, _PART)
        name = f"{builder.function.name}.part{len(builder.module.functions)}"
        part = ir.Function(builder.module, kind, name)
        part.linkage = "internal"
        inside = ir.IRBuilder(part.append_basic_block("entry"))
        number, place, room = convention.get_arguments(part)
        value = inside.load(inside.inttoptr(place, context.get_value_type(given).as_pointer()))
        call = context.get_function(function, called)
        call(inside, [number, value, room])
        context.add_linking_libs(getattr(call, "libs", ()))
        convention.return_value(inside, ir.Constant(INDEX, 0))
        return builder.ptrtoint(part, INDEX)

    return types.intp(function, given), made


def _typed_placed(_: Any, given: Any) -> Any:
    def made(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        place = _code.alloca_once(builder, context.get_value_type(given))
        builder.store(arguments[0], place)
        return builder.ptrtoint(place, INDEX)

    return types.intp(given), made


do_part = intrinsic_of(_typed_do, ["part", "number", "given", "room"])
"""do_part(part, number, given, room): do one part."""

part_of = intrinsic_of(_typed_part, ["function", "given"])
"""part_of(function, given): the address of what calls function(number, given, room), which raises nothing."""

placed = intrinsic_of(_typed_placed, ["given"])
"""placed(given): the address of a tuple, which stays there until the caller returns."""
