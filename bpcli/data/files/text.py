"""Text tables before their cells are read: encoding, delimiter, header, and rows of equal length.

What pandas would forgive in silence is checked here, a piece of the file at a
time; and a row's line is found for messages.
"""

from __future__ import annotations

import codecs
import csv
import io
import shlex
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

from bpcli.data.files.memory import available
from bpcli.data.files.open_bytes import SAMPLE, Content
from bpcli.data.files.raw import Format
from bpcli.errors import DataError

NUMBER_BYTES = 8
"""What a cell takes in memory while a table is read."""


@dataclass(frozen=True)
class Sheet:
    """A text table that was looked through: UTF-8, with ``names`` for its columns and rows of equal length.

    ``lines`` is at least the number of its rows.
    """

    content: Content
    form: Format
    delimiter: str
    names: list[str]
    lines: int

    @property
    def path(self) -> str:
        """The file's name, for messages."""
        return self.content.path

    @property
    def missing(self) -> frozenset[str]:
        """The cells in which nothing is known."""
        return frozenset(("", *self.form.missing))

    def open(self) -> TextIO:
        """Its text from the start, line breaks as they are."""
        return _text(self.content)

    def record(self, row: int) -> tuple[int, list[str]]:
        """The line on which a row starts, and its cells."""
        return next(islice(_records(self.content, self.delimiter), row + int(self.form.header), None))

    def rows(self) -> Iterator[list[str]]:
        """The cells of each row."""
        return (cells for _, cells in islice(_records(self.content, self.delimiter), int(self.form.header), None))

    def where(self, row: int) -> str:
        """``file:line`` of a row."""
        return f"{self.path}:{self.record(row)[0]}"


def look_through(content: Content, form: Format) -> Sheet:
    """Check a text table, all but its cells.

    Raises:
        DataError: not UTF-8, no rows, rows of unequal length, a repeated name.
    """
    lines, quoted = _decode(content)
    delimiter = form.delimiter or _delimiter(content)
    names = _header(content, delimiter, form)
    _check_widths(content, delimiter, len(names), quoted=quoted)
    return Sheet(content, form, delimiter, names, lines)


def refuse_too_large(content: Content, delimiter: str | None) -> None:
    """Tell from the start of a file whether its numbers fit into memory.

    Raises:
        DataError: they do not.
    """
    if content.held:
        return
    with content.open() as stream:
        sample = stream.read(SAMPLE)
    mark = (delimiter or ("\t" if sample.count(b"\t") > sample.count(b",") else ",")).encode()
    cells = sample.count(mark) + sample.count(b"\n") + 1
    needed, there = int(content.length / len(sample) * cells) * NUMBER_BYTES, available()
    if needed > there:
        raise DataError(
            f"its numbers take {_size(needed)} of memory, {_size(there)} are left",
            where=content.path,
            hint=f"bp data convert {shlex.quote(content.path)} OUTPUT.npy (--target COLUMN where it is not the last), "
            "and train on that: it is read as needed, not loaded",
        )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def _text(content: Content) -> TextIO:
    return io.TextIOWrapper(content.open(), encoding="utf-8-sig", newline="")


def _decode(content: Content) -> tuple[int, bool]:
    """The number of line breaks in a text, the last line's included, and whether it holds quotes."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, quoted = 1, False
    with content.open() as stream:
        while True:
            piece = stream.read(SAMPLE)
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                line = lines + error.object.count(b"\n", 0, error.start)
                raise DataError(
                    f"byte 0x{error.object[error.start]:02x} is not UTF-8 text",
                    where=f"{content.path}:{line}",
                    hint="convert the file, for example with iconv -f latin1 -t utf-8",
                ) from error
            if "\0" in text:
                line = lines + text.count("\n", 0, text.index("\0"))
                raise DataError(
                    "the file holds binary data, not a table",
                    where=f"{content.path}:{line}",
                    hint="see the kinds of file in the README",
                )
            if not piece:
                return lines, quoted
            lines += piece.count(b"\n") + piece.count(b"\r") - piece.count(b"\r\n")
            quoted = quoted or b'"' in piece


def _delimiter(content: Content) -> str:
    """A tab or a comma, whichever the first line holds; by the suffix where it holds both or neither."""
    with _text(content) as stream:
        first = next((line for line in stream if line.strip("\r\n")), "")
    found = [mark for mark in "\t," if mark in first]
    if len(found) == 1:
        return found[0]
    return "\t" if ".tsv" in Path(content.path.lower()).suffixes else ","


END = "\0"
"""A line put after the last one: a record by itself, unless a quote is still open."""


def _records(content: Content, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not blank, with the line it starts on, from 1.

    Raises:
        DataError: a quote is never closed.
    """
    csv.field_size_limit(sys.maxsize)
    blanks = " \t\r\n".replace(delimiter, "")
    read = [""]

    def lines(stream: Iterable[str]) -> Iterator[str]:
        for line in stream:
            read[0] = line
            yield line

    with _text(content) as stream:
        reader = csv.reader(lines(chain(stream, [END])), delimiter=delimiter, skipinitialspace=delimiter != " ")
        line = 1
        for record in reader:
            if read[0] is END:
                if reader.line_num == line:
                    return
                raise DataError(
                    "a quote is opened and never closed",
                    where=f"{content.path}:{line}",
                    hint='close it; inside a quoted cell a quote is written twice: ""',
                )
            if len(record) > 1 or read[0].strip(blanks):
                yield line, record
            line = reader.line_num + 1


def _header(content: Content, delimiter: str, form: Format) -> list[str]:
    path = content.path
    records = _records(content, delimiter)
    first = next(records, None)
    if first is None:
        raise DataError("the file holds no rows", where=path, hint="it needs a header and at least one example")
    line, cells = first
    if not form.header:
        return [str(i) for i in range(len(cells))]
    names = [cell.strip() or f"unnamed_{i}" for i, cell in enumerate(cells)]
    known: set[str] = set()
    for name in names:
        if name in known:
            raise DataError(f"column {name!r} stands twice in the header", where=f"{path}:{line}", hint="rename one")
        known.add(name)
    if next(records, None) is None:
        raise DataError(
            "a header but no rows", where=path, hint="add examples, or set header: false if the first row is one"
        )
    return names


def _check_widths(content: Content, delimiter: str, width: int, *, quoted: bool) -> None:
    """Every record has as many cells as the first.

    Counting delimiters line by line settles the usual file without quotes; any
    other is read record by record.
    """
    if not quoted:
        with io.TextIOWrapper(content.open(), encoding="utf-8-sig") as stream:  # \r and \r\n end lines too
            if all(line.count(delimiter) == width - 1 for line in stream if line != "\n"):
                return
    for line, record in _records(content, delimiter):
        if len(record) != width:
            raise DataError(
                f"{len(record)} cells where the first row has {width}",
                where=f"{content.path}:{line}",
                hint="quote cells that hold the delimiter, or set data.delimiter",
            )
