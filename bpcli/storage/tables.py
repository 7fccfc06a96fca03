"""Tables that grow by whole rows."""

from __future__ import annotations

import os
from pathlib import Path

from bpcli.errors import refused
from bpcli.storage.files import sync_folder

APPENDING = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
"""How a table is opened: it may exist, but not as a link."""


class GrowingTable:
    """A table that rows are appended to, held open from the first one until :meth:`close`.

    Where the file is removed or replaced meanwhile, rows go on in what is under its name, or in a new file.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._name = path, os.fspath(path)
        self._descriptor: int | None = None
        self._file = (0, 0)

    def append(self, head: str, row: str) -> None:
        """Append a row, whole or not at all; an empty or absent table gets ``head`` first.

        Raises:
            SystemRefusedError: the system refused; the table is as it was.
        """
        try:
            descriptor, length = self._opened()
            _write_all(descriptor, (row if length else head + row).encode(), length)
            if not length:
                sync_folder(self._path.parent)
        except OSError as error:
            raise refused("write", self._path, error) from error

    def close(self) -> None:
        """Let go of the file; a row after that opens it again.

        Raises:
            SystemRefusedError: the system has not written all of it.
        """
        descriptor, self._descriptor = self._descriptor, None
        try:
            if descriptor is not None:
                os.close(descriptor)
        except OSError as error:
            raise refused("write", self._path, error) from error

    def _opened(self) -> tuple[int, int]:
        """The descriptor of the file that is under the table's name now, and the file's length."""
        if self._descriptor is not None:
            about = self._found()
            if about is not None and (about.st_dev, about.st_ino) == self._file:  # no other has them while it is open
                return self._descriptor, about.st_size
            self.close()
        self._descriptor = descriptor = os.open(self._name, APPENDING, 0o666)
        about = os.fstat(descriptor)
        self._file = about.st_dev, about.st_ino
        return descriptor, about.st_size

    def _found(self) -> os.stat_result | None:
        """What is under the table's name."""
        try:
            return os.stat(self._name, follow_symlinks=False)
        except FileNotFoundError:
            return None


def _write_all(descriptor: int, data: bytes, length: int) -> None:
    """Append all of ``data`` to a file of ``length`` bytes, which an error leaves as long."""
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except BaseException:
        os.ftruncate(descriptor, length)
        raise
