"""Text tables and Parquet, through pandas (imported only here).

pandas reads the cells and tells numbers from text; what it would forgive in
silence is checked here first: encoding, rows of unequal length, a header that
repeats a name.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from bpcli.data.files import Format
from bpcli.data.raw import Table, as_numbers
from bpcli.errors import DataError
from bpcli.nn import Array


def read_text(data: bytes, path: str, form: Format, text_columns: frozenset[str] | None) -> Table:
    """A CSV or TSV table.

    Raises:
        DataError: not UTF-8, no rows, rows of unequal length, a repeated or infinite cell.
    """
    text = _decoded(data, path)
    delimiter = form.delimiter or ("\t" if ".tsv" in path.lower() else ",")
    names = _header(text, delimiter, form, path)
    _check_widths(text, delimiter, len(names), path)
    keep = _last(names) if text_columns is None else text_columns
    frame = pd.read_csv(
        io.StringIO(text),
        sep=delimiter,
        header=0 if form.header else None,
        names=names,
        dtype={name: "str" for name in names if name in keep},
        na_values=["", *form.missing],
        keep_default_na=False,
        skipinitialspace=True,
        index_col=False,
        low_memory=False,
    )

    def place(row: int) -> str:
        return f"{path}:{_line_of(text, delimiter, row + int(form.header))}"

    return _table(frame, path, place, keep)


def read_parquet(data: bytes, path: str, text_columns: frozenset[str] | None) -> Table:
    """A Parquet table; needs the extra ``parquet``."""
    try:
        import pyarrow as pa  # noqa: F401
    except ImportError as error:
        raise DataError(
            "reading Parquet needs pyarrow", where=path, hint="pip install 'bpcli[parquet]', or write the table as CSV"
        ) from error
    try:
        frame = pd.read_parquet(io.BytesIO(data))
    except Exception as error:  # pyarrow's errors share no base class below Exception
        raise DataError(f"not a readable Parquet file: {error}", where=path, hint="write it again") from error
    frame.columns = [str(name) for name in frame.columns]
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise DataError(f"column {repeated[0]!r} stands twice", where=path, hint="rename one of them")
    return _table(frame.reset_index(drop=True), path, None, text_columns or frozenset())


def _decoded(data: bytes, path: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"byte 0x{data[error.start]:02x} is not UTF-8 text",
            where=f"{path}:{line}",
            hint="convert the file, for example with iconv -f latin1 -t utf-8",
        ) from error
    if "\0" in text:
        raise DataError(
            "the file holds binary data, not a table", where=path, hint="see the kinds of file in the README"
        )
    return text


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not blank, with the line it starts on, from 1."""
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    line = 1
    for record in reader:
        if record:
            yield line, record
        line = reader.line_num + 1


def _line_of(text: str, delimiter: str, record: int) -> int:
    """The line on which the record with this number starts."""
    for number, (line, _) in enumerate(_records(text, delimiter)):
        if number == record:
            return line
    raise AssertionError(f"no record {record}")


def _header(text: str, delimiter: str, form: Format, path: str) -> list[str]:
    first = next(_records(text, delimiter), None)
    if first is None:
        raise DataError("the file holds no rows", where=path, hint="it needs a header and at least one example")
    line, cells = first
    if not form.header:
        return [str(i) for i in range(len(cells))]
    names = [cell.strip() or f"unnamed_{i}" for i, cell in enumerate(cells)]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise DataError(f"column {name!r} stands twice in the header", where=f"{path}:{line}", hint="rename one")
    records = _records(text, delimiter)
    next(records)
    if next(records, None) is None:
        raise DataError(
            "a header but no rows", where=path, hint="add examples, or set header: false if the first row is one"
        )
    return names


def _check_widths(text: str, delimiter: str, width: int, path: str) -> None:
    """Every record has as many cells as the first.

    Counting delimiters line by line settles the usual file without quotes; any
    other is read record by record.
    """
    if '"' not in text:
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if all(line.count(delimiter) == width - 1 for line in lines if line):
            return
    for line, record in _records(text, delimiter):
        if len(record) != width:
            raise DataError(
                f"{len(record)} cells where the first row has {width}",
                where=f"{path}:{line}",
                hint="quote cells that hold the delimiter, or set data.delimiter",
            )


def _last(names: list[str]) -> frozenset[str]:
    return frozenset(names[-1:])


def _table(frame: pd.DataFrame, path: str, place: Any, as_written: frozenset[str]) -> Table:
    columns: dict[str, Array] = {}
    booleans = set()
    for name in frame.columns:
        series = frame[name]
        if name in as_written:
            columns[name] = _texts(series)
        elif pd.api.types.is_bool_dtype(series.dtype) or _all_booleans(series):
            columns[name] = _texts(series)
            columns[name] = np.array([None if v is None else v.lower() for v in columns[name]], object)
            booleans.add(name)
        elif pd.api.types.is_numeric_dtype(series.dtype):
            columns[name] = series.to_numpy(np.float64, na_value=np.nan)
        else:
            texts = _texts(series)
            numbers = as_numbers(texts)
            columns[name] = texts if numbers is None else numbers
    table = Table(path, columns, frozenset(booleans), place)
    for name, column in columns.items():
        if column.dtype != object and np.isinf(column).any():
            row = int(np.flatnonzero(np.isinf(column))[0])
            raise DataError(
                f"column {name!r} holds an infinite number",
                where=table.where(row),
                hint="leave the cell empty where the number is unknown",
            )
    return table


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
