"""Tables, gathered from their readers' chunks of rows.

What a column holds is known only at its end: one that looked like numbers and
then holds a word is read once more, as text. Numbers of a large table lie in
pages, column after column, so that their memory can be released as they are
encoded.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, islice

import numpy as np

from bpcli import memory
from bpcli.data.files.byte_source import SAMPLE, ByteSource
from bpcli.data.files.cells import Kind, refuse_infinite
from bpcli.data.files.dataset import Format, Table
from bpcli.data.files.file_digest import changed_while_read
from bpcli.data.files.pages import Pages
from bpcli.data.files.sheet import examine
from bpcli.data.files.table_reader import RowChunk, TableReader
from bpcli.nn import Array

SMALL = 1 << 19
"""Bytes of a table up to which Python's csv module has read it before pandas is imported."""

ALIGNED = 2048
"""Numbers of float64 that fill whole pages, whatever the machine's."""

SHARED = 1000
"""Up to so many different words of a column are kept once each."""

NUMBER_BYTES = 8
"""What a cell takes in memory while a table is read."""


def read_text(source: ByteSource, form: Format, exact: frozenset[str] | None) -> Table:
    """A CSV or TSV table.

    ``exact`` columns are read to the letter, never as truth values; None means the last column.

    Raises:
        DataError: not UTF-8, no rows, rows of unequal length, a repeated or infinite cell, more than memory holds.
    """
    refuse_too_large(source, form.delimiter)
    reader = reader_of_text(source, form)
    table = _gathered(reader, frozenset(reader.names[-1:]) if exact is None else exact)
    return table if form.header else replace(table, width=len(reader.names))


def reader_of_text(source: ByteSource, form: Format) -> TableReader:
    """The reader of a CSV or TSV table; a small one is read once and kept while it is read.

    A large one is read twice, first by :func:`~bpcli.data.files.sheet.examine`: its numbers lie
    column after column in one block of memory, so their count comes first, and pandas is not to
    see what it would read wrongly without a word. Both passes must find the same bytes.

    Raises:
        DataError: the table's frame is not sound.
    """
    if source.length <= SMALL or not (form.delimiter or "").isascii():  # pandas knows no other delimiters
        from bpcli.data.files.csv_reader import CsvReader

        return CsvReader(examine(source.in_memory(), form))
    from bpcli.data.files.pandas_reader import PandasReader

    return PandasReader(examine(source, form))


def read_parquet(source: ByteSource, exact: frozenset[str] | None) -> Table:
    """A Parquet table; ``exact`` columns are read to the letter, never as truth values.

    Raises:
        DataError: not whole, no rows, a repeated name, an infinite cell, or pyarrow is not installed.
    """
    from bpcli.data.files.pandas_reader import ParquetReader

    return _gathered(ParquetReader(source), exact or frozenset())


def refuse_too_large(source: ByteSource, delimiter: str | None) -> None:
    """Estimate from the start of a file whether its numbers fit into memory.

    Raises:
        DataError: they do not.
    """
    if source.held or source.length <= SAMPLE:
        return
    with source.open() as stream:
        sample = stream.read(SAMPLE)
    mark = (delimiter or ("\t" if sample.count(b"\t") > sample.count(b",") else ",")).encode()
    cells = sample.count(mark) + sample.count(b"\n") + 1
    memory.require(
        int(source.length / len(sample) * cells) * NUMBER_BYTES,
        "its numbers take",
        where=source.path,
        hint=f"bp data convert {shlex.quote(source.path)} OUTPUT.npy (--target COLUMN where it is not the last), "
        "and train on that: it is read as needed, not loaded",
    )


def _gathered(reader: TableReader, exact: frozenset[str]) -> Table:
    """The whole table; a column that is not of one kind throughout is read again, as text."""
    kinds, columns, pages = _columns(reader, reader.chunks(exact, frozenset()), exact)
    mixed = frozenset(name for name, found in kinds.items() if len(found) > 1)
    if mixed:
        del columns, pages
        kinds, columns, pages = _columns(reader, reader.chunks(exact, mixed), exact)
    table = Table(
        reader.path,
        columns,
        frozenset(name for name, found in kinds.items() if found == {"truth"}),
        {name: partial(reader.as_written, name) for name in reader.names},
        place=reader.where,
        pages=pages,
        missing=reader.missing,
        numerals=reader.numerals,
    )
    refuse_infinite(table, reader.cell)
    return table


def _columns(
    reader: TableReader, chunks: Iterator[RowChunk], exact: frozenset[str]
) -> tuple[dict[str, set[Kind]], dict[str, Array], Pages | None]:
    """By column the kinds of its cells, and the cells, if of one kind; the pages of numbers, if of many chunks.

    Raises:
        DataError: there are more rows than were counted before.
    """
    names, start = reader.names, list(islice(chunks, 2))
    if len(start) == 1:
        first = start[0]
        found = {name: {kind} if kind else set[Kind]() for name, (kind, _) in zip(names, first, strict=True)}
        columns = {name: cells for name, (_, cells) in zip(names, first, strict=True)}
        return found, {name: _or_text(cells, found[name], exact=name in exact) for name, cells in columns.items()}, None
    height = -(-reader.most_rows // ALIGNED) * ALIGNED
    pages = Pages.of_memory(height * len(names) * np.dtype(np.float64).itemsize)
    growing = [_GrowingColumn(numbers) for numbers in pages.array((len(names), height), np.dtype(np.float64))]
    rows = 0
    for chunk in chain(_emptied(start), chunks):
        rows += len(chunk[0][1])
        if rows > reader.most_rows:
            raise changed_while_read(reader.path)
        for column, (kind, cells) in zip(growing, chunk, strict=True):
            column.add(kind, cells)
    found = {name: column.kinds for name, column in zip(names, growing, strict=True)}
    columns = {name: column.cells() for name, column in zip(names, growing, strict=True) if len(column.kinds) < 2}
    return found, {name: _or_text(cells, found[name], exact=name in exact) for name, cells in columns.items()}, pages


def _emptied(chunks: list[RowChunk]) -> Iterator[RowChunk]:
    """Chunks in order, none of them kept."""
    while chunks:
        yield chunks.pop(0)


def _or_text(cells: Array, kinds: set[Kind], *, exact: bool) -> Array:
    """The cells; a column without a value is numbers, all missing, unless it is read to the letter."""
    return np.full(len(cells), None, object) if exact and not kinds else cells


class _GrowingColumn:
    """A column as it comes, some rows at a time: the ``kinds`` of its cells; numbers are written into ``numbers``."""

    def __init__(self, numbers: Array) -> None:
        self.kinds: set[Kind] = set()
        self._numbers = numbers
        self._words: list[Array] = []
        self._shared: dict[str | None, str | None] = {}
        self._rows = 0

    def add(self, kind: Kind | None, cells: Array) -> None:
        """Append cells of one kind, or of none where all are missing."""
        before, self._rows = self._rows, self._rows + len(cells)
        if kind is not None:
            if not self.kinds:
                self._fill(kind, 0, before)
            self.kinds.add(kind)
        if len(self.kinds) != 1:  # nothing to keep yet, or nothing any more
            return
        if kind is None:
            self._fill(next(iter(self.kinds)), before, self._rows)
        elif kind == "number":
            self._numbers[before : self._rows] = cells
        else:
            if len(self._shared) > SHARED:
                self._shared.clear()
            self._words.append(np.array([self._shared.setdefault(cell, cell) for cell in cells], object))

    def _fill(self, kind: Kind, start: int, stop: int) -> None:
        """Rows in which the cell is missing."""
        if kind == "number":
            self._numbers[start:stop] = np.nan
        else:
            self._words.append(np.full(stop - start, None, object))

    def cells(self) -> Array:
        """The whole column, if it is of one kind; numbers where it holds no value."""
        if self.kinds - {"number"}:
            return np.concatenate(self._words)
        if not self.kinds:
            self._fill("number", 0, self._rows)
        return self._numbers[: self._rows]
