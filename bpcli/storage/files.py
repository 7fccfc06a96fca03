"""Files that are written whole or not at all.

``numpy.save`` to a full disk can return normally and leave a truncated file, so
everything is serialised to bytes first, written under a temporary name, synced and renamed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from bpcli.ending.unfinished import unfinished
from bpcli.errors import refused

TEMPORARY = re.compile(r"\..*\.\d+-[0-9a-f]{8}\.part", re.DOTALL)
"""The names that :func:`temporary_name` gives."""

NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
"""How a temporary file is opened: it must not exist, not even as a link that someone else put there."""

UNSYNCABLE = (errno.EINVAL, errno.ENOTSUP, errno.EACCES)
"""What a file system says that cannot sync folders, or of a folder that may be written but not read."""


def temporary_name(path: Path) -> Path:
    """A new name beside ``path`` for what is to become it; it tells the process that writes there."""
    return path.with_name(f".{path.name[:50]}.{os.getpid()}-{secrets.token_hex(4)}.part")


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

    The new file has the permissions of the old one. A symbolic link stays, and what it points to
    is replaced; the other names of a file with several (hard links) keep the old content.

    Raises:
        SystemRefusedError: the system refused; the old file, if any, is untouched.
    """
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
            return
        target = Path(os.path.realpath(path))
        part = temporary_name(target)
        with unfinished(part):
            try:
                with _new_file_like(target, part) as file:
                    yield file
                    file.flush()
                    sync(file.fileno())
                os.replace(part, target)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
        sync_folder(target.parent)
    except OSError as error:
        raise refused("write", path, error) from error


def _new_file_like(target: Path, part: Path) -> BinaryIO:
    """A new file with the owner and the permissions of ``target``, if that exists."""
    try:
        old = target.stat()
    except FileNotFoundError:
        return os.fdopen(os.open(part, NEW_FILE, 0o666), "wb")
    file = os.fdopen(os.open(part, NEW_FILE, stat.S_IMODE(old.st_mode) & 0o600), "wb")
    with suppress(PermissionError):  # only root gives files away
        os.fchown(file.fileno(), old.st_uid, old.st_gid)
    os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode) & 0o777)
    return file


def sync(descriptor: int) -> None:
    """Return once the content of a file is on the disk; macOS leaves it in the drive's memory unless asked."""
    if sys.platform == "darwin":
        with suppress(OSError):  # not every drive can
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Return once the names in a folder are on the disk, where the file system can tell."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in UNSYNCABLE:
            raise


def remove_temporaries(folder: Path) -> None:
    """Remove the temporary files that dead processes left in a folder of which this process is the only writer.

    Raises:
        SystemRefusedError: the system refused.
    """
    try:
        for entry in list(os.scandir(folder)):
            if TEMPORARY.fullmatch(entry.name) and not entry.is_dir(follow_symlinks=False):
                Path(entry).unlink(missing_ok=True)
    except OSError as error:
        raise refused("tidy up", folder, error) from error


def sync_file(path: Path) -> None:
    """Return once the content of a file is on the disk.

    Raises:
        SystemRefusedError: the system refused.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        try:
            sync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise refused("write", path, error) from error


def cut(path: Path, length: int) -> None:
    """Cut a file to its first ``length`` bytes.

    Raises:
        SystemRefusedError: the system refused.
    """
    try:
        os.truncate(path, length)
    except OSError as error:
        raise refused("write", path, error) from error
