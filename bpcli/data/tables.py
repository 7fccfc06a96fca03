"""Text tables and Parquet, through pandas (imported only here).

pandas reads the cells and tells numbers from text, some rows at a time. What a
column holds is known only at its end: one that looked like numbers and then
holds a word is read once more, as text. Numbers lie in pages, column after
column, so that their memory can be given back as they are encoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from bpcli.data.content import Content
from bpcli.data.memory import Pages
from bpcli.data.raw import Format, Table, as_numbers
from bpcli.data.text import Sheet, look_through, refuse_too_large
from bpcli.errors import DataError
from bpcli.nn import Array

CHUNK = 1 << 19
"""Cells read at a time."""

ALIGNED = 2048
"""Numbers of float64 that fill whole pages, whatever the machine's."""

SHARED = 1000
"""Up to so many different words of a column are kept once each."""

Kind = Literal["number", "truth", "text"]


def read_text(content: Content, form: Format, text_columns: frozenset[str] | None) -> Table:
    """A CSV or TSV table.

    ``text_columns`` are read to the letter, never as truth values; None means the last column.

    Raises:
        DataError: not UTF-8, no rows, rows of unequal length, a repeated or infinite cell, more than memory holds.
    """
    refuse_too_large(content, form.delimiter)
    sheet = look_through(content, form)
    letter = frozenset(sheet.names[-1:]) if text_columns is None else text_columns
    table, torn = _gathered(sheet, letter, frozenset())
    if torn:
        del table
        table, torn = _gathered(sheet, letter, torn)
    _refuse_infinite(table, lambda row, column: sheet.record(row)[1][column])
    return table


def chunks(sheet: Sheet, letter: frozenset[str], text: frozenset[str]) -> Iterator[list[tuple[Kind | None, Array]]]:
    """Some rows at a time, for each column what it holds there, None where nothing, and its cells.

    Columns of ``letter`` are read to the letter; those of ``text`` are text, whatever they look like.
    """
    missing = frozenset(("", *sheet.form.missing))
    for frame in _frames(sheet, letter, text):
        told = []
        for name in sheet.names:
            words = missing if name in letter else frozenset[str]()
            told.append(_told(frame[name], words, to_the_letter=name in letter, text=name in text))
        yield told


def _frames(
    sheet: Sheet, letter: frozenset[str], text: frozenset[str], only: list[str] | None = None
) -> Iterator[pd.DataFrame]:
    names, form = sheet.names, sheet.form
    try:
        with (
            sheet.open() as stream,
            pd.read_csv(
                stream,
                sep=sheet.delimiter,
                header=0 if form.header else None,
                names=names,
                usecols=only,
                dtype={name: "str" for name in names if name in letter or name in text},
                na_values={name: ["", *form.missing] for name in names if name not in letter},
                keep_default_na=False,
                skipinitialspace=True,
                index_col=False,
                low_memory=False,
                chunksize=max(1, CHUNK // len(names)),
            ) as reader,
        ):
            yield from reader
    except pd.errors.ParserError as error:  # all else that it refuses has been refused by now
        raise DataError(
            "a quote is opened and never closed",
            where=f"{sheet.path}:{sheet.last_line()}",
            hint='close it; inside a quoted cell a quote is written twice: ""',
        ) from error


def _told(
    series: pd.Series, missing: frozenset[str] = frozenset(), *, to_the_letter: bool, text: bool = False
) -> tuple[Kind | None, Array]:
    """What some rows of a column hold, None where nothing, and their cells: float64, or str and None where missing.

    ``missing`` are words that pandas was not told of.
    """
    if not to_the_letter and not text:
        if pd.api.types.is_bool_dtype(series.dtype) or _all_booleans(series):
            return "truth", np.array([None if cell is None else cell.lower() for cell in _texts(series)], object)
        if pd.api.types.is_numeric_dtype(series.dtype):
            numbers = series.to_numpy(np.float64, na_value=np.nan)
            return (None if np.isnan(numbers).all() else "number"), numbers
    texts = _texts(series)
    if missing:
        texts = np.array([None if cell in missing else cell for cell in texts], object)
    if all(cell is None for cell in texts):
        return None, np.full(len(texts), np.nan)
    found = None if text else as_numbers(texts)
    return ("text", texts) if found is None else ("number", found)


def _gathered(sheet: Sheet, letter: frozenset[str], text: frozenset[str]) -> tuple[Table, frozenset[str]]:
    """Every column, and the names of those that were not of one kind throughout and must be read as text."""
    height = -(-sheet.lines // ALIGNED) * ALIGNED
    pages = Pages.of_room(height * len(sheet.names) * np.dtype(np.float64).itemsize)
    found = [_Column(numbers) for numbers in pages.array((len(sheet.names), height), np.dtype(np.float64))]
    for chunk in chunks(sheet, letter, text):
        for column, (kind, cells) in zip(found, chunk, strict=True):
            column.add(kind, cells)
    columns = dict(zip(sheet.names, found, strict=True))
    table = Table(
        sheet.path,
        {name: column.cells(to_the_letter=name in letter) for name, column in columns.items()},
        frozenset(name for name, column in columns.items() if column.kinds == {"truth"}),
        {name: partial(_as_written, sheet, name) for name in sheet.names},
        place=sheet.where,
        pages=pages,
    )
    return table, frozenset(name for name, column in columns.items() if len(column.kinds) > 1)


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
        if self.kinds == {"number"}:
            return self._numbers[: self._rows]
        if self.kinds:
            return np.concatenate(self._words)
        return np.full(self._rows, None, object) if to_the_letter else np.full(self._rows, np.nan)


def _as_written(sheet: Sheet, name: str) -> Array:
    """The cells of one column as the file has them, words for missing values included."""
    letter = frozenset((name,))
    return np.concatenate([_texts(frame[name]) for frame in _frames(sheet, letter, frozenset(), [name])])


def read_parquet(content: Content, text_columns: frozenset[str] | None) -> Table:
    """A Parquet table; needs the extra ``parquet``."""
    path = content.path
    try:
        import pyarrow as pa  # noqa: F401
    except ImportError as error:
        raise DataError(
            "reading Parquet needs pyarrow", where=path, hint="pip install 'bpcli[parquet]', or write the table as CSV"
        ) from error
    try:
        with content.anywhere() as stream:
            frame = pd.read_parquet(stream)
    except Exception as error:  # pyarrow's errors share no base class below Exception
        raise DataError(f"not a readable Parquet file: {error}", where=path, hint="write it again") from error
    if frame.empty:
        raise DataError("the file holds no rows", where=path, hint="it needs at least one example")
    frame.columns = [str(name) for name in frame.columns]
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise DataError(f"column {repeated[0]!r} stands twice", where=path, hint="rename one of them")
    columns, booleans = _columns(frame.reset_index(drop=True), text_columns or frozenset())
    table = Table(path, columns, booleans)
    _refuse_infinite(table, lambda row, column: str(frame.iat[row, column]))
    return table


def _columns(frame: pd.DataFrame, letter: frozenset[str]) -> tuple[dict[str, Array], frozenset[str]]:
    """The columns, and which of them are truth values."""
    columns: dict[str, Array] = {}
    booleans = set()
    for name in frame.columns:
        kind, cells = _told(frame[name], to_the_letter=name in letter)
        columns[name] = _texts(frame[name]) if kind is None and name in letter else cells
        if kind == "truth":
            booleans.add(name)
    return columns, frozenset(booleans)


def _refuse_infinite(table: Table, cell: Callable[[int, int], str]) -> None:
    """No number is infinite; ``cell`` gives a cell's text for the message."""
    for place, (name, column) in enumerate(table.columns.items()):
        numbers = as_numbers(column)
        if numbers is not None and np.isinf(numbers).any():
            row = int(np.flatnonzero(np.isinf(numbers))[0])
            raise DataError(
                f"column {name!r} holds {cell(row, place).strip()}, not a finite number",
                where=table.where(row),
                hint="leave the cell empty where the number is unknown",
            )


def _all_booleans(series: pd.Series) -> bool:
    """Whether a column of objects holds truth values and missing cells only."""
    if series.dtype != object:
        return False
    present = series.dropna()
    return len(present) > 0 and all(isinstance(value, bool) for value in present)


def _texts(series: pd.Series) -> Array:
    """str, or None where missing."""
    missing = series.isna().to_numpy()
    values = series.to_numpy(dtype=object)
    return np.array([None if gone else str(value) for value, gone in zip(values, missing, strict=True)], object)
