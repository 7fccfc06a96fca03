"""What two ranks depend on that must be the same: which of it differs, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHORT = 60
"""The most characters of a value that a message shows."""


def differences(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """What differs between rank 0, ``mine``, and another, with both values where they are short."""
    found = []
    for key in mine:
        here, there = f"{mine[key]}", f"{theirs.get(key)}"
        if here != there:
            found.append(f"{key} ({there}, on rank 0 {here})" if len(here + there) <= SHORT else key)
    return ", ".join(found)
