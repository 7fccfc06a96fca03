"""Features: learned from the training rows of a file, applied to any file like it.

A table's number column is imputed and scaled; any other column becomes one
indicator per category met in training, all 0 where it is missing or unseen.
A matrix is scaled column by column, images all alike.

An encoding is plain data, so it travels in the model file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np

from bpcli.data.encoding import summaries
from bpcli.data.encoding.columns import CategoryColumn, ColumnEncoder, NumberColumn, learn_column, numeric
from bpcli.data.encoding.medians import medians
from bpcli.data.encoding.scaling import SCALINGS, Scaling, in_precision, learn_scaling
from bpcli.data.encoding.selection import Selection
from bpcli.data.files.dataset import Dataset, Matrix
from bpcli.data.files.memory import Pages, blocks
from bpcli.data.sources import ByteRows, FileRows, Rows, Source
from bpcli.data.warnings import DataWarnings
from bpcli.errors import ConfigError, did_you_mean
from bpcli.nn import Array, IndexArray

LOADED = 1 << 28
"""Up to so many bytes, numbers are encoded once and kept in memory; where they are more, a file's are left in it."""


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
        """The encoded rows, ascending, of each part of a file; ``last`` says that nobody reads them again."""
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
            DataError: text where training had numbers.
        """
        require_columns([encoder.name for encoder in self.encoders], dataset)
        encoded = {part: np.empty((len(rows), self.size), dtype) for part, rows in parts.items()}
        columns = [encoder.cells(dataset) for encoder in self.encoders]
        numbers = [encoder.name for encoder in self.encoders if isinstance(encoder, NumberColumn)]
        tallies = {part: [0] * len(columns) for part in parts}
        for start, stop in blocks(dataset.size, self.size):
            for part, place in _within(parts, start, stop):
                rows = parts[part][place]
                counts = self._encode(columns, rows, encoded[part][place], partial(_place, dataset, rows))
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


@dataclass(frozen=True)
class MatrixFeatures:
    """Columns of a matrix by name, with one scaling; ``bytes_only`` for images on the range 0–255."""

    names: tuple[str, ...]
    medians: Array
    scaling: Scaling
    bytes_only: bool = False
    text_columns: frozenset[str] = field(default=frozenset())

    @property
    def size(self) -> int:
        """n_0."""
        return len(self.names)

    def sources(
        self,
        dataset: Dataset,
        parts: Mapping[str, IndexArray],
        dtype: np.dtype,
        warnings: DataWarnings,
        *,
        last: bool = False,
    ) -> dict[str, Source]:
        """The encoded rows of each part; many of a file stay there and are encoded as they are gathered.

        Raises:
            ConfigError: the file lacks a column.
            DataError: text where numbers were, or a number out of range.
        """
        require_columns(list(self.names), dataset)
        if self.bytes_only and isinstance(dataset, Matrix) and dataset.images and dataset.pixels == list(self.names):
            factor, pages = float(self.scaling.factor), dataset.pages
            return {part: ByteRows(dataset.values, rows, factor, pages) for part, rows in parts.items()}
        size = sum(map(len, parts.values())) * self.size * dtype.itemsize
        if isinstance(dataset, Matrix) and dataset.pages is not None and dataset.in_file and size > LOADED:
            return {part: self._in_file(dataset, dataset.pages, rows, dtype, warnings) for part, rows in parts.items()}
        return dict(self._in_memory(dataset, parts, dtype, warnings, last=last))

    def _in_memory(
        self, dataset: Dataset, parts: Mapping[str, IndexArray], dtype: np.dtype, warnings: DataWarnings, *, last: bool
    ) -> dict[str, Rows]:
        encoded = {part: np.empty((len(rows), self.size), dtype) for part, rows in parts.items()}
        missing = {part: np.zeros(self.size, np.intp) for part in parts}
        values = _values(dataset, list(self.names))
        for start, stop in blocks(dataset.size, self.size):
            for part, place in _within(parts, start, stop):
                rows = parts[part][place]
                numbers = values(rows)
                gone = np.isnan(numbers)
                missing[part] += gone.sum(axis=0)
                scaled = self.scaling.apply(np.where(gone, self.medians, numbers))
                encoded[part][place] = in_precision(scaled, dtype, self.names, partial(_place, dataset, rows))
            if last:
                dataset.release(list(self.names), start, stop)
            elif isinstance(dataset, Matrix):
                dataset.done(start, stop)
        for counts in missing.values():
            self._count(counts, warnings)
        return {part: Rows(rows) for part, rows in encoded.items()}

    def _in_file(
        self, dataset: Matrix, pages: Pages, rows: IndexArray, dtype: np.dtype, warnings: DataWarnings
    ) -> FileRows:
        columns = np.array(dataset.places(list(self.names)), np.intp)
        chosen = Selection(dataset, columns, rows)
        found = summaries.extent(chosen)
        self._count(found.missing, warnings)
        with np.errstate(over="ignore"):
            bounds = np.stack([self.scaling.apply(bound) for bound in (found.low, found.high)]).astype(dtype)
        if np.isinf(bounds).any():  # scaling keeps the order, so a number between them is in range
            for start, stop in blocks(len(rows), self.size):
                scaled = self.scaling.apply(chosen.block(start, stop))
                in_precision(scaled, dtype, self.names, partial(_place, dataset, rows[start:stop]))
        return FileRows(dataset.values, pages, rows, columns, (self.medians, self.scaling.shift, self.scaling.factor))

    def _count(self, missing: IndexArray, warnings: DataWarnings) -> None:
        for column in np.flatnonzero(missing):
            warnings.imputed[self.names[column]] += int(missing[column])

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        return {
            "kind": "matrix",
            "names": list(self.names),
            "medians": self.medians.tolist(),
            "shift": self.scaling.shift.tolist(),
            "width": self.scaling.width.tolist(),
            "bytes_only": self.bytes_only,
        }


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


def require_columns(names: list[str], dataset: Dataset, key: str = "") -> None:
    """Every name is a column of the file.

    Raises:
        ConfigError: one is not; ``key`` is the config key that named it.
    """
    for error in missing_columns(names, dataset, key):
        raise error


def missing_columns(names: list[str], dataset: Dataset, key: str = "") -> list[ConfigError]:
    """An error for each name that is no column of the file; ``key`` is the config key that named it."""
    known = set(dataset.names)
    return [
        ConfigError(
            f"{dataset.path} has no column {name!r}", key=key, hint=did_you_mean(name, dataset.names, "its columns are")
        )
        for name in names
        if name not in known
    ]


def learn_features(
    dataset: Dataset, names: list[str], rows: IndexArray, scale: str, warnings: DataWarnings
) -> Features:
    """Learn the encoding of columns ``names`` from the training ``rows``."""
    if isinstance(dataset, Matrix):
        return _learn_matrix(dataset, names, rows, scale, warnings)
    return TableFeatures(tuple(learn_column(dataset, name, rows, scale, warnings) for name in names))


def _learn_matrix(
    dataset: Matrix, names: list[str], rows: IndexArray, scale: str, warnings: DataWarnings
) -> MatrixFeatures:
    of_bytes = SCALINGS[scale]().of_bytes() if dataset.images else None
    if of_bytes is not None:
        return MatrixFeatures(tuple(names), np.zeros(len(names)), of_bytes, bytes_only=True)
    chosen = Selection(dataset, np.array(dataset.places(names), np.intp), rows)
    found = summaries.extent(chosen)
    median = medians(chosen, found.missing)
    scaling = learn_scaling(scale, summaries.summary(chosen, found, median), names, dataset.path)
    constant = ~(found.low < found.high)
    warnings.constant.extend(name for name, flat in zip(names, constant, strict=True) if flat)
    return MatrixFeatures(tuple(names), median, scaling)


def _values(dataset: Dataset, names: list[str]) -> Callable[[IndexArray], Array]:
    """A function that gives the columns of some rows, (len(rows), len(names)) in float64, NaN where missing."""
    if isinstance(dataset, Matrix) and not dataset.targets.keys() & set(names):
        places = np.array(dataset.places(names), np.intp)
        return lambda rows: np.asarray(Selection(dataset, places, rows).block(0, len(rows)), np.float64)
    held = [numeric(dataset, name) for name in names]
    return lambda rows: np.stack([column[rows] for column in held], axis=1)


def _within(parts: Mapping[str, IndexArray], start: int, stop: int) -> Iterator[tuple[str, slice]]:
    """For each part, the place in it of its rows from ``start`` to ``stop`` of the file, if it has any there."""
    for part, rows in parts.items():
        first, end = np.searchsorted(rows, (start, stop))
        if first < end:
            yield part, slice(int(first), int(end))


def _place(dataset: Dataset, rows: IndexArray, i: int) -> str:
    return dataset.where(int(rows[i]))
