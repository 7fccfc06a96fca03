"""May what lies in a folder be run? Only if nobody else can have written it.

Every folder on the way is opened from the one before it, without following links,
and looked at once it is open, so what is checked is what is used: its owner is the
user or root, and nobody else may write to it. A folder with the sticky bit, such as
``/tmp``, may lie on the way, because there nobody can rename what others own. A link
is followed if its owner is trusted. Folders that are absent are made, for the user alone.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

LINKS = 40
"""The most links that are followed on the way, as in Linux."""

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
WAY = FOLDER | getattr(os, "O_PATH", 0)
"""For a folder on the way; on Linux it need not be readable, as ``/home`` may not be."""

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

PART = ".part"
"""The end of a name under which a file is written, before it is renamed."""


class UntrustedError(Exception):
    """Somebody else could have written to a folder; the message says where and why."""


@dataclass(frozen=True)
class PrivateFolder:
    """An open folder that has been checked, by its descriptor."""

    descriptor: int

    def names(self) -> list[str]:
        """The names in it."""
        return os.listdir(self.descriptor)

    def read(self, name: str) -> bytes:
        """The bytes of a file; empty if it is no plain file that only the user or root can write to.

        Raises:
            OSError: the system refused.
        """
        descriptor = os.open(name, READ, dir_fd=self.descriptor)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - of a descriptor
            status = os.fstat(descriptor)
            trusted = stat.S_ISREG(status.st_mode) and not _objection(status)
            return file.read() if trusted else b""

    def write(self, name: str, data: bytes) -> None:
        """Write a file for the user alone; readers see the old one or the whole new one.

        Raises:
            OSError: the system refused.
        """
        part = f".{name}.{secrets.token_hex(8)}{PART}"
        descriptor = os.open(part, CREATE, 0o600, dir_fd=self.descriptor)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123 - of a descriptor
                file.write(data)
            os.replace(part, name, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        except BaseException:
            with suppress(OSError):
                self.remove(part)
            raise

    def touch(self, name: str) -> None:
        """Note that a file was used now."""
        os.utime(name, dir_fd=self.descriptor, follow_symlinks=False)

    def used(self, name: str) -> float:
        """When a file was last written or touched, in seconds since 1970."""
        return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False).st_mtime

    def remove(self, name: str) -> None:
        """Delete a file."""
        os.unlink(name, dir_fd=self.descriptor)


@contextmanager
def private_folder(path: Path) -> Iterator[PrivateFolder]:
    """Open the folder ``path``, made if it is absent.

    Raises:
        UntrustedError: somebody else can write to it, or could put another in its place.
        OSError: the system refused.
    """
    descriptor = _opened(path.absolute(), LINKS, FOLDER)
    try:
        _require_trusted(descriptor, path, last=True)
        yield PrivateFolder(descriptor)
    finally:
        os.close(descriptor)


def _opened(path: Path, links: int, flags: int) -> int:
    """The descriptor of a folder, once all before it are checked."""
    if path.parent == path:
        return os.open(path, flags)
    parent = _opened(path.parent, links, WAY)
    try:
        _require_trusted(parent, path.parent, last=False)
        target = _target(path, parent)
        if target is None:
            return os.open(path.name, flags, dir_fd=parent)
    finally:
        os.close(parent)
    if links == 0:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return _opened(path.parent / target, links - 1, flags)


def _target(path: Path, parent: int) -> str | None:
    """Where ``path`` leads if it is a link; None of a folder, which is made if it is absent."""
    try:
        status = os.stat(path.name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        with suppress(FileExistsError):  # another start was faster
            os.mkdir(path.name, 0o700, dir_fd=parent)
        return None
    if not stat.S_ISLNK(status.st_mode):
        return None
    if status.st_uid not in _trusted():
        raise UntrustedError(f"the link {path} is user {status.st_uid}'s")
    return os.readlink(path.name, dir_fd=parent)


def _require_trusted(descriptor: int, path: Path, *, last: bool) -> None:
    """Raise if others can write to an open folder; those on the way may be sticky, or the owner's of ``/``."""
    status = os.fstat(descriptor)
    sticky = not last and bool(status.st_mode & stat.S_ISVTX)
    roots = () if last else (os.stat("/").st_uid,)  # in a container without root's number, it is nobody's
    if objection := _objection(status, roots, sticky=sticky):
        raise UntrustedError(f"{os.path.realpath(path)} {objection}")


def _objection(status: os.stat_result, more: tuple[int, ...] = (), *, sticky: bool = False) -> str:
    """Why a file or folder is not to be trusted; empty if it is."""
    if status.st_uid not in (*_trusted(), *more):
        return f"is user {status.st_uid}'s"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not sticky:
        return f"can be written to by others (mode {stat.S_IMODE(status.st_mode):04o})"
    return ""


def _trusted() -> tuple[int, int]:
    """The users whose files are trusted: root and oneself."""
    return 0, os.geteuid()
