"""Tables through pandas (imported only here): text of any size, some rows at a time, and Parquet."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bpcli.data.files.csv_reader import Chunk, Kind, looks_like_number, of_numbers, told
from bpcli.data.files.open_bytes import Content
from bpcli.data.files.raw import Table, refuse_infinite
from bpcli.data.files.text import Sheet
from bpcli.errors import DataError
from bpcli.nn import Array

CHUNK, LEAST = 1 << 19, 256
"""Cells read at a time, and rows however wide they are."""


def chunks(sheet: Sheet, letter: frozenset[str], text: frozenset[str]) -> Iterator[Chunk]:
    """Some rows at a time, for each column what it holds there, None where nothing, and its cells.

    Columns of ``letter`` are read to the letter; those of ``text`` are text, whatever they look like.
    """
    for frame in _frames(sheet, letter, text):
        yield [
            _told(frame[name], sheet.missing, to_the_letter=name in letter, text=name in text) for name in sheet.names
        ]


def _frames(
    sheet: Sheet, letter: frozenset[str], text: frozenset[str], only: list[str] | None = None
) -> Iterator[pd.DataFrame]:
    names = sheet.names
    words = [word for word in sheet.missing if not looks_like_number(word)]  # pandas would take -1 for -1.0
    try:
        with (
            sheet.open() as stream,
            pd.read_csv(
                stream,
                sep=sheet.delimiter,
                header=0 if sheet.form.header else None,
                names=names,
                usecols=only,
                dtype={name: "str" for name in names if name in letter or name in text},
                na_values={name: words for name in names if name not in letter},
                keep_default_na=False,
                skipinitialspace=sheet.delimiter != " ",
                index_col=False,
                low_memory=False,
                chunksize=max(LEAST, CHUNK // len(names)),
            ) as reader,
        ):
            yield from reader
    except pd.errors.ParserError as error:  # all that it refuses of a table has been refused by now
        raise MemoryError from error


def _told(
    series: pd.Series, missing: frozenset[str], *, to_the_letter: bool, text: bool = False
) -> tuple[Kind | None, Array]:
    """What some rows of a column hold, None where nothing, and their cells: float64, or str and None where missing."""
    number = pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype)
    if number and not to_the_letter:
        return of_numbers(series.to_numpy(np.float64, na_value=np.nan), missing)
    return told(_texts(series), missing, to_the_letter=to_the_letter, text=text)


def as_written(sheet: Sheet, name: str) -> Array:
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
    refuse_infinite(table, lambda row, column: str(frame.iat[row, column]))
    return table


def _columns(frame: pd.DataFrame, letter: frozenset[str]) -> tuple[dict[str, Array], frozenset[str]]:
    """The columns, and which of them are truth values."""
    columns: dict[str, Array] = {}
    booleans = set()
    for name in frame.columns:
        kind, cells = _told(frame[name], frozenset(), to_the_letter=name in letter)
        columns[name] = _texts(frame[name]) if kind is None and name in letter else cells
        if kind == "truth":
            booleans.add(name)
    return columns, frozenset(booleans)


def _texts(series: pd.Series) -> Array:
    """str, or None where missing."""
    missing = series.isna().to_numpy()
    values = series.to_numpy(dtype=object)
    return np.array([None if gone else str(value) for value, gone in zip(values, missing, strict=True)], object)
