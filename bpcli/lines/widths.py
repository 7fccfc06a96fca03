"""How wide a line may be: on a terminal as wide as it is; elsewhere as wide as it comes, or a page's width.

What a program reads, CSV, JSON, LaTeX and Markdown, is never laid out. Nor are messages and tables off a terminal:
one line each, as ``grep`` and an editor want them. Only pages, which are read from the top to the bottom, have a width
there too.
"""

from __future__ import annotations

import os
from typing import TextIO

from bpcli.launcher import launch_of

PAGE = 80
"""The width of a page off a terminal, the same wherever the text goes; that of a terminal which does not tell it."""

FEW_LINES = 24
"""The height of a terminal which does not tell it."""

WIDEST = 120
"""The width of a page on a terminal that is wider: sentences would be hard to follow."""


def is_terminal(stream: TextIO) -> bool:
    """Whether a person looks at what is written to ``stream``.

    Open MPI gives its processes a terminal even where its own output goes to a file: one without a size.
    """
    return stream.isatty() and (launch_of(os.environ).launcher is None or _columns(stream) > 0)


def terminal_width(stream: TextIO) -> int | None:
    """How many characters a line of the terminal has that ``stream`` writes to; None off a terminal.

    The variable COLUMNS goes first, as POSIX has it.
    """
    if not is_terminal(stream):
        return None
    wanted = os.environ.get("COLUMNS", "")
    if wanted.isdecimal() and int(wanted):
        return int(wanted)
    return _columns(stream) or PAGE


def _columns(stream: TextIO) -> int:
    """The columns that the terminal itself tells, 0 where it does not."""
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return 0


def terminal_height(stream: TextIO) -> int:
    """How many lines the terminal has that ``stream`` writes to; as many as old ones have, where it does not tell."""
    try:
        return os.get_terminal_size(stream.fileno()).lines or FEW_LINES
    except (OSError, ValueError):
        return FEW_LINES


def page_width(stream: TextIO) -> int:
    """How wide a page is: as the terminal, up to a bound; elsewhere always the same."""
    return min(terminal_width(stream) or PAGE, WIDEST)
