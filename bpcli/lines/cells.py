"""What a text takes of a line: two cells for a wide East Asian character, none for a mark above another."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

WIDE = frozenset("WF")
"""The classes of wide characters (Unicode Standard Annex 11); those of ambiguous width are narrow here."""

NO_WIDTH = frozenset({"Mn", "Me", "Cf"})
"""The categories of characters that take no cell: marks, and signs that only direct the layout."""

CUT = "…"


def cells(text: str) -> int:
    """How many cells of a line a text takes."""
    return len(text) if text.isascii() else sum(map(_cells_of, text))


@lru_cache(maxsize=4096)
def _cells_of(character: str) -> int:
    if unicodedata.category(character) in NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in WIDE else 1


def padded(text: str, width: int, *, right: bool = False) -> str:
    """The text with spaces up to a width, at its left if it is to stand at the ``right``."""
    space = " " * (width - cells(text))
    return space + text if right else text + space


def shortened(text: str, width: int) -> str:
    """The text, or its beginning and its end with dots between: what tells names apart is often at the end."""
    if cells(text) <= width:
        return text
    room = max(width - 1, 0)
    pieces = _pieces(text)
    end = _fitting(reversed(pieces), (room + 1) // 2)[::-1]
    begin = _fitting(pieces, room - sum(map(cells, end)))
    return "".join([*begin, CUT, *end])


def _pieces(text: str) -> list[str]:
    """The characters, each with the marks that belong to it."""
    pieces: list[str] = []
    for character in text:
        if pieces and not _cells_of(character):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


def _fitting(pieces: Iterable[str], width: int) -> list[str]:
    """The first pieces that together fit a width."""
    taken: list[str] = []
    for piece in pieces:
        width -= cells(piece)
        if width < 0:
            break
        taken.append(piece)
    return taken
