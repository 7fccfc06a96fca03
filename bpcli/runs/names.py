"""Which characters the name of a run folder may have: those that one line of output can show and a shell read back.

That is every printable character. Bytes that are not UTF-8 stay as they are, as
Python's file names have them (PEP 383).
"""

from __future__ import annotations

from pathlib import Path

from bpcli.errors import ConfigError, printable

UNDECODED = range(0xDC80, 0xDD00)
"""What stands in a text for bytes that are not UTF-8."""


def allowed(char: str) -> bool:
    """Whether a name may have this character."""
    return char.isprintable() or ord(char) in UNDECODED


def plain_stem(stem: str) -> str:
    """A config's stem for the names of its runs, with an underscore for each character that no name may have."""
    return "".join(char if allowed(char) else "_" for char in stem)


def require_plain(folder: Path) -> None:
    """Refuse a folder that the user named with a character that no name may have.

    Raises:
        ConfigError: it has one, such as a line feed.
    """
    wrong = next((char for char in str(folder) if not allowed(char)), "")
    if wrong:
        message = f"a run folder's name cannot have the character '{printable(wrong)}'"
        raise ConfigError(message, where=str(folder), hint="name another folder")
