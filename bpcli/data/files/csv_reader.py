"""Small text tables, through Python's csv module.

Importing pandas would take longer than all the rest of a short command. Both
ways of reading follow the same rules; :mod:`bpcli.data.files.pandas_reader` is
the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from bpcli.data.files.cells import classify_column
from bpcli.data.files.numerals import Numerals
from bpcli.data.files.sheet import Sheet
from bpcli.data.files.table_reader import RowChunk
from bpcli.nn import Array


@dataclass(frozen=True)
class CsvReader:
    """A :class:`~bpcli.data.files.table_reader.TableReader` of a text table that is in memory."""

    sheet: Sheet

    @property
    def path(self) -> str:
        """The file's name, for messages."""
        return self.sheet.path

    @property
    def names(self) -> list[str]:
        """The columns, in the file's order."""
        return self.sheet.names

    @property
    def missing(self) -> frozenset[str]:
        """The words for a missing value."""
        return self.sheet.missing

    @property
    def numerals(self) -> Numerals:
        """How its numbers are written."""
        return self.sheet.form.numerals

    @property
    def most_rows(self) -> int:
        """At least the number of rows."""
        return self.sheet.lines

    def chunks(self, exact: frozenset[str], text: frozenset[str]) -> Iterator[RowChunk]:
        """All rows at once."""
        columns = zip(*(cells for _, cells in self.sheet.records()), strict=True)
        classify = partial(classify_column, missing=self.sheet.missing, numerals=self.numerals)
        yield [
            classify(np.array(cells, object), exact=name in exact, text=name in text)
            for name, cells in zip(self.names, columns, strict=True)
        ]

    def as_written(self, name: str) -> Array:
        """The cells of one column as the file has them, words for missing values included."""
        place = self.names.index(name)
        return np.array([cells[place] for _, cells in self.sheet.records()], object)

    def cell(self, row: int, column: int) -> str:
        """One cell, for messages."""
        return self.sheet.record(row)[1][column]

    def where(self, row: int) -> str:
        """``file:line`` of a row."""
        return self.sheet.where(row)
