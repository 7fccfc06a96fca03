"""The line of a bar, removed; the cursor, shown again."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

CLEARED = "\r\x1b[2K"
"""What erases the line of a terminal."""


def show_cursor() -> None:
    """Remove the bar's line and show the cursor, which a bar hides; from any thread."""
    with suppress(ValueError):
        os.write(sys.stderr.fileno(), f"{CLEARED}\x1b[?25h".encode())
