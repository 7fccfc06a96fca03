"""Features of a matrix: columns of numbers, imputed and scaled together; images all by the range of a byte."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import prod
from typing import Any

import numpy as np

from bpcli import memory
from bpcli.data.encoding.inputs import Input, summary
from bpcli.data.encoding.lookup import place_of, require_columns, require_width, rows_within
from bpcli.data.encoding.scaling import (
    SCALINGS,
    Scaling,
    asks_for_moments,
    in_precision,
    learn_scaling,
    scaling_from_json,
)
from bpcli.data.encoding.selection import Selection
from bpcli.data.encoding.summaries import extent
from bpcli.data.encoding.survey import survey
from bpcli.data.encoding.training_columns import numeric
from bpcli.data.files.dataset import Dataset, Matrix
from bpcli.data.files.extents import Extent
from bpcli.data.files.pages import Pages, blocks
from bpcli.data.sources import ByteRows, FileRows, Rows, Source
from bpcli.data.warnings import DataWarnings
from bpcli.nn import Array, IndexArray
from bpcli.side_by_side import side_by_side
from bpcli.storage.strict_json import Saved

LOADED = 1 << 28
"""Up to so many bytes, and half the memory left, numbers are encoded once; where they are more, a file's stay in it."""


@dataclass(frozen=True)
class MatrixFeatures:
    """Columns of a matrix by name, with one scaling; ``bytes_only`` for images on the range 0–255.

    ``widths`` are the numbers of columns that a file without names may have.
    """

    names: tuple[str, ...]
    medians: Array
    scaling: Scaling
    bytes_only: bool = False
    widths: tuple[int, ...] = ()
    text_columns: frozenset[str] = field(default=frozenset())

    @property
    def size(self) -> int:
        """n_0."""
        return len(self.names)

    @property
    def inputs(self) -> list[Input]:
        """One for each column."""
        n = len(self.names)
        learned = [np.broadcast_to(of, n).tolist() for of in (self.medians, self.scaling.shift, self.scaling.width)]
        return [Input(name, "number", "", *each) for name, *each in zip(self.names, *learned, strict=True)]

    @property
    def summary(self) -> str:
        """How many columns became as many inputs."""
        return summary([("{inputs} number{s}", 1)] * len(self.names))

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
            DataError: an infinite number, or one out of range, or not as many columns as in training.
        """
        require_width(self.widths, dataset)
        require_columns(list(self.names), dataset)
        if self.bytes_only and isinstance(dataset, Matrix) and dataset.images and dataset.pixels == list(self.names):
            factor, (pixels, pages) = float(self.scaling.factor), _pixels(dataset)
            return {part: ByteRows(pixels, rows, factor, pages) for part, rows in parts.items()}
        shape = sum(map(len, parts.values())), self.size
        if isinstance(dataset, Matrix) and dataset.pages is not None and _stays_in_file(dataset, shape, dtype):
            return self._in_file(dataset, dataset.pages, parts, dtype, warnings)
        _require_room(dataset, shape, dtype)
        return dict(self._in_memory(dataset, parts, dtype, warnings, last=last))

    def _in_memory(
        self, dataset: Dataset, parts: Mapping[str, IndexArray], dtype: np.dtype, warnings: DataWarnings, *, last: bool
    ) -> dict[str, Rows]:
        encoded = {part: np.empty((len(rows), self.size), dtype) for part, rows in parts.items()}
        missing = {part: np.zeros(self.size, np.intp) for part in parts}
        values = _values(dataset, list(self.names), warnings)

        def encode(block: tuple[int, int]) -> tuple[tuple[int, int], dict[str, IndexArray]]:
            counts = {}
            for part, place in rows_within(parts, *block):
                rows = parts[part][place]
                numbers = values(rows)
                gone = np.isnan(numbers)
                counts[part] = gone.sum(axis=0)
                scaled = self.scaling.apply(np.where(gone, self.medians, numbers))
                encoded[part][place] = in_precision(scaled, dtype, self.names, partial(place_of, dataset, rows))
            return block, counts

        threads = dataset.threads if isinstance(dataset, Matrix) else 1
        for (start, stop), counts in side_by_side(encode, blocks(dataset.size, self.size), threads):
            for part, count in counts.items():
                missing[part] += count
            if last:
                dataset.release(list(self.names), start, stop)
            elif isinstance(dataset, Matrix):
                dataset.done(start, stop)
        for total in missing.values():
            self._count(total, warnings)
        return {part: Rows(rows) for part, rows in encoded.items()}

    def _in_file(
        self,
        dataset: Matrix,
        pages: Pages,
        parts: Mapping[str, IndexArray],
        dtype: np.dtype,
        warnings: DataWarnings,
    ) -> dict[str, Source]:
        columns = np.array(dataset.places(list(self.names)), np.intp)
        whole = _extent_of_all(dataset, parts, columns)
        encoding = (self.medians, self.scaling.shift, self.scaling.factor)
        for rows in parts.values():
            self._require_range(Selection(dataset, columns, rows), whole, dtype, warnings)
        if whole is not None:
            self._count(whole.missing, warnings)
        return {part: FileRows(dataset.values, pages, rows, columns, encoding) for part, rows in parts.items()}

    def _require_range(self, chosen: Selection, whole: Extent | None, dtype: np.dtype, warnings: DataWarnings) -> None:
        """The rows are in the precision's range once they are scaled; what is missing is counted.

        ``whole`` is the extent of all rows, counted already, where these are among them.

        Raises:
            DataError: one is not.
        """
        found = whole or extent(chosen, chosen.matrix.threads, chosen.matrix.readers)
        if whole is None:
            self._count(found.missing, warnings)
        with np.errstate(over="ignore"):
            bounds = np.stack([self.scaling.apply(bound) for bound in (found.low, found.high)]).astype(dtype)
        if np.isinf(bounds).any():  # scaling keeps the order, so a number between them is in range
            for start, stop in blocks(len(chosen.rows), self.size):
                scaled = self.scaling.apply(chosen.block(start, stop))
                in_precision(scaled, dtype, self.names, partial(place_of, chosen.matrix, chosen.rows[start:stop]))

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
            **({"widths": list(self.widths)} if self.widths else {}),
        }

    @classmethod
    def from_json(cls, saved: Saved) -> MatrixFeatures:
        """The encoding that :meth:`to_json` described."""
        keys = saved.keys(("kind", "names", "medians", "shift", "width", "bytes_only"), ("widths",))
        names, bytes_only = keys["names"].names(), keys["bytes_only"].truth()
        medians = np.asarray(keys["medians"].numbers(len(names)))
        scaling = scaling_from_json(keys, None if bytes_only else len(names))
        return cls(names, medians, scaling, bytes_only, keys["widths"].counts() if "widths" in keys else ())


def learn_matrix(
    dataset: Matrix, names: list[str], rows: IndexArray, scale: str, warnings: DataWarnings, dtype: np.dtype
) -> MatrixFeatures:
    """Learn the encoding of columns ``names`` from the training ``rows``.

    Raises:
        DataError: there is no room for all rows, once they are encoded in the precision ``dtype``.
    """
    of_bytes = SCALINGS[scale]().of_bytes() if dataset.images else None
    if of_bytes is not None:
        return MatrixFeatures(tuple(names), np.zeros(len(names)), of_bytes, bytes_only=True)
    _require_room(dataset, (dataset.size, len(names)), dtype)
    chosen = Selection(dataset, np.array(dataset.places(names), np.intp), rows)
    found = survey(chosen, moments=asks_for_moments(scale))
    scaling = learn_scaling(scale, found.summary, names, dataset.path)
    warnings.constant.extend(name for name, flat in zip(names, found.constant, strict=True) if flat)
    return MatrixFeatures(tuple(names), found.medians, scaling)


def _extent_of_all(dataset: Matrix, parts: Mapping[str, IndexArray], columns: IndexArray) -> Extent | None:
    """The extent of the columns as reading the file found it, where the parts have all of its rows."""
    found = dataset.extent
    if found is None or sum(map(len, parts.values())) != dataset.size:
        return None
    return Extent(found.missing[columns], found.low[columns], found.high[columns])


def _pixels(matrix: Matrix) -> tuple[Array, Pages | None]:
    """The bytes of images, and the pages of their file if they stay in it.

    They stay if they are many: a file that is cut short while its pages are in use ends the process.
    """
    if not matrix.in_file or _stays_in_file(matrix, (matrix.size, matrix.width), matrix.values.dtype):
        return matrix.values, matrix.pages
    return np.array(matrix.values), None


def _stays_in_file(matrix: Matrix, shape: tuple[int, int], dtype: np.dtype) -> bool:
    """Whether so many rows and columns are read from their file whenever they are needed, to the same bits.

    Where one of several readers has no room for them, they are for all.
    """
    if not matrix.in_file:
        return False
    mine = prod(shape) * dtype.itemsize > min(LOADED, memory.left().count // 2)
    return any(theirs.any() for (theirs,) in matrix.readers.gather([np.array([mine])]))


def _require_room(dataset: Dataset, shape: tuple[int, int], dtype: np.dtype) -> None:
    """So many rows and columns, encoded, have room in memory, or stay in their file.

    Raises:
        DataError: they have not.
    """
    if isinstance(dataset, Matrix) and _stays_in_file(dataset, shape, dtype):
        return
    memory.require(
        prod(shape) * dtype.itemsize,
        f"{shape[0]:,} examples of {shape[1]:,} inputs in {dtype} take",
        where=dataset.path,
        hint="save the numbers uncompressed with numpy.save: such a file is read in place; or data.drop columns",
    )


def _values(dataset: Dataset, names: list[str], warnings: DataWarnings) -> Callable[[IndexArray], Array]:
    """A function that gives the columns of some rows, (len(rows), len(names)) in float64, NaN where missing."""
    if isinstance(dataset, Matrix) and not dataset.targets.keys() & set(names):
        places = np.array(dataset.places(names), np.intp)
        return lambda rows: np.asarray(Selection(dataset, places, rows).block(0, len(rows)), np.float64)
    numbers = [numeric(dataset, name, warnings) for name in names]
    return lambda rows: np.stack([column[rows] for column in numbers], axis=1)
