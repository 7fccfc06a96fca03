"""Text tables, gathered some rows at a time.

What a column holds is known only at its end: one that looked like numbers and
then holds a word is read once more, as text. Numbers lie in pages, column after
column, so that their memory can be given back as they are encoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import ModuleType

import numpy as np

from bpcli.data.files import csv_reader as cells
from bpcli.data.files.csv_reader import Chunk, Kind
from bpcli.data.files.memory import Pages
from bpcli.data.files.open_bytes import Content
from bpcli.data.files.raw import Format, Table, refuse_infinite
from bpcli.data.files.text import Sheet, look_through, refuse_too_large
from bpcli.nn import Array

SMALL = 1 << 19
"""Bytes of a table up to which Python's csv module has read it before pandas is imported."""

ALIGNED = 2048
"""Numbers of float64 that fill whole pages, whatever the machine's."""

SHARED = 1000
"""Up to so many different words of a column are kept once each."""


def read_text(content: Content, form: Format, text_columns: frozenset[str] | None) -> Table:
    """A CSV or TSV table.

    ``text_columns`` are read to the letter, never as truth values; None means the last column.

    Raises:
        DataError: not UTF-8, no rows, rows of unequal length, a repeated or infinite cell, more than memory holds.
    """
    refuse_too_large(content, form.delimiter)
    sheet = look_through(content, form)
    letter = frozenset(sheet.names[-1:]) if text_columns is None else text_columns
    columns, pages = _gathered(sheet, letter, frozenset())
    torn = frozenset(name for name, column in columns.items() if len(column.kinds) > 1)
    if torn:
        del columns, pages
        columns, pages = _gathered(sheet, letter, torn)
    table = Table(
        sheet.path,
        {name: column.cells(to_the_letter=name in letter) for name, column in columns.items()},
        frozenset(name for name, column in columns.items() if column.kinds == {"truth"}),
        {name: partial(_reader(sheet).as_written, sheet, name) for name in sheet.names},
        place=sheet.where,
        pages=pages,
    )
    refuse_infinite(table, lambda row, column: sheet.record(row)[1][column])
    return table


def chunks(sheet: Sheet, letter: frozenset[str], text: frozenset[str]) -> Iterator[Chunk]:
    """Some rows at a time.

    Columns of ``letter`` are read to the letter; those of ``text`` are text, whatever they look like.
    """
    found: Iterator[Chunk] = _reader(sheet).chunks(sheet, letter, text)
    return found


def _reader(sheet: Sheet) -> ModuleType:
    """What reads a table of this size."""
    if sheet.content.length <= SMALL or not sheet.delimiter.isascii():  # pandas knows no others
        return cells
    from bpcli.data.files import pandas_reader as frames

    return frames


def _gathered(sheet: Sheet, letter: frozenset[str], text: frozenset[str]) -> tuple[dict[str, _Column], Pages]:
    """Every column, and where numbers lie; one that is not of one kind throughout must be read again, as text."""
    height = -(-sheet.lines // ALIGNED) * ALIGNED
    pages = Pages.of_room(height * len(sheet.names) * np.dtype(np.float64).itemsize)
    found = [_Column(numbers) for numbers in pages.array((len(sheet.names), height), np.dtype(np.float64))]
    for chunk in chunks(sheet, letter, text):
        for column, (kind, values) in zip(found, chunk, strict=True):
            column.add(kind, values)
    return dict(zip(sheet.names, found, strict=True)), pages


class _Column:
    """A column as it comes, some rows at a time: ``kinds`` of cells it holds, numbers in room made for them."""

    def __init__(self, numbers: Array) -> None:
        self.kinds: set[Kind] = set()
        self._numbers = numbers
        self._words: list[Array] = []
        self._shared: dict[str | None, str | None] = {}
        self._rows = 0

    def add(self, kind: Kind | None, cells: Array) -> None:
        """Take in cells of one kind, or of none where all are missing."""
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

    def cells(self, *, to_the_letter: bool) -> Array:
        """The whole column; one without a value is numbers, unless it is read to the letter."""
        if self.kinds - {"number"}:
            return np.concatenate(self._words)
        if not self.kinds and to_the_letter:
            return np.full(self._rows, None, object)
        if not self.kinds:
            self._fill("number", 0, self._rows)
        return self._numbers[: self._rows]
