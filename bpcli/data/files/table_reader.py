"""What reads a table: the protocol of its readers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from bpcli.data.files.cells import ColumnCells
from bpcli.data.files.numerals import Numerals
from bpcli.nn import Array

RowChunk = Sequence[ColumnCells]
"""Some rows, column by column."""


class TableReader(Protocol):
    """Reads one table, whose frame is known to be sound; its kinds of cells show as its chunks are read."""

    @property
    def path(self) -> str:
        """The file's name, for messages."""
        ...

    @property
    def names(self) -> list[str]:
        """The columns, in the file's order."""
        ...

    @property
    def missing(self) -> frozenset[str]:
        """The words for a missing value."""
        ...

    @property
    def numerals(self) -> Numerals:
        """How its numbers are written."""
        ...

    @property
    def most_rows(self) -> int:
        """At least the number of rows."""
        ...

    def chunks(self, exact: frozenset[str], text: frozenset[str]) -> Iterator[RowChunk]:
        """All rows, some at a time, in order.

        ``exact`` columns hold no truth values, and numbers only if every cell is one, with their spellings
        where the file has any; columns of ``text`` are text, whatever they look like.
        """
        ...

    def as_written(self, name: str) -> Array:
        """The cells of one column as the file has them, words for missing values included; read again."""
        ...

    def cell(self, row: int, column: int) -> str:
        """One cell, for messages."""
        ...

    def where(self, row: int) -> str:
        """The place of a row, for messages."""
        ...
