"""Predictions for the rows of a file, as CSV with the same rows in the same order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bpcli.data.encoding.lookup import require_columns
from bpcli.data.files.dataset import Dataset
from bpcli.data.files.reading import FilePair, read_dataset
from bpcli.data.loading import Part
from bpcli.data.warnings import DataWarnings
from bpcli.errors import ConfigError
from bpcli.nn import Array, IndexArray
from bpcli.runs.model_file import Model
from bpcli.storage.text import to_csv
from bpcli.training.inference import outputs

ROW = "row"
"""The column with the numbers of rows."""

ROWS_AT_ONCE = 1 << 14
"""How many rows are formatted as one piece of text."""


def predict_file(model: Model, path: str, keep: list[str]) -> tuple[Iterator[str], DataWarnings]:
    """The CSV text in pieces, and warnings of the data: the columns ``keep``, predictions, then probabilities.

    Raises:
        DataError, ConfigError: the file does not fit the model, or lacks a column to keep.
    """
    warnings = DataWarnings()
    dataset = read_dataset(FilePair(path), model.form, model.features.text_columns | set(keep))
    rows = {"all": np.arange(dataset.size)}
    kept = _kept(dataset, keep, rows["all"])
    source = model.features.sources(dataset, rows, model.dtype, warnings, last=True)["all"]
    A = outputs(model.network, model.parameters, source)
    for file in filter(None, dataset.files.values()):
        file.require_learned_bytes()
    return _table(model, kept, A), warnings


def predict_part(model: Model, part: Part, keep: list[str]) -> Iterator[str]:
    """The same of a part of the run's data, after a column with the number of each row in its file, from 0.

    Raises:
        DataError, ConfigError: the file lacks a column to keep, or one has the name of that with the numbers.
    """
    kept: dict[str, Array] = {ROW: part.rows}
    if ROW in keep:
        raise _clash(ROW)
    if keep:
        kept |= _kept(read_dataset(part.pair, model.form, frozenset(keep)), keep, part.rows)
    A = outputs(model.network, model.parameters, part.features)
    part.require_learned_bytes()
    return _table(model, kept, A)


def _kept(dataset: Dataset, keep: list[str], rows: IndexArray) -> dict[str, Array]:
    """The columns to copy, as the file has them."""
    require_columns(keep, dataset)
    return {name: _as_in_file(dataset.as_written(name))[rows] for name in keep}


def _table(model: Model, kept: dict[str, Array], A: Array) -> Iterator[str]:
    """The CSV text in pieces.

    Raises:
        ConfigError: a column to copy has the name of a prediction's.
    """
    columns = _prediction_columns(model, A[:, :0])
    for name in kept:
        if name in columns:
            raise _clash(name)
    return _csv_pieces(model, kept, A)


def _clash(name: str) -> ConfigError:
    return ConfigError(
        f"the predictions have a column {name!r} too", where="command line", hint="rename it in the file"
    )


def _prediction_columns(model: Model, A: Array) -> dict[str, Array]:
    """The columns of the predictions from the outputs A_L, (n_L, m), each with m rows."""
    low, high = model.network.head.activation.range
    return model.targets.predictions(A, probabilities=low >= 0 and high <= 1)


def _csv_pieces(model: Model, kept: dict[str, Array], A: Array) -> Iterator[str]:
    """The header, then the rows."""
    yield to_csv([[*kept, *_prediction_columns(model, A[:, :0])]])
    for start in range(0, A.shape[1], ROWS_AT_ONCE):
        some = slice(start, start + ROWS_AT_ONCE)
        columns = {name: column[some] for name, column in kept.items()} | _prediction_columns(model, A[:, some])
        yield to_csv(zip(*(_csv_cells(column) for column in columns.values()), strict=True))


def _as_in_file(column: Array) -> Array:
    """Text as the file has it; of an array file numbers, with whole numbers as integers."""
    if column.dtype == object:
        return column
    return np.array([int(value) if value.is_integer() else value for value in column.tolist()], object)


def _csv_cells(column: Array) -> list[Any]:
    """Cells with the fewest digits that read back exactly; a missing value is an empty cell."""
    if column.dtype == np.float32:
        return [str(value) for value in column]
    return ["" if value is None or value != value else value for value in column.tolist()]
