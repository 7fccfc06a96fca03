"""Files and streams read whole, none of which may be without an end."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import IO

from bpcli.errors import DataError

PIECE = 1 << 20
"""Bytes read at a time."""

MOST_STREAMED = 1 << 29
"""The most bytes that are kept of a pipe or a device, which might have no end."""


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
        raise _too_large(path, f"{found.st_size:,}", most)


def read_regular(path: Path, most: int) -> bytes:
    """The bytes of a file of a run, never more than ``most``, though it grow meanwhile.

    Raises:
        DataError: it is no file, or larger.
        OSError: the system refused to read.
    """
    require_regular(path, most)
    data = read_file(path, most)
    if data is None:
        raise _too_large(path, "more", most)
    return data


def _too_large(path: Path, size: str, most: int) -> DataError:
    message = f"it is of {size} bytes, beyond the {most:,} that bp reads of it"
    return DataError(message, where=str(path), hint="move the run away")


def read_file(path: Path, most: int) -> bytes | None:
    """The bytes of a file, a pipe or a device; None where they are more than ``most``.

    Raises:
        OSError: the system refused to read.
    """
    with path.open("rb") as file:
        return read_stream(file, most) if os.fstat(file.fileno()).st_size <= most else None


def read_stream(file: IO[bytes], most: int) -> bytes | None:
    """What a stream holds to its end; None where that is more than ``most`` bytes."""
    held = io.BytesIO()
    while held.tell() <= most and (piece := file.read(PIECE)):
        held.write(piece)
    return held.getvalue() if held.tell() <= most else None
