"""Parts of a loop over long vectors, which the threads of a crew share out: compiled code.

Each entry follows from the same entries of the vectors, so no bit depends on how a loop is cut.
"""

from __future__ import annotations

from bpcli.training.compiled.atomics import acquired
from bpcli.training.compiled.blocks import ROOM
from bpcli.training.compiled.parts import MEMBERS, do_part, do_parts
from bpcli.training.compiled.product_parts import ROOM_OF_CREW
from bpcli.training.compiled.rooms import address
from bpcli.training.compiled.routines import compiled_in, routine
from bpcli.training.compiled.worth import LONG_LOOP
from bpcli.training.shards.cutting import LINE


@compiled_in()
def parts_of(length, room):  # type: ignore[no-untyped-def]
    """In how many parts a loop of this length is done: one for each of the crew whose words are behind the room."""
    if length < LONG_LOOP or room.shape[0] < ROOM_OF_CREW:
        return 1
    return acquired(address(room) + ROOM + MEMBERS)


@compiled_in()
def entries_of(number, count, length):  # type: ignore[no-untyped-def]
    """Where a part begins, a multiple of ``LINE`` entries, and how many it has; the last one has what is left."""
    lines = length // LINE
    start = lines * number // count * LINE
    stop = length if number + 1 == count else lines * (number + 1) // count * LINE
    return start, stop - start


@routine()
def do_loop(part, given, count, room):  # type: ignore[no-untyped-def]
    """Do all parts, several together with the crew; arguments are as those of ``do_parts``."""
    if count > 1:
        do_parts(part, given, count, address(room) + ROOM, 0)
    else:
        do_part(part, 0, given, 0)
