"""Standard output: results exactly as they are, because other programs read them."""

from __future__ import annotations

import sys
from typing import Any

from bpcli.errors import printable


def emit(text: str) -> None:
    """Write ``text`` as it is; on a terminal, with escapes in place of control characters."""
    if sys.stdout.isatty():
        text = "\n".join(map(printable, text.split("\n")))
    sys.stdout.write(text)


def emit_json(value: Any) -> None:
    """Write a value as one line of JSON with sorted keys."""
    from bpcli.storage.text import to_json

    emit(to_json(value) + "\n")
