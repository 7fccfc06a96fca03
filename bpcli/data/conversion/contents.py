"""What does each column of a table hold? One pass over its chunks, before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from bpcli.data.encoding.dates import ISO, misfits
from bpcli.data.files.cells import Kind, are_few, non_numbers
from bpcli.data.files.numerals import Numerals
from bpcli.data.files.table_reader import RowChunk, TableReader
from bpcli.nn import Array

MOST = 1000
"""Up to so many categories, a text column is worth an indicator each."""

Progress = Callable[[int], None]
"""Called now and then with the number of rows read so far."""


@dataclass
class ColumnContents:
    """What a column holds: the ``kinds`` of its cells, and its different ``words``, None where they are too many.

    ``dates`` says that all text in it so far is an ISO date.
    ``strays`` of its ``present`` cells are no numbers, ``stray`` is the first of them, in ``stray_row``.
    """

    name: str
    numerals: Numerals
    kinds: set[Kind] = field(default_factory=set)
    words: set[str] | None = field(default_factory=set)
    dates: bool = True
    rows: int = 0
    present: int = 0
    strays: int = 0
    stray: str = ""
    stray_row: int = 0

    @property
    def nearly_numbers(self) -> bool:
        """Whether it is text for a few cells only."""
        return are_few(self.strays, self.present)

    def add(self, kind: Kind, cells: Array) -> None:
        """Count the last ``cells`` of its ``rows``, of one kind."""
        self.kinds.add(kind)
        if kind == "number":
            self.present += int(np.count_nonzero(~np.isnan(cells)))
            return
        texts = [cell for cell in cells if cell is not None]
        strays = non_numbers(cells, self.numerals)
        if len(strays) and not self.strays:
            self.stray, self.stray_row = cells[strays[0]], self.rows - len(cells) + int(strays[0])
        self.dates = self.dates and not misfits(ISO, set(texts))
        self.present += len(texts)
        self.strays += len(strays)
        if self.words is not None:
            self.words.update(texts)
            self.words = self.words if len(self.words) <= MOST else None


def contents_of(
    reader: TableReader, chunks: Iterator[RowChunk], drop: list[str], progress: Progress
) -> list[ColumnContents]:
    """The contents of each column in the reader's chunks, but for those that are dropped."""
    found = [ColumnContents(name, reader.numerals) for name in reader.names]
    for chunk in chunks:
        for column, cells in zip(found, chunk, strict=True):
            column.rows += len(cells.values)
            if column.name not in drop and cells.kind is not None:
                column.add(cells.kind, cells.values)
        progress(found[0].rows)
    return found
