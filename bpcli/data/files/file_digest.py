"""Is a file still what was learned from? Its SHA-256 as every pass finds it, and its stamp looked at again.

What is read into memory was hashed in the very pass that read it. A mapped file
is read whenever its numbers are needed, so it is looked at again once they no longer are.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from time import time_ns

import numpy as np

from bpcli.data.files.pages import Pages
from bpcli.errors import DataError
from bpcli.readers import Readers

FRESH = 2_000_000_000
"""Nanoseconds within which a second write may leave a file's times as they are, on the coarsest of file systems."""


@dataclass(frozen=True)
class Stamp:
    """What the system says of a file: which it is, its size, and when it was written to or changed otherwise."""

    device: int
    inode: int
    size: int
    written: int
    changed: int

    @classmethod
    def of(cls, about: os.stat_result) -> Stamp:
        """The stamp of a file, times in nanoseconds."""
        return cls(about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)

    def is_file_of(self, other: Stamp) -> bool:
        """Whether both are of one file, not of one that took the other's name."""
        return (self.device, self.inode) == (other.device, other.inode)

    def as_written(self, other: Stamp) -> bool:
        """Whether nothing was written between the two, as far as size and time show."""
        return (self.size, self.written) == (other.size, other.written)


class FileDigest:
    """The SHA-256 of a file, as every complete pass over its bytes finds it.

    ``pages`` are those of a file that is mapped, and so may be read again at any time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp = Stamp.of(path.stat())
        self._fresh = time_ns() - self._stamp.written < FRESH
        self._differed = False
        self.value: str | None = None
        self.pages: Pages | None = None

    def is_the_same_for(self, readers: Readers) -> bool:
        """Whether all of the ``readers`` have this very file, on a file system that they share: as far as stamps show.

        Copies have other numbers, also where their times are kept; a device's number is another on every host.
        """
        own = self._stamp
        stamps = readers.gather([np.array([own.inode, own.size, own.written], np.uint64)])
        return all((stamp == stamps[0][0]).all() for (stamp,) in stamps)

    def record(self, found: str) -> None:
        """Note what a pass found.

        Raises:
            DataError: an earlier pass found another.
        """
        self._differed = self._differed or self.value not in (None, found)
        if self._differed:
            raise changed_while_read(self.path)
        self.value = found

    def require_unchanged(self) -> None:
        """Every pass found the same, and the file's size and time are those of the start.

        Raises:
            DataError: they are not.
        """
        found = self._found()
        if self._differed or found is None or not found.as_written(self._stamp):
            raise changed_while_read(self.path)

    @property
    def moved_on(self) -> bool:
        """Whether the path leads to something else than what was read, as far as the stamp shows."""
        found = self._found()
        return found is None or not (found.is_file_of(self._stamp) and found.as_written(self._stamp))

    def require_learned_bytes(self) -> None:
        """A mapped file was not written to since it was opened; what is in memory does not matter.

        Where its times do not tell, it is hashed once more.

        Raises:
            DataError: it was.
        """
        if self.pages is None:
            return
        found = self._found()
        own = found is not None and found.is_file_of(self._stamp)
        if self.pages.cut_short or (own and found is not None and not found.as_written(self._stamp)):
            raise changed_in_use(self.path)
        if (self._fresh or found != self._stamp) and self.pages.digest_again() != self.value:
            raise changed_in_use(self.path)

    def _found(self) -> Stamp | None:
        """The stamp of what is there now, None where that is no file."""
        try:
            return Stamp.of(self.path.stat()) if self.path.is_file() else None
        except OSError:
            return None


def changed_while_read(path: str | Path) -> DataError:
    """The error for a file that is not the same throughout."""
    return DataError("the file changed while it was read", where=str(path), hint="try again once nobody writes to it")


def changed_in_use(path: str | Path) -> DataError:
    """The error for a mapped file that was written to while its numbers were in use."""
    return DataError(
        "the file was written to while its numbers were in use, so no hash is of what they were",
        where=str(path),
        hint="start again; give new data another name, or write them beside it and rename them, as mv does",
    )
