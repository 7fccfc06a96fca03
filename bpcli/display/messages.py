"""Messages on standard error, which are no results, and numbers as people read them."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Sequence
from contextlib import suppress

from bpcli.display.cursor import CLEARED
from bpcli.errors import printable
from bpcli.lines.breaking import fitted


def short_number(value: float | None) -> str:
    """A number with four significant digits; an empty text for None."""
    return "" if value is None else f"{value:.4g}"


def say(line: str, end: str = "\n") -> None:
    """Print a line on standard error; if that fails, go on, because the line is not a result."""
    with suppress(OSError):
        print(fitted(printable(line), sys.stderr), end=end, file=sys.stderr, flush=True)


def say_without_waiting(lines: Sequence[str]) -> None:
    """Print lines from another thread than the main one, which may be at a stream that nobody reads: then say nothing.

    On a terminal they replace the bar.
    """
    text = "".join(f"{fitted(printable(line), sys.stderr)}\n" for line in lines)
    with suppress(OSError, ValueError):
        descriptor = sys.stderr.fileno()
        if select.select([], [descriptor], [], 0)[1]:
            os.write(descriptor, (CLEARED * sys.stderr.isatty() + text).encode())


def warning(text: str) -> str:
    """The line that warns of something."""
    return f"warning: {text}"


def warn(lines: Sequence[str]) -> None:
    """Print warnings on standard error, one line each."""
    for line in lines:
        say(warning(line))
