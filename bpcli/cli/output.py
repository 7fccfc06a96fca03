"""Standard output: results exactly as they are, so that programs that read them get the same bytes back."""

from __future__ import annotations

import sys
from typing import Any

from bpcli.errors import printable


def emit(text: str) -> None:
    """Write ``text``; on a terminal control characters, which it would obey, are shown as escapes."""
    if sys.stdout.isatty():
        text = "\n".join(map(printable, text.split("\n")))
    sys.stdout.write(text)


def emit_json(value: Any) -> None:
    """Write a value as one line of JSON with sorted keys."""
    from bpcli.storage import to_json

    emit(to_json(value) + "\n")
