"""What reads a table: the protocol of its readers, and the choice among those of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from bpcli.data.files.byte_source import ByteSource
from bpcli.data.files.cells import Kind
from bpcli.data.files.dataset import Format
from bpcli.data.files.sheet import examine
from bpcli.nn import Array

SMALL = 1 << 19
"""Bytes of a table up to which Python's csv module has read it before pandas is imported."""

RowChunk = Sequence[tuple[Kind | None, Array]]
"""Some rows: for each column the kind of its cells there, None where all are missing, and the cells.

Cells are float64, or str in lower case for truth values, or str; None where missing.
"""


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
    def most_rows(self) -> int:
        """At least the number of rows."""
        ...

    def chunks(self, exact: frozenset[str], text: frozenset[str]) -> Iterator[RowChunk]:
        """All rows, some at a time, in order.

        ``exact`` columns hold no truth values, and numbers only if every cell is one; columns of
        ``text`` are text, whatever they look like.
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
