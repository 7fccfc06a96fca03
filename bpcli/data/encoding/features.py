"""Features: learned from the training rows of a file, applied to any file like it.

A table's number column is imputed and scaled; any other column becomes one
indicator per category met in training, all 0 where it is missing or unseen.
A matrix is scaled column by column, images all alike.

An encoding is plain data, so it travels in the model file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from bpcli.data.encoding.columns import CategoryColumn, ColumnEncoder, NumberColumn, learn_column
from bpcli.data.encoding.lookup import place_of, require_columns, rows_within
from bpcli.data.encoding.matrix_features import MatrixFeatures, learn_matrix
from bpcli.data.encoding.scaling import Scaling
from bpcli.data.files.dataset import Dataset, Matrix
from bpcli.data.files.memory import blocks
from bpcli.data.sources import Rows, Source
from bpcli.data.warnings import DataWarnings
from bpcli.nn import Array, IndexArray


class Features(Protocol):
    """A learned encoding of features."""

    @property
    def size(self) -> int:
        """n_0, the number of features the network sees."""
        ...

    @property
    def text_columns(self) -> frozenset[str]:
        """The columns to read as text, even where they look like numbers."""
        ...

    def sources(
        self,
        dataset: Dataset,
        parts: Mapping[str, IndexArray],
        dtype: np.dtype,
        warnings: DataWarnings,
        *,
        last: bool = False,
    ) -> dict[str, Source]:
        """The encoded rows, ascending, of each part of a file; ``last`` says that the file is not read again."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        ...


@dataclass(frozen=True)
class TableFeatures:
    """One encoder per column."""

    encoders: tuple[ColumnEncoder, ...]

    @property
    def size(self) -> int:
        """n_0."""
        return sum(encoder.outputs for encoder in self.encoders)

    @property
    def text_columns(self) -> frozenset[str]:
        """The category columns."""
        return frozenset(encoder.name for encoder in self.encoders if isinstance(encoder, CategoryColumn))

    def sources(
        self,
        dataset: Dataset,
        parts: Mapping[str, IndexArray],
        dtype: np.dtype,
        warnings: DataWarnings,
        *,
        last: bool = False,
    ) -> dict[str, Source]:
        """The encoded rows of each part, all parts together, so that a stretch of the file is read once.

        Raises:
            ConfigError: the file lacks a column.
            DataError: an infinite number.
        """
        require_columns([encoder.name for encoder in self.encoders], dataset)
        encoded = {part: np.empty((len(rows), self.size), dtype) for part, rows in parts.items()}
        columns = [encoder.cells(dataset, warnings) for encoder in self.encoders]
        numbers = [encoder.name for encoder in self.encoders if isinstance(encoder, NumberColumn)]
        tallies = {part: [0] * len(columns) for part in parts}
        for start, stop in blocks(dataset.size, self.size):
            for part, place in rows_within(parts, start, stop):
                rows = parts[part][place]
                counts = self._encode(columns, rows, encoded[part][place], partial(place_of, dataset, rows))
                tallies[part] = [before + count for before, count in zip(tallies[part], counts, strict=True)]
            if last:
                dataset.release(numbers, start, stop)
        for counted in tallies.values():
            self._count(counted, warnings)
        return {part: Rows(rows) for part, rows in encoded.items()}

    def _encode(self, columns: list[Array], rows: IndexArray, out: Array, where: Callable[[int], str]) -> list[int]:
        """Fill ``out``, (m, n_0), from m rows; what each encoder counted."""
        counts, place = [], 0
        for encoder, column in zip(self.encoders, columns, strict=True):
            counts.append(encoder.encode(column[rows], out[:, place : place + encoder.outputs], where))
            place += encoder.outputs
        return counts

    def _count(self, counts: list[int], warnings: DataWarnings) -> None:
        for encoder, count in zip(self.encoders, counts, strict=True):
            if count:
                tally = warnings.imputed if isinstance(encoder, NumberColumn) else warnings.unseen
                tally[encoder.name] += count

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        columns = []
        for encoder in self.encoders:
            kind = "number" if isinstance(encoder, NumberColumn) else "category"
            columns.append({"kind": kind, **vars(encoder)})
        return {"kind": "table", "columns": columns}


def features_from_json(saved: dict[str, Any]) -> Features:
    """The encoding that :meth:`Features.to_json` described."""
    if saved["kind"] == "matrix":
        scaling = Scaling(np.asarray(saved["shift"]), np.asarray(saved["width"]))
        return MatrixFeatures(tuple(saved["names"]), np.asarray(saved["medians"]), scaling, saved["bytes_only"])
    encoders: list[ColumnEncoder] = []
    for column in saved["columns"]:
        settings = {key: value for key, value in column.items() if key != "kind"}
        if column["kind"] == "number":
            encoders.append(NumberColumn(**settings))
        else:
            encoders.append(CategoryColumn(settings["name"], tuple(settings["categories"]), settings["boolean"]))
    return TableFeatures(tuple(encoders))


def learn_features(
    dataset: Dataset, names: list[str], rows: IndexArray, scale: str, warnings: DataWarnings
) -> Features:
    """Learn the encoding of columns ``names`` from the training ``rows``."""
    if isinstance(dataset, Matrix):
        return learn_matrix(dataset, names, rows, scale, warnings)
    return TableFeatures(tuple(learn_column(dataset, name, rows, scale, warnings) for name in names))
