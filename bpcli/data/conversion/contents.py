"""What does each column of a table hold? One pass over its chunks, before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from bpcli.data.conversion.exactness import WrittenNumbers
from bpcli.data.encoding.dates import ISO, misfits
from bpcli.data.files.cells import ColumnCells, Kind, are_few, non_numbers
from bpcli.data.files.numerals import Numerals
from bpcli.data.files.table_reader import RowChunk, TableReader

MOST = 1000
"""Up to so many categories, a text column is worth an indicator each."""

Progress = Callable[[int], None]
"""Called now and then with the number of rows read so far."""


@dataclass
class ColumnContents:
    """What a column holds: the ``kinds`` of its cells, and its different ``words``, None where they are too many.

    ``dates`` says that all text in it so far is an ISO date.
    ``strays`` of its ``present`` cells are no numbers, ``stray`` is the first of them, in ``stray_row``.
    ``written`` is how the numbers of a target are written.
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
    written: WrittenNumbers = field(init=False)

    def __post_init__(self) -> None:
        """Nothing has been read yet."""
        self.written = WrittenNumbers(self.numerals)

    @property
    def nearly_numbers(self) -> bool:
        """Whether it is text for a few cells only."""
        return are_few(self.strays, self.present)

    def add(self, chunk: ColumnCells) -> None:
        """Count the last cells of its ``rows``, of one kind, or none where all are missing."""
        if chunk.kind is None:
            return
        self.kinds.add(chunk.kind)
        self.written.add(chunk.spellings)
        cells = chunk.values
        if chunk.kind == "number":
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
            if column.name not in drop:
                column.add(cells)
        progress(found[0].rows)
    return found
