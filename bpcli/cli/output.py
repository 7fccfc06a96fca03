"""Standard output: results as they are, to the byte, so that what reads them gets back what was meant."""

from __future__ import annotations

import sys

from bpcli.errors import printable


def emit(text: str) -> None:
    """Write ``text``; on a terminal, which would obey control characters, they are shown as escapes."""
    if sys.stdout.isatty():
        text = "\n".join(map(printable, text.split("\n")))
    sys.stdout.write(text)
