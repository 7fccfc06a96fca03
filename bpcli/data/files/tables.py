"""Tables: which reader suits a file's kind and size, and whether its numbers fit into memory."""

from __future__ import annotations

import shlex
from dataclasses import replace

from bpcli import memory
from bpcli.data.files.byte_source import SAMPLE, ByteSource
from bpcli.data.files.dataset import ROW_BYTES, Format, Table
from bpcli.data.files.gathering import gather
from bpcli.data.files.sheet import examine
from bpcli.data.files.table_reader import TableReader

SMALL = 1 << 19
"""Bytes of a table up to which Python's csv module has read it before pandas is imported."""

NUMBER_BYTES = 8
"""What a cell takes in memory while a table is read."""


def read_text(source: ByteSource, form: Format, exact: frozenset[str] | None, threads: int = 1) -> Table:
    """A CSV or TSV table.

    ``exact`` columns are read to the letter, never as truth values; None means the last column.

    Raises:
        DataError: not UTF-8, no rows, rows of unequal length, a repeated or infinite cell, more than memory holds.
    """
    refuse_too_large(source, form.delimiter)
    reader = reader_of_text(source, form, threads)
    table = gather(reader, frozenset(reader.names[-1:]) if exact is None else exact)
    return table if form.header else replace(table, width=len(reader.names))


def reader_of_text(source: ByteSource, form: Format, threads: int = 1) -> TableReader:
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

    return PandasReader(examine(source, form), threads)


def read_parquet(source: ByteSource, exact: frozenset[str] | None) -> Table:
    """A Parquet table; ``exact`` columns are read to the letter, never as truth values.

    Raises:
        DataError: not whole, no rows, a repeated name, an infinite cell, or pyarrow is not installed.
    """
    from bpcli.data.files.pandas_reader import ParquetReader

    return gather(ParquetReader(source), exact or frozenset())


def refuse_too_large(source: ByteSource, delimiter: str | None) -> None:
    """Estimate from the start of a file whether its numbers fit into memory.

    Raises:
        DataError: they do not.
    """
    if source.held or source.length <= SAMPLE:
        return
    with source.open() as stream:
        sample = stream.read(SAMPLE)
    mark = (delimiter or ("\t" if sample.count(b"\t") > sample.count(b",") else ",")).encode()
    rows = sample.count(b"\n") + 1
    cells = sample.count(mark) + rows
    memory.require(
        source.length / len(sample) * (cells * NUMBER_BYTES + rows * ROW_BYTES),
        "its rows and their numbers take",
        where=source.path,
        hint=f"bp data convert {shlex.quote(source.path)} OUTPUT.npy (--target COLUMN where it is not the last), "
        "and train on that: it is read as needed, not loaded",
    )
