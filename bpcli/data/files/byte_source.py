"""A file's bytes, decompressed: read as a stream as often as needed, and hashed as they are read.

The SHA-256 that a run records is of the file's own bytes, compressed ones where
it is compressed, and it comes from the passes that read them. Every complete
pass must give the same one; else the file changed meanwhile.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np

from bpcli import memory
from bpcli.data.files.file_digest import FileDigest, Stamp, changed_while_read
from bpcli.data.files.pages import Pages
from bpcli.errors import DataError, refused
from bpcli.readers import ONE_READER, Readers
from bpcli.storage import bounded

STDIN = "-"
HEAD = 16
"""Bytes that show a file's kind."""

SAMPLE = 1 << 20
"""Bytes read at a time, and those that show how far a file is compressed."""

SHARE = 3
"""Bytes that are kept may take up to so small a part of the memory left, because what is made of them needs more."""


@dataclass(frozen=True)
class ByteSource:
    """The bytes of ``path``, as messages call it: ``open`` gives them from the start, ``head`` is the first few.

    ``length`` is their number, estimated where they are compressed; ``file`` is the file that holds them
    as they are, so that it can be mapped, None where they are compressed or in memory (``held``).
    ``digest`` is None for a pipe or standard input.
    """

    path: str
    open: Callable[[], BinaryIO]
    head: bytes
    length: int
    file: Path | None = None
    held: bool = False
    digest: FileDigest | None = field(default=None, compare=False)

    @contextmanager
    def seekable(self) -> Iterator[BinaryIO]:
        """A stream of the bytes that can be read from any place, hashed before: in memory, where they are compressed.

        Raises:
            DataError: the file changed before the stream was closed.
        """
        if self.held:
            with self.open() as stream:
                yield stream
        elif self.file is None:
            with self.open() as stream:
                yield io.BytesIO(_kept(stream, self.path))
        else:
            with self.file.open("rb") as file:
                before = Stamp.of(os.fstat(file.fileno()))
                self.record(hashlib.file_digest(file, "sha256").hexdigest())
                file.seek(0)
                yield file
                if not Stamp.of(os.fstat(file.fileno())).as_written(before):
                    raise changed_while_read(self.file)

    def in_memory(self) -> ByteSource:
        """The same bytes, read in one pass and kept."""
        if self.held:
            return self
        with self.open() as stream:
            data = _kept(stream, self.path)
        return ByteSource(self.path, lambda: io.BytesIO(data), data[:HEAD], len(data), held=True, digest=self.digest)

    def record(self, found: str) -> None:
        """Note the SHA-256 that a pass over the file found.

        Raises:
            DataError: an earlier pass found another.
        """
        if self.digest is not None:
            self.digest.record(found)

    def record_mapped(self, pages: Pages, readers: Readers = ONE_READER) -> None:
        """Note the SHA-256 of the file, whose ``pages`` are read again whenever their numbers are needed.

        The first of the ``readers`` takes it, and alone looks at the file again.

        Raises:
            DataError: an earlier pass found another.
        """
        if self.digest is None:
            return
        mine = pages.digest() if readers.index == 0 else ""
        (found,), *_ = readers.gather([np.frombuffer(mine.encode(), np.uint8)])
        self.digest.record(found.tobytes().decode())
        if readers.index == 0:
            self.digest.pages = pages

    def require_unchanged(self) -> None:
        """The file is as it was when it was opened first; a pipe always is.

        Raises:
            DataError: it changed.
        """
        if self.digest is not None:
            self.digest.require_unchanged()


def source_of_bytes(data: bytes, path: str) -> ByteSource:
    """What is in memory already, decompressed where it is compressed."""
    if data[:2] == b"\x1f\x8b":
        data = _kept(io.BufferedReader(_Unzipped(io.BytesIO(data), path)), path)
    return ByteSource(path, lambda: io.BytesIO(data), data[:HEAD], len(data), held=True)


def open_bytes(path: str) -> ByteSource:
    """The bytes of a file or, for ``-``, of standard input.

    Raises:
        DataError: the file is absent, a folder, empty or not whole.
        SystemRefusedError: the system refused to read it.
    """
    shown = shown_path(path)
    try:
        found = source_of_bytes(_kept(sys.stdin.buffer, shown), shown) if path == STDIN else _of_file(Path(path))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError("no such file", where=shown, hint="check the path") from error
    except IsADirectoryError as error:
        raise DataError("this is a folder, not a file", where=shown, hint="name the file in it") from error
    except OSError as error:
        raise refused("read", shown, error) from error
    if not found.head:
        raise DataError("the file is empty", where=shown, hint="it needs a header and at least one example")
    return found


def _kept(stream: IO[bytes], path: str) -> bytes:
    """All that a stream holds, in memory.

    Raises:
        DataError: it is more than is kept of a stream, or than the memory left allows.
    """
    there = memory.left()
    most = min(bounded.MOST_STREAMED, there.count // SHARE)
    data = bounded.read_stream(stream, most)
    if data is None:
        kept = f"{memory.size(most)}, which is the most that is kept in memory ({there})"
        hint = "write it to a file, uncompressed: a plain one is read in pieces"
        raise DataError(f"it holds more than {kept}", where=path, hint=hint)
    return data


def shown_path(path: str) -> str:
    """The path for messages."""
    return "<stdin>" if path == STDIN else path


def _of_file(path: Path) -> ByteSource:
    """A file; a pipe, which can be read only once, is read into memory."""
    with path.open("rb") as file:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            _refuse_device(file, about, path)
            return source_of_bytes(_kept(file, str(path)), str(path))
        head = file.read(HEAD)
    digest = FileDigest(path)

    def hashed() -> BinaryIO:
        return io.BufferedReader(_HashedFile(path, digest.record), SAMPLE)

    if head[:2] != b"\x1f\x8b":
        return ByteSource(str(path), hashed, head, about.st_size, path, digest=digest)

    def unzipped() -> BinaryIO:
        return io.BufferedReader(_Unzipped(hashed(), str(path)), SAMPLE)

    with io.BufferedReader(_Unzipped(path.open("rb"), str(path))) as start:
        sample = start.read(HEAD)
    return ByteSource(str(path), unzipped, sample, _unzipped_length(path, about.st_size), digest=digest)


def _refuse_device(file: IO[bytes], about: os.stat_result, path: Path) -> None:
    """A device is no file of examples, and may have no end; a terminal is one that is typed, and /dev/null is empty.

    Raises:
        DataError: it is another one.
    """
    device = stat.S_ISCHR(about.st_mode) or stat.S_ISBLK(about.st_mode)
    if device and not file.isatty() and not os.path.samefile(path, os.devnull):
        raise DataError("this is a device, not a file", where=str(path), hint="name a file of examples")


def _unzipped_length(path: Path, size: int) -> int:
    """How long a gzip file of ``size`` bytes is likely to be: as its beginning, and no less than its end says."""
    with path.open("rb") as file:
        beginning = file.read(SAMPLE)
        file.seek(max(size - 4, 0))
        written = int.from_bytes(file.read(4), "little")  # modulo 2³²
    decompressor = zlib.decompressobj(wbits=31)
    with suppress(zlib.error):  # damage is reported where it is met
        sample = decompressor.decompress(beginning, SAMPLE)
        used = len(beginning) - len(decompressor.unconsumed_tail) - len(decompressor.unused_data)
        return max(written, int(size * len(sample) / max(used, 1)))
    return written


class _HashedFile(io.RawIOBase):
    """A file read from start to end, hashed on the way; ``ended`` takes the SHA-256 at the end."""

    def __init__(self, path: Path, ended: Callable[[str], None]) -> None:
        self._file = path.open("rb", buffering=0)
        self._hash = hashlib.sha256()
        self._ended = ended

    def readable(self) -> bool:
        """Yes."""
        return True

    def fileno(self) -> int:
        """The file's descriptor, to map it."""
        return self._file.fileno()

    def tell(self) -> int:
        """The number of bytes read."""
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer``.

        Raises:
            DataError: the end is reached, and the file is not what it was in an earlier pass.
        """
        count = self._file.readinto(buffer) or 0
        if count:
            self._hash.update(memoryview(buffer)[:count])
        else:
            self._ended(self._hash.hexdigest())
        return count

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


class _Unzipped(io.RawIOBase):
    """What a gzip file holds; damage is reported as the user's concern."""

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
