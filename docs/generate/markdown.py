"""Text of the code as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from inspect import cleandoc

SPECIAL = re.compile(r"([\\*_<>\[\]#~$|])")
"""Signs that Markdown reads as something else than themselves."""

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
"""An option of a command, whose two hyphens would be set as a dash."""

ROLE = re.compile(r":\w+:`~?([^`]+)`")
"""A cross-reference in a docstring."""


def escaped(text: str) -> str:
    """Text as Markdown shows it, but for options and what is between backticks, which are code."""
    parts = ROLE.sub(r"`\1`", text).replace("``", "`").split("`")
    return "".join(f"`{part}`" if place % 2 else _plain(part) for place, part in enumerate(parts))


def _plain(text: str) -> str:
    return OPTION.sub(r"`\g<0>`", SPECIAL.sub(r"\\\1", text))


def prose(docstring: str | None) -> str:
    """A docstring as paragraphs."""
    return escaped(cleandoc(docstring or ""))


def code(text: str) -> str:
    """Text as code, also in a table."""
    return f"`{text}`".replace("|", r"\|")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; each cell is Markdown in one line, its bars escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(" ".join(cell.split()) for cell in line) + " |" for line in lines) + "\n"
