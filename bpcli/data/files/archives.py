"""A zip archive of arrays, opened once its directory is known to be short."""

from __future__ import annotations

import os
import zipfile
from typing import IO

TAIL = 22 + (1 << 16)
"""Bytes at an archive's end that hold its end record, with the longest comment."""

LONGEST_DIRECTORY = 1 << 20
"""Bytes of a directory that are read: about 10,000 members."""


def open_archive(stream: IO[bytes]) -> zipfile.ZipFile:
    """The archive in a stream that can be read from any place.

    Raises:
        ValueError: its directory is long beyond any archive of arrays.
        zipfile.BadZipFile: it is none.
    """
    length = _directory_length(stream)
    if length > LONGEST_DIRECTORY:
        raise ValueError(f"its directory of {length:,} bytes is longer than {LONGEST_DIRECTORY:,}")
    return zipfile.ZipFile(stream)


def _directory_length(stream: IO[bytes]) -> int:
    """How long the directory is, as the end of the archive says; 0 where it says nothing."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(size - TAIL, 0))
    tail = stream.read(TAIL)
    short, long = tail.rfind(b"PK\x05\x06"), tail.rfind(b"PK\x06\x06")
    stream.seek(0)
    if short < 0:
        return 0
    if long >= 0:
        return int.from_bytes(tail[long + 40 : long + 48], "little")
    return int.from_bytes(tail[short + 12 : short + 16], "little")
