"""What does each column of a table hold? Known once all its chunks of rows are read.

A column that looked like numbers and then holds a word is read once more, as text.
Numbers of a large table lie in pages, column after column, so that their memory can
be released as they are encoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice

import numpy as np

from bpcli.data.files.cells import ColumnCells, Kind, refuse_infinite
from bpcli.data.files.dataset import Table
from bpcli.data.files.file_digest import changed_while_read
from bpcli.data.files.pages import Pages
from bpcli.data.files.table_reader import RowChunk, TableReader
from bpcli.nn import Array

ALIGNED = 2048
"""Numbers of float64 that fill whole pages, whatever the machine's."""

SHARED = 1000
"""Up to so many different words of a column are kept once each."""

MOST_SPELLINGS = 1 << 16
"""Up to so many different spellings of a column's numbers are kept; it is read again for more."""


def gather(reader: TableReader, exact: frozenset[str]) -> Table:
    """The whole table; a column that is not of one kind throughout is read again, as text.

    Raises:
        DataError: a number is infinite, or there are more rows than were counted before.
    """
    columns, pages = _columns(reader, reader.chunks(exact, frozenset()))
    mixed = frozenset(name for name, column in columns.items() if len(column.kinds) > 1)
    if mixed:
        del columns, pages
        columns, pages = _columns(reader, reader.chunks(exact, mixed))
    table = Table(
        reader.path,
        {name: column.values_or_text(exact=name in exact) for name, column in columns.items()},
        frozenset(name for name, column in columns.items() if column.kinds == {"truth"}),
        {name: partial(reader.as_written, name) for name in reader.names},
        spellings={name: column.spellings for name, column in columns.items() if column.spellings},
        place=reader.where,
        pages=pages,
        missing=reader.missing,
        numerals=reader.numerals,
    )
    refuse_infinite(table, reader.cell)
    return table


@dataclass(frozen=True)
class _Column:
    """A whole column: the kinds of its cells, their values, none of several kinds, and spellings, if not too many."""

    kinds: set[Kind]
    values: Array
    spellings: frozenset[str]

    def values_or_text(self, *, exact: bool) -> Array:
        """The values; a column without any is numbers, all missing, unless it is read to the letter."""
        return np.full(len(self.values), None, object) if exact and not self.kinds else self.values


def _columns(reader: TableReader, chunks: Iterator[RowChunk]) -> tuple[dict[str, _Column], Pages | None]:
    """The columns by name, and the pages of their numbers, if these came in several chunks."""
    start = list(islice(chunks, 2))
    if len(start) > 1:
        return _of_chunks(reader, chain(_emptied(start), chunks))
    columns = zip(reader.names, start[0], strict=True)
    return {name: _Column({of.kind} if of.kind else set(), of.values, of.spellings) for name, of in columns}, None


def _of_chunks(reader: TableReader, chunks: Iterator[RowChunk]) -> tuple[dict[str, _Column], Pages]:
    """The columns by name, and the pages of their numbers.

    Raises:
        DataError: there are more rows than were counted before.
    """
    names, height = reader.names, -(-reader.most_rows // ALIGNED) * ALIGNED
    pages = Pages.of_memory(height * len(names) * np.dtype(np.float64).itemsize)
    growing = [_GrowingColumn(numbers) for numbers in pages.array((len(names), height), np.dtype(np.float64))]
    rows = 0
    for chunk in chunks:
        rows += len(chunk[0].values)
        if rows > reader.most_rows:
            raise changed_while_read(reader.path)
        for column, cells in zip(growing, chunk, strict=True):
            column.add(cells)
    return {name: column.whole() for name, column in zip(names, growing, strict=True)}, pages


def _emptied(chunks: list[RowChunk]) -> Iterator[RowChunk]:
    """Chunks in order, none of them kept."""
    while chunks:
        yield chunks.pop(0)


class _GrowingColumn:
    """A column as it comes, some rows at a time; numbers are written into ``numbers``."""

    def __init__(self, numbers: Array) -> None:
        self._numbers = numbers
        self._kinds: set[Kind] = set()
        self._words: list[Array] = []
        self._shared: dict[str | None, str | None] = {}
        self._spellings: set[str] = set()
        self._rows = 0

    def add(self, cells: ColumnCells) -> None:
        """Append cells of one kind, or of none where all are missing."""
        before, self._rows = self._rows, self._rows + len(cells.values)
        if cells.kind is not None:
            if not self._kinds:
                self._fill(cells.kind, 0, before)
            self._kinds.add(cells.kind)
        if len(self._kinds) != 1:  # nothing to keep yet, or nothing any more
            return
        if cells.kind is None:
            self._fill(next(iter(self._kinds)), before, self._rows)
        elif cells.kind == "number":
            self._numbers[before : self._rows] = cells.values
        else:
            if len(self._shared) > SHARED:
                self._shared.clear()
            self._words.append(np.array([self._shared.setdefault(cell, cell) for cell in cells.values], object))
        if len(self._spellings) <= MOST_SPELLINGS:
            self._spellings |= cells.spellings

    def _fill(self, kind: Kind, start: int, stop: int) -> None:
        """Rows in which the cell is missing."""
        if kind == "number":
            self._numbers[start:stop] = np.nan
        else:
            self._words.append(np.full(stop - start, None, object))

    def whole(self) -> _Column:
        """The column: numbers, all missing, where it holds no value; nothing of it where it is of several kinds."""
        known = len(self._kinds) == 1 and len(self._spellings) <= MOST_SPELLINGS
        spellings = frozenset(self._spellings) if known else frozenset[str]()
        if self._kinds - {"number"}:
            values = np.concatenate(self._words) if len(self._kinds) == 1 else np.empty(0, object)
            return _Column(self._kinds, values, spellings)
        if not self._kinds:
            self._fill("number", 0, self._rows)
        return _Column(self._kinds, self._numbers[: self._rows], spellings)
