"""How a test says what it counted."""

from __future__ import annotations

from collections.abc import Callable

Counted = Callable[[str], None]
"""Takes a line for the summary."""
