"""Predictions for a file's rows, as a CSV table in the same order and count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bpcli.data.encoding.lookup import require_columns
from bpcli.data.files.reading import FilePair, read_dataset
from bpcli.data.warnings import DataWarnings
from bpcli.errors import ConfigError
from bpcli.nn import Array
from bpcli.runs.model_file import Model
from bpcli.storage import to_csv
from bpcli.training.inference import outputs

PIECE = 1 << 14
"""Rows written at a time."""


def table(model: Model, path: str, keep: list[str]) -> tuple[Iterator[str], DataWarnings]:
    """The CSV text, in pieces: columns to ``keep``, predictions, then probabilities.

    Raises:
        DataError, ConfigError: the file does not fit the model, or lacks a column to keep.
    """
    warnings = DataWarnings()
    dataset = read_dataset(FilePair(path), model.form, model.features.text_columns | set(keep))
    require_columns(keep, dataset)
    kept = {name: _kept(dataset.as_written(name)) for name in keep}
    rows = {"all": np.arange(dataset.size)}
    source = model.features.sources(dataset, rows, model.dtype, warnings, last=True)["all"]
    A = outputs(model.network, model.parameters, source)
    predictions = _predictions(model, A[:, :0])
    for name in keep:
        if name in predictions:
            raise ConfigError(
                f"the predictions have a column {name!r} too", where="command line", hint="rename it in the file"
            )
    return _pieces(model, kept, A), warnings


def _predictions(model: Model, A: Array) -> dict[str, Array]:
    low, high = model.network.head.activation.range
    return model.targets.predictions(A, probabilities=low >= 0 and high <= 1)


def _pieces(model: Model, kept: dict[str, Array], A: Array) -> Iterator[str]:
    """The header, then some rows at a time."""
    yield to_csv([[*kept, *_predictions(model, A[:, :0])]])
    for start in range(0, A.shape[1], PIECE):
        some = slice(start, start + PIECE)
        columns = {name: column[some] for name, column in kept.items()} | _predictions(model, A[:, some])
        yield to_csv(zip(*(_cells(column) for column in columns.values()), strict=True))


def _kept(column: Array) -> Array:
    """Text as it stands in the file; numbers of an array file, the whole ones without a point."""
    if column.dtype == object:
        return column
    return np.array([int(value) if value.is_integer() else value for value in column.tolist()], object)


def _cells(column: Array) -> list[Any]:
    """Cells that read back exactly, by the shortest digits that do."""
    if column.dtype == np.float32:
        return [str(value) for value in column]
    return ["" if value is None or value != value else value for value in column.tolist()]
