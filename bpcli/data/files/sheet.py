"""A text table's frame: encoding, delimiter, header, and rows of equal length, all checked in one pass.

What pandas would forgive in silence is refused here, before it reads the cells.
The pass also counts lines, so that the numbers of a large table get their place
in memory before they are read.
"""

from __future__ import annotations

import codecs
import csv
import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

from bpcli import memory
from bpcli.data.files.byte_source import SAMPLE, ByteSource
from bpcli.data.files.dataset import Format
from bpcli.errors import DataError

MOST_COLUMNS = 100_000
"""Columns of a table at most: each is looked at by itself, which takes about 0.3 ms and 10 kB."""

COLUMN_BYTES = 10_000
"""What a table's column takes in memory, whatever is in it."""

LONGEST_ROW = 1 << 25
"""Bytes of a line and characters of a row at most; a row is in memory as a whole."""

END = "\0"
"""A line put after the last one: a record by itself, unless a quote is still open."""


@dataclass(frozen=True)
class Sheet:
    """A text table that passed the checks: UTF-8, with ``names`` for its columns and rows of equal length.

    ``lines`` is at least the number of its rows.
    """

    source: ByteSource
    form: Format
    delimiter: str
    names: list[str]
    lines: int

    @property
    def path(self) -> str:
        """The file's name, for messages."""
        return self.source.path

    @property
    def missing(self) -> frozenset[str]:
        """The cells in which nothing is known."""
        return frozenset(("", *self.form.missing))

    def open(self) -> TextIO:
        """Its text from the start, line breaks as they are."""
        return io.TextIOWrapper(self.source.open(), encoding="utf-8-sig", newline="")

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """The line and the cells of each row."""
        with self.open() as stream:
            yield from islice(_records(stream, self.delimiter, self.path), int(self.form.header), None)

    def record(self, row: int) -> tuple[int, list[str]]:
        """The line on which a row starts, and its cells."""
        return next(islice(self.records(), row, None))

    def where(self, row: int) -> str:
        """``file:line`` of a row."""
        return f"{self.path}:{self.record(row)[0]}"


def examine(source: ByteSource, form: Format) -> Sheet:
    """Check a text table, all but its cells, in one pass over its bytes.

    Raises:
        DataError: not UTF-8, binary, no rows, rows of unequal length, a repeated name, an open quote.
    """
    checked = _CheckedText(source)
    with io.TextIOWrapper(io.BufferedReader(checked, SAMPLE), encoding="utf-8-sig", newline="\n") as stream:
        try:
            delimiter, names = _examined(_lines(stream), source.path, form)
        finally:  # bytes that are no text are the reason of any other fault, and reported first
            with suppress(UnicodeDecodeError):  # the start of a character at the end, refused before
                while stream.read(SAMPLE):
                    pass
    return Sheet(source, form, delimiter, names, checked.lines)


def _lines(stream: TextIO) -> Iterator[str]:
    """Lines that end in any line break; taking line feeds alone first is three times as fast."""
    for line in stream:
        if "\r" in line:
            yield from io.StringIO(line, newline="")
        else:
            yield line


def _examined(lines: Iterator[str], path: str, form: Format) -> tuple[str, list[str]]:
    """The delimiter and the columns' names."""
    start = []
    for line in lines:
        start.append(line)
        if line.strip("\r\n"):
            break
    delimiter = form.delimiter or _delimiter("".join(start), form.decimal, path)
    return delimiter, _checked_rows(chain(start, lines), delimiter, form, path)


class _CheckedText(io.RawIOBase):
    """A source's bytes, which pass as long as they are UTF-8 text; ``lines`` counts line breaks and the last line."""

    def __init__(self, source: ByteSource) -> None:
        self.lines = 1
        self._path = source.path
        self._stream = source.open()
        self._line_bytes = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._refused = False

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer``; nothing comes after what was refused.

        Raises:
            DataError: bytes are not UTF-8, or the file is binary.
        """
        if self._refused:
            return 0
        piece = self._stream.read(len(buffer))
        self._refused = True
        self._check(piece)
        self._measure(piece)
        self._refused = False
        self.lines += piece.count(b"\n")
        if b"\r" in piece:
            self.lines += piece.count(b"\r") - piece.count(b"\r\n")
        buffer[: len(piece)] = piece
        return len(piece)

    def _check(self, piece: bytes) -> None:
        try:
            text = self._decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            line = self.lines + error.object.count(b"\n", 0, error.start)
            raise DataError(
                f"byte 0x{error.object[error.start]:02x} is not UTF-8 text",
                where=f"{self._path}:{line}",
                hint="convert the file, for example with iconv -f latin1 -t utf-8",
            ) from error
        if "\0" in text:
            line = self.lines + text.count("\n", 0, text.index("\0"))
            raise DataError(
                "the file holds binary data, not a table",
                where=f"{self._path}:{line}",
                hint="bp reads CSV, TSV, NPZ, NPY, IDX, Parquet",
            )

    def _measure(self, piece: bytes) -> None:
        """Refuse a line that has no end in sight."""
        end = max(piece.rfind(b"\n"), piece.rfind(b"\r")) + 1
        self._line_bytes = len(piece) - end + (0 if end else self._line_bytes)
        if self._line_bytes > LONGEST_ROW:
            line = self.lines + piece.count(b"\n")
            raise _too_long(f"{self._path}:{line}")

    def close(self) -> None:
        """Close the source's stream."""
        self._stream.close()
        super().close()


def _too_long(where: str) -> DataError:
    """The error for a row that is longer than any of a table."""
    hint = "is this a table with line breaks? A quote that is never closed makes one row of all that follows"
    return DataError(f"a row of more than {LONGEST_ROW:,} characters", where=where, hint=hint)


def _delimiter(start: str, decimal: str, path: str) -> str:
    """A tab or a comma, whichever the first lines hold; by the suffix where they hold both.

    Where they hold neither, a semicolon; a comma that is the decimal mark comes last.
    """
    found = [mark for mark in "\t,".replace(decimal, "") if mark in start]
    found = found or [mark for mark in (";", decimal) if mark in start and mark != "."][:1]
    if len(found) == 1:
        return found[0]
    return "\t" if ".tsv" in Path(path.lower()).suffixes else ","


def _records(lines: Iterable[str], delimiter: str, path: str, line: int = 1) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not blank, with the line it starts on; the first of ``lines`` is number ``line``.

    Raises:
        DataError: a quote is never closed.
    """
    csv.field_size_limit(sys.maxsize)
    blanks = " \t\r\n".replace(delimiter, "")
    last, length = [""], [0]

    def remembered() -> Iterator[str]:
        for text in chain(lines, [END]):
            last[0] = text
            length[0] += len(text)
            if length[0] > LONGEST_ROW:
                raise _too_long(f"{path}:{line}")
            yield text

    reader = csv.reader(remembered(), delimiter=delimiter, skipinitialspace=delimiter != " ")
    before = line - 1
    for record in reader:
        if last[0] is END:
            if before + reader.line_num == line:
                return
            raise DataError(
                "a quote is opened and never closed",
                where=f"{path}:{line}",
                hint='close it; inside a quoted cell a quote is written twice: ""',
            )
        if len(record) > 1 or last[0].strip(blanks):
            yield line, record
        line = before + reader.line_num + 1
        length[0] = 0


def _checked_rows(lines: Iterator[str], delimiter: str, form: Format, path: str) -> list[str]:
    """The columns' names, once every record has as many cells as the first."""
    taken: list[str] = []

    def noted() -> Iterator[str]:
        for text in lines:
            taken.append(text)
            yield text

    first = next(_records(noted(), delimiter, path), None)
    if first is None:
        raise DataError("the file holds no rows", where=path, hint="it needs a header and at least one example")
    _require_few_columns(*first, path)
    names = _names(*first, path) if form.header else [str(i) for i in range(len(first[1]))]
    widths = _widths(chain(taken, lines), delimiter, path)
    next(widths)  # the first record's own
    rows = not form.header
    for line, width in widths:
        rows = True
        if width != len(names):
            raise DataError(
                f"{width} cells where the first row has {len(names)}",
                where=f"{path}:{line}",
                hint="quote cells that hold the delimiter, or set data.delimiter",
            )
    if not rows:
        raise DataError(
            "a header but no rows", where=path, hint="add examples, or set header: false if the first row is one"
        )
    return names


def _require_few_columns(line: int, cells: list[str], path: str) -> None:
    if len(cells) > MOST_COLUMNS:
        raise DataError(
            f"a row of {len(cells):,} cells, of which a table may have {MOST_COLUMNS:,}",
            where=f"{path}:{line}",
            hint="save the numbers with numpy.save: an array may have more columns",
        )
    memory.require(
        len(cells) * COLUMN_BYTES,
        f"its {len(cells):,} columns take",
        where=f"{path}:{line}",
        hint="save the numbers with numpy.save, or leave columns out of the file",
    )


def _names(line: int, cells: list[str], path: str) -> list[str]:
    names = [cell.strip() or f"unnamed_{i}" for i, cell in enumerate(cells)]
    known: set[str] = set()
    for name in names:
        if name in known:
            raise DataError(f"column {name!r} stands twice in the header", where=f"{path}:{line}", hint="rename one")
        known.add(name)
    return names


def _widths(lines: Iterator[str], delimiter: str, path: str) -> Iterator[tuple[int, int]]:
    """The line and the number of cells of each record; delimiters are counted up to the first quote."""
    blanks = " \t\r\n".replace(delimiter, "")
    for line, text in enumerate(lines, 1):
        if '"' in text:
            records = _records(chain([text], lines), delimiter, path, line)
            yield from ((line, len(cells)) for line, cells in records)
            return
        width = text.count(delimiter) + 1
        if width > 1 or text.strip(blanks):
            yield line, width
