"""Standard output: results exactly as they are, because other programs read them; reports in lines that fit."""

from __future__ import annotations

import sys
from typing import Any

from bpcli.errors import printable
from bpcli.lines.breaking import HANGING, fitted
from bpcli.lines.widths import is_terminal


def emit(text: str) -> None:
    """Write ``text`` as it is; on a terminal, with escapes in place of control characters."""
    if is_terminal(sys.stdout):
        text = "\n".join(map(printable, text.split("\n")))
    sys.stdout.write(text)


def emit_lines(text: str, indent: int = HANGING) -> None:
    """Write lines of a report for people; those too long for a terminal are broken, their rests indented."""
    if is_terminal(sys.stdout):
        text = "\n".join(fitted(printable(line), sys.stdout, indent) for line in text.split("\n"))
    sys.stdout.write(f"{text}\n")


def emit_json(value: Any) -> None:
    """Write a value as one line of JSON with sorted keys."""
    from bpcli.storage.text import to_json

    emit(to_json(value) + "\n")
