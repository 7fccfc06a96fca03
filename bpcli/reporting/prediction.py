"""Predictions for the rows of a file, as CSV with the same rows in the same order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from bpcli.data.encoding.lookup import require_columns
from bpcli.data.files.dataset import Dataset, Reading
from bpcli.data.files.reading import FilePair, read_dataset
from bpcli.data.loading import Part
from bpcli.data.sources import Source
from bpcli.data.warnings import DataWarnings
from bpcli.errors import ConfigError
from bpcli.nn import Array, IndexArray
from bpcli.reporting.finite import prediction_columns, require_finite
from bpcli.reporting.harmless import harmless
from bpcli.runs.model_file import Model
from bpcli.side_by_side import side_by_side
from bpcli.storage.short_numbers import texts
from bpcli.storage.text import to_csv
from bpcli.training.inference import output_batches, outputs

ROW = "row"
"""The column with the numbers of rows."""

CELLS_AT_ONCE = 1 << 18
"""About how many cells are formatted as one piece of text."""

MOST_OUTPUTS = 1 << 26
"""Up to so many outputs are computed before the first row is written; more of them some at a time."""


def predict_file(model: Model, path: str, keep: list[str], threads: int = 1) -> tuple[Iterator[str], DataWarnings]:
    """The CSV text in pieces, and warnings of the data: the columns ``keep``, predictions, then probabilities.

    Raises:
        DataError, ConfigError: the file does not fit the model, or lacks a column to keep.
    """
    warnings = DataWarnings()
    dataset = read_dataset(FilePair(path), model.form, model.features.text_columns | set(keep), Reading(threads))
    rows = {"all": np.arange(dataset.size)}
    kept = _kept(dataset, keep, rows["all"])
    source = model.features.sources(dataset, rows, model.dtype, warnings, last=True)["all"]
    files = [file for file in dataset.files.values() if file is not None]

    def require_learned_bytes() -> None:
        for file in files:
            file.require_learned_bytes()

    return _table(model, kept, source, require_learned_bytes, dataset.where, threads), warnings


def predict_part(model: Model, part: Part, keep: list[str], threads: int = 1) -> Iterator[str]:
    """The same of a part of the run's data, after a column with the number of each row in its file, from 0.

    Raises:
        DataError, ConfigError: the file lacks a column to keep, or one has the name of that with the numbers.
    """
    kept: dict[str, Array] = {ROW: part.rows}
    if ROW in keep:
        raise _clash(ROW)
    if keep:
        kept |= _kept(read_dataset(part.pair, model.form, frozenset(keep)), keep, part.rows)
    return _table(model, kept, part.features, part.require_learned_bytes, part.where, threads)


def _kept(dataset: Dataset, keep: list[str], rows: IndexArray) -> dict[str, Array]:
    """The columns to copy, as the file has them."""
    require_columns(keep, dataset)
    return {name: _as_in_file(dataset.as_written(name))[rows] for name in keep}


def _table(
    model: Model,
    kept: dict[str, Array],
    features: Source,
    require_same: Callable[[], None],
    where: Callable[[int], str],
    threads: int,
) -> Iterator[str]:
    """The CSV text in pieces; ``require_same`` raises a DataError where the file is no longer what was read.

    That is so before the first piece, or after the last where there are too many outputs to be kept. ``where``
    gives the place of a row, for a prediction that is no number.

    Raises:
        ConfigError: a column to copy has the name of a prediction's.
        DataError: the file is another now, or a prediction is not finite.
    """
    columns = [*kept, *prediction_columns(model, np.empty((model.network.sizes[-1], 0), model.dtype))]
    for name in kept:
        if columns.count(name) > 1:
            raise _clash(name)
    if model.network.sizes[-1] * features.size <= MOST_OUTPUTS:
        A = outputs(model.network, model.parameters, features, threads)
        require_same()
        require_finite(model, A, features, np.arange(features.size), where)
        batches: Iterable[Array] = [A]
    else:
        batches = _finite(model, features, where, threads)
        batches = _followed(batches, require_same)
    return _csv_pieces(model, kept, columns, batches, threads)


def _finite(model: Model, features: Source, where: Callable[[int], str], threads: int) -> Iterator[Array]:
    """The outputs in batches, up to one with a prediction that is not finite, which is a DataError."""
    start = 0
    for A in output_batches(model.network, model.parameters, features, threads):
        stop = start + A.shape[1]
        require_finite(model, A, features, np.arange(start, stop), where)
        start = stop
        yield A.copy()  # the next pass overwrites it, perhaps before it is written


def _followed(batches: Iterator[Array], then: Callable[[], None]) -> Iterator[Array]:
    yield from batches
    then()


def _clash(name: str) -> ConfigError:
    return ConfigError(
        f"the predictions have a column {name!r} too", where="command line", hint="rename it in the file"
    )


def _csv_pieces(
    model: Model, kept: dict[str, Array], header: list[str], batches: Iterable[Array], threads: int
) -> Iterator[str]:
    """The header, then the rows of each batch of outputs, (n_L, m), some at a time; each piece is made on a thread."""

    def written(some: tuple[int, Array]) -> str:
        start, A = some
        columns = {name: column[start : start + A.shape[1]] for name, column in kept.items()}
        columns |= prediction_columns(model, A)
        return to_csv(zip(*(_csv_cells(column) for column in columns.values()), strict=True))

    yield to_csv([list(map(harmless, header))])
    yield from side_by_side(written, _some_at_a_time(batches, max(1, CELLS_AT_ONCE // len(header))), threads)


def _some_at_a_time(batches: Iterable[Array], rows: int) -> Iterator[tuple[int, Array]]:
    """The number of the first example, and the outputs of so many from there on."""
    start = 0
    for A in batches:
        for first in range(0, A.shape[1], rows):
            some = A[:, first : first + rows]
            yield start, some
            start += some.shape[1]


def _as_in_file(column: Array) -> Array:
    """Text as the file has it; of an array file numbers, with whole numbers as integers."""
    if column.dtype == object or column.dtype.kind in "iu":
        return column
    return np.array([int(value) if value.is_integer() else value for value in column.tolist()], object)


def _csv_cells(column: Array) -> list[Any]:
    """Cells with the fewest digits that read back exactly, and text that is no formula; an empty one where missing."""
    if column.dtype == np.float32:
        return texts(column)
    if column.dtype == object:
        values = column.tolist()
        if set(map(type, values)) == {str}:
            known = {text: harmless(text) for text in set(values)}  # a few classes, in many rows
            return [known[text] for text in values]
        return ["" if value is None or value != value else harmless(value) for value in values]
    return ["" if value is None or value != value else value for value in column.tolist()]
