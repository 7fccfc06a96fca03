"""A file's bytes, decompressed, to be read as often as is needed and never held whole without need."""

from __future__ import annotations

import gzip
import io
import stat
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from bpcli.errors import DataError, refused

STDIN = "-"
HEAD = 16
"""Bytes that tell a file's kind."""

SAMPLE = 1 << 20
"""Bytes that tell how far a file is compressed."""


@dataclass(frozen=True)
class Content:
    """The bytes of ``path``, as messages call it: ``open`` gives them from the start, ``head`` is the first few.

    ``length`` is their number, estimated where they are compressed; ``plain`` says that they lie in the
    file as they are, so that its pages can be read in place, and ``held`` that they are in memory already.
    """

    path: str
    open: Callable[[], BinaryIO]
    head: bytes
    length: int
    plain: bool = False
    held: bool = False

    def anywhere(self) -> BinaryIO:
        """A stream of them that can be read from any place: in memory, where they are compressed."""
        if self.plain or self.held:
            return self.open()
        with self.open() as stream:
            return io.BytesIO(stream.read())


def of_bytes(data: bytes, path: str) -> Content:
    """What is in memory already, decompressed where it is compressed."""
    if data[:2] == b"\x1f\x8b":
        data = _Unzipped(io.BytesIO(data), path).readall()
    return Content(path, lambda: io.BytesIO(data), data[:HEAD], len(data), held=True)


def content(path: str) -> Content:
    """The bytes of a file or, for ``-``, of standard input.

    Raises:
        DataError: the file is absent, a folder, empty or not whole.
        SystemRefusedError: the system refused to read it.
    """
    shown = shown_path(path)
    try:
        found = of_bytes(sys.stdin.buffer.read(), shown) if path == STDIN else _of_file(Path(path))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError("no such file", where=shown, hint="check the path") from error
    except IsADirectoryError as error:
        raise DataError("this is a folder, not a file", where=shown, hint="name the file in it") from error
    except OSError as error:
        raise refused("read", shown, error) from error
    if not found.head:
        raise DataError("the file is empty", where=shown, hint="it needs a header and at least one example")
    return found


def shown_path(path: str) -> str:
    """The path for messages."""
    return "<stdin>" if path == STDIN else path


def _of_file(path: Path) -> Content:
    """A file; a pipe, which can be read only once, is read into memory."""
    with path.open("rb") as file:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            return of_bytes(file.read(), str(path))
        head = file.read(HEAD)
    if head[:2] != b"\x1f\x8b":
        return Content(str(path), lambda: path.open("rb"), head, about.st_size, plain=True)

    def unzipped() -> BinaryIO:
        return io.BufferedReader(_Unzipped(path.open("rb"), str(path)), SAMPLE)

    with unzipped() as start:
        sample = start.read(HEAD)
    return Content(str(path), unzipped, sample, _unzipped_length(path, about.st_size))


def _unzipped_length(path: Path, size: int) -> int:
    """How long a gzip file of ``size`` bytes is likely to be: as its beginning, and no less than its end says."""
    with path.open("rb") as file:
        beginning = file.read(SAMPLE)
        file.seek(max(size - 4, 0))
        told = int.from_bytes(file.read(4), "little")  # modulo 2³²
    decompressor = zlib.decompressobj(wbits=31)
    with suppress(zlib.error):  # damage is told where it is met
        sample = decompressor.decompress(beginning, SAMPLE)
        used = len(beginning) - len(decompressor.unconsumed_tail) - len(decompressor.unused_data)
        return max(told, int(size * len(sample) / max(used, 1)))
    return told


class _Unzipped(io.RawIOBase):
    """What a gzip file holds; damage is told as the user's concern."""

    def __init__(self, file: IO[bytes], path: str) -> None:
        self._file, self._unzipped, self._path = file, gzip.GzipFile(fileobj=file), path

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer``.

        Raises:
            DataError: the file is not whole.
        """
        try:
            return self._unzipped.readinto(buffer)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"not a whole gzip file: {error}", where=self._path, hint="copy the file again") from error

    def close(self) -> None:
        """Close the file."""
        self._unzipped.close()
        self._file.close()
        super().close()
