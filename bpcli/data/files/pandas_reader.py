"""Tables through pandas (imported only here): text of any size, some rows at a time, and Parquet."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bpcli.data.files.byte_source import SAMPLE, ByteSource
from bpcli.data.files.cells import ColumnCells, classify_column, number_words, without_missing
from bpcli.data.files.numerals import PLAIN, Numerals
from bpcli.data.files.sheet import Sheet
from bpcli.data.files.table_reader import RowChunk
from bpcli.errors import DataError
from bpcli.nn import Array
from bpcli.side_by_side import prefetched

CHUNK, LEAST = 1 << 19, 256
"""Cells read at a time, and rows however wide they are."""


@dataclass(frozen=True)
class PandasReader:
    """A :class:`~bpcli.data.files.table_reader.TableReader` of a text table, which is read again for every use.

    With several threads the next rows are read while the last ones are made columns.
    """

    sheet: Sheet
    threads: int = 1

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
        """Some rows at a time.

        Raises:
            DataError: the file is no longer what was examined.
        """
        for frame in prefetched(self._frames(exact, text), self.threads):
            yield [
                _classified(frame[name], self.sheet.missing, self.numerals, exact=name in exact, text=name in text)
                for name in self.names
            ]

    def as_written(self, name: str) -> Array:
        """The cells of one column as the file has them, words for missing values included."""
        frames = self._frames(frozenset((name,)), frozenset(), [name])
        return np.concatenate([_texts(frame[name]) for frame in frames])

    def cell(self, row: int, column: int) -> str:
        """One cell, for messages."""
        return self.sheet.record(row)[1][column]

    def where(self, row: int) -> str:
        """``file:line`` of a row."""
        return self.sheet.where(row)

    def _frames(
        self, exact: frozenset[str], text: frozenset[str], only: list[str] | None = None
    ) -> Generator[pd.DataFrame, None, None]:
        names, sheet = self.names, self.sheet
        words = sheet.missing - number_words(sheet.missing, self.numerals).keys()  # pandas would take -1 for -1.0
        try:
            with (
                sheet.open() as stream,
                pd.read_csv(
                    stream,
                    sep=sheet.delimiter,
                    decimal=self.numerals.decimal,
                    header=0 if sheet.form.header else None,
                    names=names,
                    usecols=only,
                    dtype={name: "str" for name in names if name in exact or name in text},
                    na_values={name: list(words) for name in names if name not in exact},
                    keep_default_na=False,
                    skipinitialspace=sheet.delimiter != " ",
                    index_col=False,
                    low_memory=False,
                    chunksize=max(LEAST, CHUNK // len(names)),
                ) as reader,
            ):
                yield from reader
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            self._require_same()
            raise MemoryError from error  # all else that pandas refuses of a table was refused before

    def _require_same(self) -> None:
        """Check by another pass that the file is what was examined."""
        with self.sheet.source.open() as stream:
            while stream.read(SAMPLE):
                pass


class ParquetReader:
    """A :class:`~bpcli.data.files.table_reader.TableReader` of a Parquet table; needs the extra ``parquet``."""

    def __init__(self, source: ByteSource) -> None:
        frame = _parquet_frame(source)
        self.path = source.path
        self.names = list(frame.columns)
        self.missing: frozenset[str] = frozenset()
        self.numerals = PLAIN
        self.most_rows = len(frame)
        self._source = source
        self._frame: pd.DataFrame | None = frame

    def chunks(self, exact: frozenset[str], text: frozenset[str]) -> Iterator[RowChunk]:
        """All rows at once."""
        frame = self._taken()
        floating = {name for name in self.names if pd.api.types.is_float_dtype(frame[name].dtype)}
        yield [
            _classified(frame[name], self.missing, PLAIN, exact=name in exact - floating, text=name in text)
            for name in self.names
        ]

    def as_written(self, name: str) -> Array:
        """The cells of one column: whole numbers with all their digits; a floating one has no other form."""
        column = self._taken()[name]
        if pd.api.types.is_float_dtype(column.dtype):
            return _classified(column, frozenset(), PLAIN, exact=False, text=False).values
        return _texts(column)

    def cell(self, row: int, column: int) -> str:
        """One cell, for messages."""
        return str(self._taken().iat[row, column])

    def where(self, row: int) -> str:
        """The row, counted from 0."""
        return f"{self.path}: row {row}"

    def _taken(self) -> pd.DataFrame:
        """The table, not kept beyond its first use, as its columns take as much memory; read again after that."""
        frame, self._frame = self._frame, None
        return _parquet_frame(self._source) if frame is None else frame


def _parquet_frame(source: ByteSource) -> pd.DataFrame:
    path = source.path
    try:
        import pyarrow as pa  # noqa: F401
    except ImportError as error:
        raise DataError(
            "reading Parquet needs pyarrow", where=path, hint="pip install 'bpcli[parquet]', or write the table as CSV"
        ) from error
    with source.seekable() as stream:
        try:
            frame = pd.read_parquet(stream)
        except Exception as error:  # pyarrow's errors share no base class below Exception
            raise DataError(f"not a readable Parquet file: {error}", where=path, hint="write it again") from error
    if frame.empty:
        raise DataError("the file holds no rows", where=path, hint="it needs at least one example")
    frame.columns = [str(name) for name in frame.columns]
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise DataError(f"column {repeated[0]!r} stands twice", where=path, hint="rename one of them")
    return frame.reset_index(drop=True)


def _classified(
    series: pd.Series, missing: frozenset[str], numerals: Numerals, *, exact: bool, text: bool
) -> ColumnCells:
    """Some rows of a column."""
    number = pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype)
    if number and not exact:
        return without_missing(series.to_numpy(np.float64, na_value=np.nan), missing, numerals)
    return classify_column(_texts(series), missing, numerals, exact=exact, text=text)


def _texts(series: pd.Series) -> Array:
    """str, or None where missing."""
    missing = series.isna().to_numpy()
    values = series.to_numpy(dtype=object)
    return np.array([None if gone else str(value) for value, gone in zip(values, missing, strict=True)], object)
