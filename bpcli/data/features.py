"""Features: learned from the training rows of a file, applied to any file like it.

A table's number column is imputed and scaled; any other column becomes one
indicator per category met in training, all 0 where it is missing or unseen.
A matrix is scaled column by column, images all alike.

An encoding is plain data, so it travels in the model file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np

from bpcli.data import scaling as scalings
from bpcli.data.notes import Notes
from bpcli.data.raw import Matrix, Raw, Table, as_texts, is_number, slip_in
from bpcli.data.scaling import Scaling, stored
from bpcli.data.sources import ByteRows, Rows, Source
from bpcli.errors import ConfigError, DataError, did_you_mean
from bpcli.nn import Array, IndexArray

BYTE = 255.0
"""The range that the bytes of images share."""

BLOCK = 4096
"""Rows of a matrix converted at a time, so that float64 never holds all of them."""

MANY = 20
"""Up to so many categories, a text column in which most values differ is no surprise."""


@dataclass(frozen=True)
class Number:
    """A column of numbers: the training median where missing, then (x − shift)/width."""

    name: str
    median: float
    shift: float
    width: float

    @property
    def outputs(self) -> int:
        """The number of features it makes."""
        return 1

    def encode(self, raw: Raw, rows: IndexArray, out: Array, notes: Notes) -> None:
        """Fill ``out``, (N, 1)."""
        values = _numbers(raw, self.name)[rows]
        missing = np.isnan(values)
        if missing.any():
            notes.imputed[self.name] += int(missing.sum())
            values = np.where(missing, self.median, values)
        scaled = Scaling(np.asarray(self.shift), np.asarray(self.width)).apply(values)
        out[...] = stored(scaled[:, None], out.dtype, [self.name], partial(_place, raw, rows))


@dataclass(frozen=True)
class Category:
    """A column of text: an indicator for each category, in order of code points."""

    name: str
    categories: tuple[str, ...]
    boolean: bool = False

    @property
    def outputs(self) -> int:
        """The number of features it makes."""
        return len(self.categories)

    def encode(self, raw: Raw, rows: IndexArray, out: Array, notes: Notes) -> None:
        """Fill ``out``, (N, number of categories)."""
        places = {category: k for k, category in enumerate(self.categories)}
        out.fill(0)
        for i, text in enumerate(as_texts(raw.column(self.name))[rows]):
            if text is None:
                continue
            place = places.get(text.lower() if self.boolean else text)
            if place is None:
                notes.unseen[self.name] += 1
            else:
                out[i, place] = 1


Encoder = Number | Category


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

    def source(self, raw: Raw, rows: IndexArray, dtype: np.dtype, notes: Notes) -> Source:
        """The encoded ``rows`` of a file."""
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

    def source(self, raw: Raw, rows: IndexArray, dtype: np.dtype, notes: Notes) -> Source:
        """The encoded ``rows`` of a file.

        Raises:
            ConfigError: the file lacks a column.
            DataError: text where training had numbers.
        """
        require([encoder.name for encoder in self.encoders], raw)
        encoded = np.empty((len(rows), self.size), dtype)
        place = 0
        for encoder in self.encoders:
            encoder.encode(raw, rows, encoded[:, place : place + encoder.outputs], notes)
            place += encoder.outputs
        return Rows(encoded)

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

    def source(self, raw: Raw, rows: IndexArray, dtype: np.dtype, notes: Notes) -> Source:
        """The encoded ``rows`` of a file.

        Raises:
            ConfigError: the file lacks a column.
        """
        require(list(self.names), raw)
        if self.bytes_only and isinstance(raw, Matrix) and raw.images and raw.pixels == list(self.names):
            return ByteRows(raw.values, rows, float(self.scaling.factor))
        encoded = np.empty((len(rows), self.size), dtype)
        for start in range(0, len(rows), BLOCK):
            values = _values(raw, list(self.names), rows[start : start + BLOCK])
            missing = np.isnan(values)
            for column in np.flatnonzero(missing.any(axis=0)):
                notes.imputed[self.names[column]] += int(missing[:, column].sum())
            scaled = self.scaling.apply(np.where(missing, self.medians, values))
            places = partial(_place, raw, rows[start : start + BLOCK])
            encoded[start : start + BLOCK] = stored(scaled, dtype, self.names, places)
        return Rows(encoded)

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
    return TableFeatures(tuple(_learn_column(raw, name, rows, scale, notes) for name in names))


def _learn_matrix(raw: Matrix, names: list[str], rows: IndexArray, scale: str, notes: Notes) -> MatrixFeatures:
    if raw.images and scale == "minmax":
        byte_range = Scaling(np.asarray(0.0), np.asarray(BYTE))
        return MatrixFeatures(tuple(names), np.zeros(len(names)), byte_range, bytes_only=True)
    values = _values(raw, names, rows)
    missing = np.isnan(values)
    medians = np.array([_median(column) for column in values.T])
    values = np.where(missing, medians, values)
    scaling = scalings.learn(scale, values, names, raw.path)
    constant = values.max(axis=0) == values.min(axis=0)
    notes.constant.extend(name for name, flat in zip(names, constant, strict=True) if flat)
    return MatrixFeatures(tuple(names), medians, scaling)


def _values(raw: Raw, names: list[str], rows: IndexArray) -> Array:
    """(len(rows), len(names)) in float64, NaN where missing."""
    if isinstance(raw, Matrix):
        return np.asarray(raw.values[np.ix_(rows, np.array(raw.places(names), np.intp))], np.float64)
    return np.stack([_numbers(raw, name)[rows] for name in names], axis=1)


def _place(raw: Raw, rows: IndexArray, i: int) -> str:
    return raw.where(int(rows[i]))


def _numbers(raw: Raw, name: str) -> Array:
    """A column that training learned as numbers, NaN where missing.

    Raises:
        DataError: it holds text.
    """
    column = raw.column(name)
    if column.dtype != object:
        return column
    for row, text in enumerate(column):
        if text is not None and not is_number(text):
            raise DataError(
                f"column {name!r} holds {text!r}, where training had numbers",
                where=raw.where(row),
                hint="correct the cell, or leave it empty where the number is unknown",
            )
    return np.array([np.nan if text is None else float(text) for text in column])


def _median(column: Array) -> float:
    present = column[~np.isnan(column)]
    return float(np.median(present)) if len(present) else 0.0


def _learn_column(raw: Raw, name: str, rows: IndexArray, scale: str, notes: Notes) -> Encoder:
    column = raw.column(name)[rows]
    if column.dtype == object:
        return _learn_category(raw, name, column, notes)
    median = _median(column)
    values = np.where(np.isnan(column), median, column)[:, None]
    if values.max() == values.min():
        notes.constant.append(name)
    scaling = scalings.learn(scale, values, [name], raw.path)
    return Number(name, median, float(scaling.shift[0]), float(scaling.width[0]))


def _learn_category(raw: Raw, name: str, column: Array, notes: Notes) -> Category:
    boolean = isinstance(raw, Table) and name in raw.booleans
    present = [text for text in column if text is not None]
    categories = tuple(sorted(set(present)))
    slip = slip_in(raw.column(name))
    if slip is not None:
        notes.nearly_numbers.append(f"{name} ({slip!r})")
    elif len(categories) > max(MANY, len(present) / 2):
        notes.many.append(name)
    if len(categories) <= 1:
        notes.constant.append(name)
    return Category(name, categories, boolean)
