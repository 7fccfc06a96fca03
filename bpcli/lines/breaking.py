"""Where a line ends: between words, never within one, nor at a hyphen, which belongs to a name or an option."""

from __future__ import annotations

import re
from typing import TextIO

from bpcli.lines.cells import cells
from bpcli.lines.widths import terminal_width

GLUE = "\N{NO-BREAK SPACE}"
"""A space at which no line ends; it is written as an ordinary one."""

WORD = re.compile(r"([^ ]+)( *)")

HANGING = 2
"""How far the further lines of a message are indented."""


def wrapped(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """A text in lines of at most ``width``, the first after ``first``, the others after ``rest``.

    A word that is wider has a line of its own and stays whole: a path is copied, and a terminal breaks it anyway.
    """
    lines, line, gap = [], first + text[: len(text) - len(text.lstrip(" "))], ""
    fresh = True
    for word, spaces in WORD.findall(text):
        if not fresh and cells(line) + len(gap) + cells(word) > width:
            lines.append(line)
            line, gap = rest, ""
        line, gap, fresh = line + gap + word, spaces, False
    return [one.replace(GLUE, " ") for one in (*lines, line)]


def fitted(text: str, stream: TextIO, indent: int = HANGING) -> str:
    """A line as it is; on a terminal that is too narrow broken between words, further lines indented."""
    width = terminal_width(stream)
    if width is None or cells(text) <= width:
        return text
    return "\n".join(wrapped(text, width, rest=" " * indent * (2 * indent < width)))


def paragraphs(text: str) -> list[str]:
    """Each paragraph as one line, empty ones between; an indented line is one by itself."""
    lines: list[str] = []
    for line in text.splitlines():
        if lines and lines[-1] and line and not line.startswith(" ") and not lines[-1].startswith(" "):
            lines[-1] += f" {line}"
        else:
            lines.append(line)
    return lines


def kept_together(text: str) -> str:
    """The text with no end of a line in it."""
    return text.replace(" ", GLUE)
