"""A loop over long vectors written as a routine that does a part of it, so that threads can share it out."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from hashlib import sha256

from bpcli.training.compiled.outlining import renamed

NUMBER = "number"
"""The kind of a number, by which it is told from arrays."""


def shared_loop(lines: Sequence[str], kind: Callable[[str], Hashable], room: str) -> tuple[list[str], str, str]:
    """The lines that do a loop in parts; and the name and the source of the routine that does a part.

    ``lines`` are a loop and what comes before it; all vectors in them have the same length. ``kind`` says of which
    kind an array or a number of the program is, and None of other names. ``room`` is the name of the kernel's room.
    """
    text, names = renamed(lines, kind)
    own = {name: f"a{place}" for place, name in enumerate(names)}
    vectors = [name for name in names if kind(name) != NUMBER]
    body = [
        f"count, {', '.join(own.values())} = given",
        f"start, size = entries_of(number, count, {own[vectors[0]]}.shape[0])",
        *(f"{own[name]} = vector({own[name]}, start, size)" for name in vectors),
        *text.splitlines(),
    ]
    source = "\n    ".join(["(number, given, room):", *body]) + "\n"
    routine = f"part_{sha256(source.encode()).hexdigest()[:16]}"
    given = f"(count_of_parts, {', '.join(names)})"
    calls = [
        f"count_of_parts = parts_of({vectors[0]}.shape[0], {room})",
        f"do_loop(part_of({routine}, {given}), placed({given}), count_of_parts, {room})",
    ]
    return calls, routine, f"def {routine}{source}"
