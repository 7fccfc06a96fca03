"""Files that are written whole or not at all.

``numpy.save`` to a full disk can return normally and leave a truncated file, so
everything is serialised to bytes first, written under a temporary name, synced and renamed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bpcli.ending.unfinished import unfinished
from bpcli.errors import refused


def write(path: Path, data: bytes) -> None:
    """Write a file atomically and durably; keep a link to it, and write to a device or a pipe without replacing it.

    Raises:
        SystemRefusedError: the system refused; the old file, if any, is untouched.
    """
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write piece by piece; once it is complete it replaces ``path``, as in :func:`write`.

    Raises:
        SystemRefusedError: the system refused; the old file, if any, is untouched.
    """
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
            return
        target = Path(os.path.realpath(path))
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        with unfinished(part):
            try:
                with part.open("wb") as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(part, target)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
        _sync_folder(target.parent)
    except OSError as error:
        raise refused("write", path, error) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append(path: Path, text: str) -> None:
    """Append to a text file.

    Raises:
        SystemRefusedError: the system refused.
    """
    try:
        with path.open("a", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        raise refused("write", path, error) from error
