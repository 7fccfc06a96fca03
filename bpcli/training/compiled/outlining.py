"""What a program does again and again, layer by layer, written once as a routine that is called for each.

The source of one operation is a *piece*. Pieces are alike where their text is the same but for the names of arrays and
numbers. Those that follow one another again and again are joined, so what is done for a layer becomes one call.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

OFTEN = 3
"""How often a piece is done, at least, before it is written apart: in each step a call takes time."""

LOOP, CALL, ROUTINE = 40, 6, 40
"""Milliseconds that it takes to compile a loop, a call, and a routine besides what it does."""

NAMED = "repeated_"
"""What the names of routines begin with."""


@dataclass(frozen=True)
class Piece:
    """Lines of source, and the names of the program's arrays and numbers in them, in the order in which they appear.

    ``made`` are the numbers among them that the lines assign, ``cost`` the milliseconds that they take to compile.
    """

    lines: tuple[str, ...]
    names: tuple[str, ...]
    made: tuple[str, ...]
    like: Hashable
    cost: int


def piece(lines: Sequence[str], made: str, kind: Callable[[str], Hashable]) -> Piece:
    """The piece of one operation, which makes the number ``made``; empty where it makes none.

    ``kind`` says of which kind an array or a number of the program is, and None of other names.
    """
    text, names = renamed(lines, kind)
    cost = sum(LOOP if line.startswith("for ") else CALL for line in lines if not line.startswith(" "))
    return Piece(tuple(lines), names, (made,) * bool(made), (text, *map(kind, names)), cost)


def in_place(lines: Sequence[str]) -> Piece:
    """A piece that is like no other, so it stays where it is.

    Arithmetic of numbers does: a product and a sum are rounded once where they stand together.
    """
    return Piece(tuple(lines), (), (), object(), 0)


def outlined(pieces: Sequence[Piece], kind: Callable[[str], Hashable]) -> tuple[list[str], dict[str, str]]:
    """The lines of all pieces, calls in place of those that are written apart; and the routines by name."""
    pieces = _joined(pieces)
    counts = Counter(one.like for one in pieces)
    lines: list[str] = []
    routines: dict[str, str] = {}
    names: dict[Hashable, str] = {}
    for one in pieces:
        if not _pays(one, counts[one.like]):
            lines += one.lines
            continue
        if one.like not in names:
            name, text = _routine(one, kind)
            names[one.like], routines[name] = name, text
        given = ", ".join(name for name in one.names if name not in one.made)
        lines.append(f"{', '.join(one.made)}{' = ' * bool(one.made)}{names[one.like]}({given})")
    return lines, routines


def in_calls(definitions: Sequence[Sequence[str]], lines: Sequence[str]) -> list[list[str]]:
    """The blocks of definitions, then the lines; what only calls of routines mention is made in these.

    A variable of an array takes long to compile, more than in proportion to how many there are.
    """
    needed = _words(line for line in lines if NAMED not in line)
    made: dict[str, str] = {}
    kept: list[list[str]] = []
    for block in reversed(definitions):
        kept.insert(0, [])
        for line in reversed(block):
            name, value = line.split(" = ", 1)
            if name in needed:
                needed |= _words([value])
                kept[0].insert(0, line)
            else:
                made[name] = value

    def written(line: str) -> str:
        return re.sub(r"\w+", lambda found: written(made[found[0]]) if found[0] in made else found[0], line)

    return [*kept, [written(line) if NAMED in line else line for line in lines]]


def _words(lines: Iterable[str]) -> set[str]:
    return set(re.findall(r"\w+", "\n".join(lines)))


def _pays(one: Piece, count: int) -> bool:
    """Whether it takes less time to compile a piece once and so many calls of it."""
    return count >= OFTEN and (count - 1) * one.cost > ROUTINE + count * CALL


def _joined(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """The pieces, neighbours joined that are neighbours again and again, the most frequent ones first.

    Two that are alike are never joined: these may be whole layers.
    """
    while True:
        alone = Counter(one.like for one in pieces)
        together = Counter(_relation(*pair) for pair in pairwise(pieces) if pair[0].like != pair[1].like)
        usual = [
            relation
            for relation, count in together.items()
            if count >= OFTEN and 2 * count > max(alone[relation[0]], alone[relation[1]])
        ]
        if not usual:
            return pieces
        pieces = _joined_by(max(usual, key=together.__getitem__), pieces)


def _relation(one: Piece, other: Piece) -> tuple[Hashable, Hashable, tuple[int, ...]]:
    """What two pieces are like, and which names of the second one the first has."""
    places = {name: place for place, name in enumerate(one.names)}
    return one.like, other.like, tuple(places.get(name, -1) for name in other.names)


def _joined_by(relation: Hashable, pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces, neighbours joined that have this relation."""
    found: list[Piece] = []
    for one in pieces:
        if found and found[-1].like != one.like and _relation(found[-1], one) == relation:
            last = found.pop()
            names = tuple(dict.fromkeys((*last.names, *one.names)))
            made = (*last.made, *one.made)
            found.append(Piece(last.lines + one.lines, names, made, relation, last.cost + one.cost))
        else:
            found.append(one)
    return found


def _routine(one: Piece, kind: Callable[[str], Hashable]) -> tuple[str, str]:
    """A piece as a function of what it reads, named by its text."""
    text, names = renamed(one.lines, kind)
    places = {name: f"a{place}" for place, name in enumerate(names)}
    given = ", ".join(place for name, place in places.items() if name not in one.made)
    results = ", ".join(places[name] for name in one.made)
    body = "\n".join(f"    {line}" for line in (*text.splitlines(), *[f"return {results}"] * bool(results)))
    name = NAMED + sha256(f"{given}\n{body}".encode()).hexdigest()[:16]
    return name, f"def {name}({given}):\n{body}\n"


def renamed(lines: Iterable[str], kind: Callable[[str], Hashable]) -> tuple[str, tuple[str, ...]]:
    """Lines with the program's names replaced by a0, a1, …, and local ones by b0, b1, …; and the former in order."""
    tree = ast.parse("\n".join(lines))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    found.sort(key=lambda node: (node.lineno, node.col_offset))
    local = {node.id for node in found if isinstance(node.ctx, ast.Store) and kind(node.id) is None}
    names = tuple(dict.fromkeys(node.id for node in found if kind(node.id) is not None))
    others = dict.fromkeys(node.id for node in found if node.id in local)
    new = {name: f"a{place}" for place, name in enumerate(names)}
    new |= {name: f"b{place}" for place, name in enumerate(others)}
    for node in found:
        node.id = new.get(node.id, node.id)
    return ast.unparse(tree), names
