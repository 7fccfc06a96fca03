"""The whole conversion: a first reading finds what each column holds, a last one writes it.

Numbers stay as they are, NaN where missing. A column of text becomes an
indicator per category, one of ISO dates its parts, as training would make them; targets come last, text among
them as the index of its class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bpcli.cores import usable_cores
from bpcli.data.conversion.column_writers import (
    ClassIndexWriter,
    ColumnWriter,
    NumberWriter,
    text_among_targets,
    writer_of,
)
from bpcli.data.conversion.contents import ColumnContents, Progress, contents_of
from bpcli.data.conversion.npy_file import NpyFile
from bpcli.data.files.arrays import array_reader
from bpcli.data.files.byte_source import ByteSource, open_bytes
from bpcli.data.files.dataset import Format, Matrix, Reading
from bpcli.data.files.pages import blocks
from bpcli.data.warnings import DataWarnings, Strays, listed
from bpcli.errors import ConfigError, DataError, did_you_mean
from bpcli.nn import Array


@dataclass(frozen=True)
class ConversionRequest:
    """What to convert: ``targets``, the last column where None, go last; ``drop`` leaves columns out."""

    form: Format = field(default_factory=Format)
    targets: list[str] | None = None
    drop: list[str] = field(default_factory=list)
    dtype: np.dtype = field(default_factory=lambda: np.dtype(np.float32))


@dataclass(frozen=True)
class Converted:
    """What was written: ``columns`` in their order, ``column=category`` for indicators; ``classes`` of the target."""

    examples: int
    columns: list[str]
    targets: list[str]
    classes: list[str] | None = None


def convert(path: str, target: Path, request: ConversionRequest, progress: Progress) -> tuple[Converted, DataWarnings]:
    """Write the table or array of the file ``path`` to ``target``, whole or not at all.

    Raises:
        DataError: the file is absent or malformed, holds an infinite number, lacks a target in some row, or changes.
        ConfigError: a column that is named is not there, or text has too many categories.
    """
    source = open_bytes(path)
    read_array = array_reader(source.head)
    try:
        if read_array is not None:
            matrix = read_array(source, examples=False, reading=Reading(usable_cores()))
            return _convert_matrix(matrix, source, target, request, progress)
        return _convert_table(source, target, request, progress)
    except Exception:
        source.require_unchanged()  # else what is wrong is the file's own
        raise


def _convert_table(
    source: ByteSource, target: Path, request: ConversionRequest, progress: Progress
) -> tuple[Converted, DataWarnings]:
    if source.head[:4] == b"PAR1":
        raise DataError(
            "Parquet is not converted", where=source.path, hint="write the table as CSV, or with numpy.save"
        )
    from bpcli.data.files.tables import reader_of_text

    reader = reader_of_text(source, request.form, usable_cores())
    targets = _targets(reader.names, request, reader.path)
    exact = frozenset(targets)
    found = contents_of(reader, reader.chunks(exact, frozenset()), request.drop, progress)
    mixed = frozenset(column.name for column in found if len(column.kinds) > 1)
    if mixed:
        found = contents_of(reader, reader.chunks(exact, mixed), request.drop, progress)
    known = {column.name: column for column in found}
    order = [*(name for name in reader.names if name not in targets and name not in request.drop), *targets]
    rounded = Counter[str]()
    writers = [writer_of(known[name], targets, reader.path, rounded) for name in order]
    places = [reader.names.index(name) for name in order]
    rows = ([chunk[place].values for place in places] for chunk in reader.chunks(exact, mixed))
    file = NpyFile(found[0].rows, writers, request.dtype, reader.where)
    file.write(target, rows, progress, source.require_unchanged)
    nearly = [column for column in map(known.__getitem__, order) if column.nearly_numbers]
    strays = [Strays(one.name, one.stray, reader.where(one.stray_row), one.strays, one.rows) for one in nearly]
    notes = [*_of_two_ways([known[name] for name in targets]), *_of_rounded(rounded, request.dtype)]
    return _converted(file, targets), DataWarnings(slips=strays, other=notes)


def _convert_matrix(
    matrix: Matrix, source: ByteSource, target: Path, request: ConversionRequest, progress: Progress
) -> tuple[Converted, DataWarnings]:
    targets = _targets(matrix.names, request, matrix.path, matrix.own_targets)
    left_out = {*targets, *matrix.own_targets, *request.drop}
    order = [*(name for name in matrix.names if name not in left_out), *targets]
    rounded = Counter[str]()
    writers = [_writer_of_array(matrix, name, targets, rounded) for name in order]
    file = NpyFile(matrix.size, writers, request.dtype, matrix.where)
    file.write(target, _rows_of(matrix, order), progress, source.require_unchanged)
    return _converted(file, targets), DataWarnings(other=_of_rounded(rounded, request.dtype))


def _of_two_ways(targets: list[ColumnContents]) -> list[str]:
    """A line for each target that writes a whole number in two ways."""
    return [
        f"the target {column.name!r} is {one!r} and {other!r}, which are one number in the array: "
        "where they are two classes, put a letter in front of each"
        for column in targets
        if column.kinds == {"number"} and column.written.two_ways is not None
        for one, other in [column.written.two_ways]
    ]


def _of_rounded(rounded: Counter[str], dtype: np.dtype) -> list[str]:
    """A line about whole numbers that are not kept, if there are any."""
    if not rounded.total():
        return []
    columns = listed([f"{name} ({count:,})" for name, count in rounded.most_common() if count])
    remedy = "; --dtype float64 keeps them up to 9,007,199,254,740,992" if dtype == np.float32 else ""
    return [f"whole numbers rounded in {dtype}: {columns}{remedy}"]


def _writer_of_array(matrix: Matrix, name: str, targets: list[str], rounded: Counter[str]) -> ColumnWriter:
    apart = matrix.targets.get(name)
    if apart is None or apart.dtype != object:
        return NumberWriter(name, name in targets, rounded)
    labels = sorted(set(apart))
    if len(targets) > 1:
        raise text_among_targets(name, matrix.path, labels)
    return ClassIndexWriter(name, tuple(labels))


def _rows_of(matrix: Matrix, order: list[str]) -> Iterator[list[Array]]:
    """The columns of some rows at a time."""
    columns = [matrix.as_written(name) for name in order]
    for start, stop in blocks(matrix.size, len(order)):
        yield [column[start:stop] for column in columns]
        matrix.done(start, stop)


def _converted(file: NpyFile, targets: list[str]) -> Converted:
    classes = next((list(writer.labels) for writer in file.writers if isinstance(writer, ClassIndexWriter)), None)
    return Converted(file.size, file.columns, targets, classes)


def _targets(names: list[str], request: ConversionRequest, path: str, own: list[str] | None = None) -> list[str]:
    """The targets by name, all named columns known and something left for a feature."""
    for name in (*(request.targets or []), *request.drop):
        if name not in names:
            hint = did_you_mean(name, names, "its columns are")
            raise ConfigError(f"{path} has no column {name!r}", where="command line", hint=hint)
    targets = request.targets or own or [name for name in names if name not in request.drop][-1:]
    both = [name for name in targets if name in request.drop]
    if both:
        raise ConfigError(f"column {both[0]!r} is the target", where="command line", hint="leave it out of --drop")
    if len({*targets, *request.drop}) == len(names):
        raise ConfigError(
            f"{path} has no column left for a feature", where="command line", hint="check --target, --drop, --delimiter"
        )
    return list(dict.fromkeys(targets))
