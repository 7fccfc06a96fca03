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
from bpcli.data.encoding.columns import Category, Encoder, Number, learn_column, numeric
from bpcli.data.encoding.medians import medians
from bpcli.data.encoding.scaling import Scaling, stored
from bpcli.data.encoding.selection import Selection
from bpcli.data.files.memory import Pages, blocks
from bpcli.data.files.raw import Matrix, Raw
from bpcli.data.sources import ByteRows, FileRows, Rows, Source
from bpcli.data.warnings import Notes
from bpcli.errors import ConfigError, did_you_mean
from bpcli.nn import Array, IndexArray

BYTE = 255.0
"""The range that the bytes of images share."""

LOADED = 1 << 28
"""Up to so many bytes, numbers are encoded once and held; where they are more, a file's are left in it."""


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
        self, raw: Raw, parts: Mapping[str, IndexArray], dtype: np.dtype, notes: Notes, *, last: bool = False
    ) -> dict[str, Source]:
        """The encoded rows, ascending, of each part of a file; ``last`` says that nobody reads them again."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        ...


@dataclass(frozen=True)
class TableFeatures:
    """One encoder per column."""

    encoders: tuple[Encoder, ...]

    @property
    def size(self) -> int:
        """n_0."""
        return sum(encoder.outputs for encoder in self.encoders)

    @property
    def text_columns(self) -> frozenset[str]:
        """The category columns."""
        return frozenset(encoder.name for encoder in self.encoders if isinstance(encoder, Category))

    def sources(
        self, raw: Raw, parts: Mapping[str, IndexArray], dtype: np.dtype, notes: Notes, *, last: bool = False
    ) -> dict[str, Source]:
        """The encoded rows of each part, all parts together, so that a stretch of the file is read once.

        Raises:
            ConfigError: the file lacks a column.
            DataError: text where training had numbers.
        """
        require([encoder.name for encoder in self.encoders], raw)
        encoded = {part: np.empty((len(rows), self.size), dtype) for part, rows in parts.items()}
        columns = [encoder.cells(raw) for encoder in self.encoders]
        numbers = [encoder.name for encoder in self.encoders if isinstance(encoder, Number)]
        tallies = {part: [0] * len(columns) for part in parts}
        for start, stop in blocks(raw.size, self.size):
            for part, place in _within(parts, start, stop):
                rows = parts[part][place]
                counts = self._encode(columns, rows, encoded[part][place], partial(_place, raw, rows))
                tallies[part] = [before + count for before, count in zip(tallies[part], counts, strict=True)]
            if last:
                raw.release(numbers, start, stop)
        for counted in tallies.values():
            self._note(counted, notes)
        return {part: Rows(rows) for part, rows in encoded.items()}

    def _encode(self, columns: list[Array], rows: IndexArray, out: Array, where: Callable[[int], str]) -> list[int]:
        """Fill ``out``, (m, n_0), from m rows; what each encoder counted."""
        counts, place = [], 0
        for encoder, column in zip(self.encoders, columns, strict=True):
            counts.append(encoder.encode(column[rows], out[:, place : place + encoder.outputs], where))
            place += encoder.outputs
        return counts

    def _note(self, counts: list[int], notes: Notes) -> None:
        for encoder, count in zip(self.encoders, counts, strict=True):
            if count:
                tally = notes.imputed if isinstance(encoder, Number) else notes.unseen
                tally[encoder.name] += count

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        columns = []
        for encoder in self.encoders:
            kind = "number" if isinstance(encoder, Number) else "category"
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
        self, raw: Raw, parts: Mapping[str, IndexArray], dtype: np.dtype, notes: Notes, *, last: bool = False
    ) -> dict[str, Source]:
        """The encoded rows of each part; many of a file stay there and are encoded as they are gathered.

        Raises:
            ConfigError: the file lacks a column.
            DataError: text where numbers were, or a number out of range.
        """
        require(list(self.names), raw)
        if self.bytes_only and isinstance(raw, Matrix) and raw.images and raw.pixels == list(self.names):
            factor, pages = float(self.scaling.factor), raw.pages
            return {part: ByteRows(raw.values, rows, factor, pages) for part, rows in parts.items()}
        size = sum(map(len, parts.values())) * self.size * dtype.itemsize
        if isinstance(raw, Matrix) and raw.pages is not None and raw.in_file and size > LOADED:
            return {part: self._in_file(raw, raw.pages, rows, dtype, notes) for part, rows in parts.items()}
        return dict(self._in_memory(raw, parts, dtype, notes, last=last))

    def _in_memory(
        self, raw: Raw, parts: Mapping[str, IndexArray], dtype: np.dtype, notes: Notes, *, last: bool
    ) -> dict[str, Rows]:
        encoded = {part: np.empty((len(rows), self.size), dtype) for part, rows in parts.items()}
        missing = {part: np.zeros(self.size, np.intp) for part in parts}
        values = _values(raw, list(self.names))
        for start, stop in blocks(raw.size, self.size):
            for part, place in _within(parts, start, stop):
                rows = parts[part][place]
                numbers = values(rows)
                gone = np.isnan(numbers)
                missing[part] += gone.sum(axis=0)
                scaled = self.scaling.apply(np.where(gone, self.medians, numbers))
                encoded[part][place] = stored(scaled, dtype, self.names, partial(_place, raw, rows))
            if last:
                raw.release(list(self.names), start, stop)
            elif isinstance(raw, Matrix):
                raw.done(start, stop)
        for counts in missing.values():
            self._note(counts, notes)
        return {part: Rows(rows) for part, rows in encoded.items()}

    def _in_file(self, raw: Matrix, pages: Pages, rows: IndexArray, dtype: np.dtype, notes: Notes) -> FileRows:
        columns = np.array(raw.places(list(self.names)), np.intp)
        chosen = Selection(raw, columns, rows)
        found = summaries.summary(chosen)
        self._note(found.missing, notes)
        with np.errstate(over="ignore"):
            bounds = np.stack([self.scaling.apply(bound) for bound in (found.low, found.high)]).astype(dtype)
        if np.isinf(bounds).any():  # scaling keeps the order, so a number between them is in range
            for start, stop in blocks(len(rows), self.size):
                scaled = self.scaling.apply(chosen.block(start, stop))
                stored(scaled, dtype, self.names, partial(_place, raw, rows[start:stop]))
        return FileRows(raw.values, pages, rows, columns, (self.medians, self.scaling.shift, self.scaling.factor))

    def _note(self, missing: IndexArray, notes: Notes) -> None:
        for column in np.flatnonzero(missing):
            notes.imputed[self.names[column]] += int(missing[column])

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


def from_json(saved: dict[str, Any]) -> Features:
    """The encoding that :meth:`Features.to_json` described."""
    if saved["kind"] == "matrix":
        scaling = Scaling(np.asarray(saved["shift"]), np.asarray(saved["width"]))
        return MatrixFeatures(tuple(saved["names"]), np.asarray(saved["medians"]), scaling, saved["bytes_only"])
    encoders: list[Encoder] = []
    for column in saved["columns"]:
        settings = {key: value for key, value in column.items() if key != "kind"}
        if column["kind"] == "number":
            encoders.append(Number(**settings))
        else:
            encoders.append(Category(settings["name"], tuple(settings["categories"]), settings["boolean"]))
    return TableFeatures(tuple(encoders))


def require(names: list[str], raw: Raw, key: str = "") -> None:
    """Every name is a column of the file.

    Raises:
        ConfigError: one is not; ``key`` is the config key that named it.
    """
    for error in lacking(names, raw, key):
        raise error


def lacking(names: list[str], raw: Raw, key: str = "") -> list[ConfigError]:
    """An error for each name that is no column of the file; ``key`` is the config key that named it."""
    known = set(raw.names)
    return [
        ConfigError(
            f"{raw.path} has no column {name!r}", key=key, hint=did_you_mean(name, raw.names, "its columns are")
        )
        for name in names
        if name not in known
    ]


def learn(raw: Raw, names: list[str], rows: IndexArray, scale: str, notes: Notes) -> Features:
    """Learn the encoding of columns ``names`` from the training ``rows``."""
    if isinstance(raw, Matrix):
        return _learn_matrix(raw, names, rows, scale, notes)
    return TableFeatures(tuple(learn_column(raw, name, rows, scale, notes) for name in names))


def _learn_matrix(raw: Matrix, names: list[str], rows: IndexArray, scale: str, notes: Notes) -> MatrixFeatures:
    if raw.images and scale == "minmax":
        byte_range = Scaling(np.asarray(0.0), np.asarray(BYTE))
        return MatrixFeatures(tuple(names), np.zeros(len(names)), byte_range, bytes_only=True)
    chosen = Selection(raw, np.array(raw.places(names), np.intp), rows)
    found = summaries.summary(chosen)
    median = medians(chosen, found.missing)
    scaling = summaries.scaling(scale, chosen, found, median, names)
    constant = ~(found.low < found.high)
    notes.constant.extend(name for name, flat in zip(names, constant, strict=True) if flat)
    return MatrixFeatures(tuple(names), median, scaling)


def _values(raw: Raw, names: list[str]) -> Callable[[IndexArray], Array]:
    """A function that gives the columns of some rows, (len(rows), len(names)) in float64, NaN where missing."""
    if isinstance(raw, Matrix) and not raw.targets.keys() & set(names):
        places = np.array(raw.places(names), np.intp)
        return lambda rows: np.asarray(Selection(raw, places, rows).block(0, len(rows)), np.float64)
    held = [numeric(raw, name) for name in names]
    return lambda rows: np.stack([column[rows] for column in held], axis=1)


def _within(parts: Mapping[str, IndexArray], start: int, stop: int) -> Iterator[tuple[str, slice]]:
    """For each part, the place in it of its rows from ``start`` to ``stop`` of the file, if it has any there."""
    for part, rows in parts.items():
        first, end = np.searchsorted(rows, (start, stop))
        if first < end:
            yield part, slice(int(first), int(end))


def _place(raw: Raw, rows: IndexArray, i: int) -> str:
    return raw.where(int(rows[i]))
