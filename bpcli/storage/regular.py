"""What may be read whole: a file of a known size, not a pipe or a device without an end."""

from __future__ import annotations

import stat
from pathlib import Path

from bpcli.errors import DataError


def require_regular(path: Path, most: int | None = None) -> None:
    """Refuse to read what is no file, or a file of more than ``most`` bytes; a folder is refused when it is read.

    Raises:
        DataError: it is no file, or larger.
        OSError: the system refused to look at it.
    """
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        return
    if not stat.S_ISREG(found.st_mode):
        raise DataError("it is a device or a pipe, not a file", where=str(path), hint="copy the run again")
    if most is not None and found.st_size > most:
        message = f"it is of {found.st_size:,} bytes, beyond the {most:,} that bp reads of it"
        raise DataError(message, where=str(path), hint="move the run away")
