"""Text tables and Parquet, through pandas (imported only here).

pandas reads the cells and tells numbers from text; what it would forgive in
silence is checked here first: encoding, rows of unequal length, a header that
repeats a name.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from bpcli.data.raw import Format, Table, as_numbers
from bpcli.errors import DataError
from bpcli.nn import Array


def read_text(data: bytes, path: str, form: Format, text_columns: frozenset[str] | None) -> Table:
    """A CSV or TSV table.

    Raises:
        DataError: not UTF-8, no rows, rows of unequal length, a repeated or infinite cell.
    """
    text = _decoded(data, path)
    delimiter = form.delimiter or _delimiter(text, path)
    names = _header(text, delimiter, form, path)
    _check_widths(text, delimiter, len(names), path)
    keep = _last(names) if text_columns is None else text_columns
    try:
        frame = pd.read_csv(
            io.StringIO(text),
            sep=delimiter,
            header=0 if form.header else None,
            names=names,
            dtype={name: "str" for name in names if name in keep},
            na_values={name: ["", *form.missing] for name in names if name not in keep},
            keep_default_na=False,
            skipinitialspace=True,
            index_col=False,
            low_memory=False,
        )
    except pd.errors.ParserError as error:  # all else that it refuses has been refused by now
        line = max(line for line, _ in _records(text, delimiter))
        raise DataError(
            "a quote is opened and never closed",
            where=f"{path}:{line}",
            hint='close it; inside a quoted cell a quote is written twice: ""',
        ) from error

    def record(row: int) -> tuple[int, list[str]]:
        return _record(text, delimiter, row + int(form.header))

    columns, booleans, written = _columns(frame, keep, frozenset(("", *form.missing)))
    table = Table(path, columns, booleans, written, lambda row: f"{path}:{record(row)[0]}")
    _refuse_infinite(table, lambda row, column: record(row)[1][column])
    return table


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
    if frame.empty:
        raise DataError("the file holds no rows", where=path, hint="it needs at least one example")
    frame.columns = [str(name) for name in frame.columns]
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise DataError(f"column {repeated[0]!r} stands twice", where=path, hint="rename one of them")
    columns, booleans, written = _columns(frame.reset_index(drop=True), text_columns or frozenset(), frozenset())
    table = Table(path, columns, booleans, written)
    _refuse_infinite(table, lambda row, column: str(frame.iat[row, column]))
    return table


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
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(
            "the file holds binary data, not a table",
            where=f"{path}:{line}",
            hint="see the kinds of file in the README",
        )
    return text


def _delimiter(text: str, path: str) -> str:
    """A tab or a comma, whichever the first line holds; by the suffix where it holds both or neither."""
    first = text.lstrip("\r\n").split("\n", 1)[0]
    found = [mark for mark in "\t," if mark in first]
    if len(found) == 1:
        return found[0]
    return "\t" if ".tsv" in Path(path.lower()).suffixes else ","


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not blank, with the line it starts on, from 1."""
    csv.field_size_limit(sys.maxsize)
    blanks = " \t\r\n".replace(delimiter, "")
    read = [""]

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            read[0] = line
            yield line

    reader = csv.reader(lines(), delimiter=delimiter, skipinitialspace=True)
    line = 1
    for record in reader:
        if len(record) > 1 or read[0].strip(blanks):
            yield line, record
        line = reader.line_num + 1


def _record(text: str, delimiter: str, wanted: int) -> tuple[int, list[str]]:
    """The line on which the record with this number starts, and its cells."""
    for number, record in enumerate(_records(text, delimiter)):
        if number == wanted:
            return record
    raise AssertionError(f"no record {wanted}")


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


def _columns(
    frame: pd.DataFrame, as_written: frozenset[str], missing: frozenset[str]
) -> tuple[dict[str, Array], frozenset[str], dict[str, Array]]:
    """The columns, which of them are truth values, and those ``as_written`` with the words for ``missing`` kept."""
    columns: dict[str, Array] = {}
    booleans = set()
    written = {}
    for name in frame.columns:
        series = frame[name]
        if name in as_written:
            written[name] = _texts(series)
            columns[name] = np.array([None if text in missing else text for text in written[name]], object)
        elif pd.api.types.is_bool_dtype(series.dtype) or _all_booleans(series):
            columns[name] = np.array([None if text is None else text.lower() for text in _texts(series)], object)
            booleans.add(name)
        elif pd.api.types.is_numeric_dtype(series.dtype):
            columns[name] = series.to_numpy(np.float64, na_value=np.nan)
        else:
            texts = _texts(series)
            numbers = as_numbers(texts)
            columns[name] = texts if numbers is None else numbers
    return columns, frozenset(booleans), written


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
