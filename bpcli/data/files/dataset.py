"""A file as it was read: one example per row, named columns, nothing encoded yet.

Two kinds share one interface: a :class:`Table` of columns that differ in type,
and a :class:`Matrix` of numbers that do not, such as images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from bpcli.data.files.numerals import PLAIN, Numerals, numerals
from bpcli.nn import Array, IndexArray
from bpcli.readers import ONE_READER, Readers

if TYPE_CHECKING:
    from bpcli.data.files.extents import Extent
    from bpcli.data.files.file_digest import FileDigest
    from bpcli.data.files.pages import Pages

ROW_BYTES = 48
"""What a row takes while it becomes an example, besides its numbers.

That is its number in the file, in its part and in an epoch's order, and its target as read, compared and encoded.
"""

CellsOf = Callable[[], Array]
"""The cells of a column as the file has them, words for missing values included; read again at each call."""


@dataclass(frozen=True)
class Format:
    """How text tables are written: the settings that do not show in the file itself."""

    delimiter: str | None = None
    header: bool = True
    missing: tuple[str, ...] = ("NA", "NaN", "null")
    decimal: str = "."
    thousands: str | None = None

    @property
    def numerals(self) -> Numerals:
        """How numbers are written."""
        return numerals(self.decimal, self.thousands)


@dataclass(frozen=True)
class Reading:
    """How an array's rows are read: on so many threads, by which processes, and which columns are kept as they pass.

    They are the ``named`` ones and the ``last`` few. One that was not kept takes a pass over the file.
    """

    threads: int = 1
    named: frozenset[str] = frozenset()
    last: int = 1
    readers: Readers = ONE_READER


class Dataset(Protocol):
    """The examples of a file, or of a file of features and one of targets."""

    @property
    def path(self) -> str:
        """The file's name, for messages."""
        ...

    @property
    def size(self) -> int:
        """The number of examples."""
        ...

    @property
    def names(self) -> list[str]:
        """Every column, in the file's order."""
        ...

    @property
    def width(self) -> int | None:
        """The number of columns, but for targets that stand apart, where places are their names; None where not."""
        ...

    @property
    def own_targets(self) -> list[str]:
        """The columns that the file itself marks as targets."""
        ...

    @property
    def holds_classes(self) -> bool:
        """Whether the file's kind says that its targets are classes."""
        ...

    @property
    def numerals(self) -> Numerals:
        """How numbers among text are written."""
        ...

    @property
    def missing(self) -> frozenset[str]:
        """The words for a missing value."""
        ...

    @property
    def files(self) -> dict[str, FileDigest | None]:
        """By path, what was read; None for what can be read only once."""
        ...

    @property
    def spellings(self) -> dict[str, frozenset[str]]:
        """By column, the different numbers of a text table as it writes them, as far as they were kept."""
        ...

    def column(self, name: str) -> Array:
        """(N,): float64 with NaN where missing, or objects, str or None where missing."""
        ...

    def as_written(self, name: str) -> Array:
        """The column's cells as the file has them, as far as it has any."""
        ...

    def release(self, names: list[str], start: int, stop: int) -> None:
        """Release the memory of rows from ``start`` to ``stop`` of columns that are not read again."""
        ...

    def where(self, row: int) -> str:
        """The place of an example, for messages."""
        ...


@dataclass(frozen=True)
class Table:
    """Named columns of numbers or text.

    ``truth_columns`` are text columns of true and false; ``missing`` has the words for a missing
    value; ``cells`` reads columns as the file has them, ``spellings`` are those of numbers that were
    kept as they were read; numbers may lie in ``pages``, each column's from low addresses to high.
    """

    path: str
    columns: dict[str, Array]
    truth_columns: frozenset[str] = frozenset()
    cells: dict[str, CellsOf] = field(default_factory=dict)
    spellings: dict[str, frozenset[str]] = field(default_factory=dict)
    place: Callable[[int], str] | None = None
    own_targets: list[str] = field(default_factory=list)
    holds_classes: bool = False
    pages: Pages | None = None
    files: dict[str, FileDigest | None] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    numerals: Numerals = PLAIN
    width: int | None = None

    @property
    def size(self) -> int:
        """The number of examples."""
        return len(next(iter(self.columns.values()))) if self.columns else 0

    @property
    def names(self) -> list[str]:
        """Every column, in the file's order."""
        return list(self.columns)

    def column(self, name: str) -> Array:
        """(N,): float64 with NaN where missing, or objects, str or None where missing."""
        return self.columns[name]

    def as_written(self, name: str) -> Array:
        """The column's cells as the file has them, as far as it has any."""
        return self.cells[name]() if name in self.cells else self.columns[name]

    def release(self, names: list[str], start: int, stop: int) -> None:
        """Release the memory of numbers from row ``start`` to ``stop``, which are 0 from then on."""
        if self.pages is not None:
            for column in (self.columns[name] for name in names):
                if column.dtype != object:
                    self.pages.release(column[start:stop])

    def where(self, row: int) -> str:
        """``file:line`` where the file has lines, else the row, counted from 0."""
        return self.place(row) if self.place else f"{self.path}: row {row}"


KEPT = 16
"""Columns of a matrix that are kept once they were asked for: its targets, which are asked for several times."""


@dataclass(frozen=True)
class Matrix:
    """``values``, (N, n), one example per row, with targets beside them or among its columns.

    ``images`` says that all columns are of one kind, bytes that share the range 0–255;
    ``pages`` is where the values lie, if they were read in pieces or not at all yet. ``extent`` is that of all rows,
    where reading the file found it; ``threads`` of each of the ``readers`` may read the rows side by side.
    """

    path: str
    values: Array
    targets: dict[str, Array] = field(default_factory=dict)
    images: bool = False
    holds_classes: bool = False
    pages: Pages | None = None
    cells: dict[str, CellsOf] = field(default_factory=dict)
    spellings: dict[str, frozenset[str]] = field(default_factory=dict)
    files: dict[str, FileDigest | None] = field(default_factory=dict)
    extent: Extent | None = None
    threads: int = 1
    readers: Readers = ONE_READER
    _kept: dict[str, Array] = field(default_factory=dict, repr=False, compare=False)
    _own: dict[str, Array] = field(default_factory=dict, repr=False, compare=False)

    @property
    def size(self) -> int:
        """The number of examples."""
        return int(self.values.shape[0])

    @cached_property
    def _places(self) -> dict[str, int]:
        return {str(i): i for i in range(self.values.shape[1])}

    @property
    def pixels(self) -> list[str]:
        """The columns of ``values``: 0 … n − 1."""
        return list(self._places)

    @property
    def names(self) -> list[str]:
        """0 … n − 1, then the targets that stand apart."""
        return [*self._places, *self.targets]

    @property
    def numerals(self) -> Numerals:
        """The plain ones."""
        return PLAIN

    @property
    def missing(self) -> frozenset[str]:
        """None."""
        return frozenset()

    @property
    def width(self) -> int:
        """The number of columns of ``values``."""
        return int(self.values.shape[1])

    @property
    def own_targets(self) -> list[str]:
        """The targets that stand apart."""
        return list(self.targets)

    @property
    def in_file(self) -> bool:
        """Whether the values are read from their file whenever they are needed."""
        return self.pages is not None and self.pages.lasting

    def places(self, names: Sequence[str]) -> list[int]:
        """The columns of ``values`` with these names."""
        return [self._places[name] for name in names]

    def column(self, name: str) -> Array:
        """(N,) float64, or objects where the targets are text."""
        if name in self.targets:
            return self.targets[name]
        if name in self._kept:
            return self._kept[name]
        column = np.asarray(self._in_own_type(name), np.float64)
        if len(self._kept) < KEPT:
            self._kept[name] = column
        return column

    def rows(self, rows: IndexArray) -> Array:
        """(len(rows), n) of ``rows``, ascending: a view where they follow one another."""
        together = _together(rows)
        return self.values[rows if together is None else together]

    def block(self, names: Sequence[str], rows: IndexArray) -> Array:
        """(len(names), len(rows)) float64, the cells of some columns of ``values`` in some rows, ascending."""
        together, places = _together(rows), np.array(self.places(names), np.intp)
        found = self.values[np.ix_(rows, places)] if together is None else self.values[together][:, places]
        return np.ascontiguousarray(np.asarray(found, np.float64).T)

    def as_written(self, name: str) -> Array:
        """The column in its own type: whole numbers have digits that float64 has not."""
        if name in self.cells:
            return self.cells[name]()
        return self.targets[name] if name in self.targets else self._in_own_type(name)

    def _in_own_type(self, name: str) -> Array:
        column: Array = self._own[name] if name in self._own else self.values[:, self._places[name]]
        return column

    def keep(self, reading: Reading) -> dict[int, Array]:
        """Room for the columns that are kept as they pass, by their places; to be filled before they are used."""
        if not self.in_file:
            return {}
        n = self.width
        names = [name for name in reading.named if name in self._places]
        names += [str(place) for place in range(max(n - reading.last, 0), n)]
        self._own.update({name: np.empty(self.size, self.values.dtype) for name in list(dict.fromkeys(names))[:KEPT]})
        return {self._places[name]: column for name, column in self._own.items()}

    def done(self, start: int, stop: int) -> None:
        """Release the memory of rows that their file has too."""
        if self.in_file:
            self.release([], start, stop)

    def release(self, names: list[str], start: int, stop: int) -> None:
        """Release the memory of rows from ``start`` to ``stop``, all columns of them."""
        if self.pages is not None:
            rows = self.values[start:stop]
            for part in (rows,) if self.values.flags.c_contiguous else rows.T:
                self.pages.release(part)

    def where(self, row: int) -> str:
        """The row, counted from 0."""
        return f"{self.path}: row {row}"


def _together(rows: IndexArray) -> slice | None:
    """Ascending rows as a slice, where each follows the one before."""
    return slice(rows[0], rows[-1] + 1) if len(rows) and rows[-1] - rows[0] == len(rows) - 1 else None
