"""A sample of the columns of raw data, as numbers: what the checks of columns look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from bpcli.data.encoding.date_columns import Date, times_of
from bpcli.data.encoding.training_columns import TrainingColumn
from bpcli.data.files.cells import as_numbers, texts_of
from bpcli.data.files.dataset import Dataset, Matrix
from bpcli.data.raw import RawData
from bpcli.nn import Array, IndexArray
from bpcli.streams import stream


@dataclass(frozen=True)
class Limits:
    """How much is looked at: rows of each part, columns, and cells where whole rows are compared."""

    rows: int = 5_000
    columns: int = 500
    cells: int = 60_000_000


@dataclass(frozen=True)
class Column:
    """A column's sampled cells by part, float64, NaN where missing; a category's are numbers of its words."""

    name: str
    kind: Literal["number", "date", "category"]
    values: dict[str, Array]
    words: dict[str, float] = field(default_factory=dict)

    @property
    def train(self) -> Array:
        """The training cells."""
        return self.values["train"]


class Table:
    """Raw data seen through a sample of their rows and columns."""

    def __init__(self, raw: RawData, limits: Limits | None = None) -> None:
        self.raw, self.limits = raw, limits or Limits()
        self.rows = {part: _sample(rows, self.limits.rows) for part, rows in raw.rows.items() if len(rows)}
        every = len(raw.features)
        chosen = np.linspace(0, every - 1, min(every, self.limits.columns)).astype(np.intp)
        self.names = [raw.features[k] for k in chosen]

    @property
    def images(self) -> bool:
        """Whether the columns are pixels, of which none means much by itself."""
        train = self.raw.dataset("train")
        return isinstance(train, Matrix) and train.images

    @property
    def seen(self) -> str:
        """How much was looked at, where that is not all."""
        train, every = len(self.rows["train"]), len(self.raw.rows["train"])
        rows = f"{train:,} of {every:,} training rows" if train < every else ""
        columns = f"{len(self.names):,} of {len(self.raw.features):,} columns"
        return ", ".join(filter(None, [rows, columns if len(self.names) < len(self.raw.features) else ""]))

    @cached_property
    def features(self) -> list[Column]:
        """The sampled columns of the features."""
        return self._columns(self.names)

    @cached_property
    def targets(self) -> list[Column]:
        """The columns of the targets."""
        return self._columns(self.raw.targets)

    def blocks(self, part: str) -> Iterator[Array]:
        """A hash of the cells of each row of a part, features and then targets, some rows at a time: (m, 2) uint64."""
        rows, dataset = self.raw.rows[part], self.raw.dataset(part)
        step = max(1, 4_000_000 // max(1, len(self.raw.features)))
        for start in range(0, len(rows), step):
            chosen = rows[start : start + step]
            yield np.stack([_hashes(dataset, names, chosen) for names in (self.raw.features, self.raw.targets)], axis=1)

    def _columns(self, names: Sequence[str]) -> list[Column]:
        sampled = {part: _cells(self.raw.dataset(part), names, rows) for part, rows in self.rows.items()}
        return [
            self._column(name, {part: columns[k] for part, columns in sampled.items()}) for k, name in enumerate(names)
        ]

    def _column(self, name: str, cells: dict[str, Array]) -> Column:
        if all(column.dtype != object for column in cells.values()):
            return Column(name, "number", cells)
        training = TrainingColumn(self.raw.dataset("train"), name, self.rows["train"])
        if Date().recognises(training):
            found = {
                part: times_of(TrainingColumn(self.raw.dataset(part), name, rows), Date())
                for part, rows in self.rows.items()
            }
            return Column(name, "date", found)
        numbers = {part: as_numbers(column, self.raw.dataset(part).numerals) for part, column in cells.items()}
        if all(column is not None for column in numbers.values()):
            return Column(name, "number", {part: column for part, column in numbers.items() if column is not None})
        words: dict[str, float] = {}
        codes = {part: _coded(texts_of(self.raw.dataset(part), name)[rows], words) for part, rows in self.rows.items()}
        return Column(name, "category", codes, words)


def _sample(rows: IndexArray, most: int) -> IndexArray:
    """Some of the rows, ascending; the same for the same rows."""
    if len(rows) <= most:
        return rows
    return np.sort(stream(0, "diagnosis").choice(rows, most, replace=False))


def _coded(texts: Array, words: dict[str, float]) -> Array:
    """A number for each word, NaN where one is missing; new words get the next numbers."""
    return np.array([np.nan if text is None else words.setdefault(text, float(len(words))) for text in texts])


def _hashes(dataset: Dataset, names: Sequence[str], rows: IndexArray) -> Array:
    """(m,) one hash of the cells of each row: equal rows have equal ones."""
    total = np.zeros(len(rows), np.uint64)
    for place, cells in enumerate(_bits(dataset, names, rows)):
        mixed = (cells ^ (cells >> np.uint64(29))) * np.uint64((2 * place + 3) * 0x9E3779B97F4A7C15 & (2**64 - 1) | 1)
        total += (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xBF58476D1CE4E5B9)
    return total


def _bits(dataset: Dataset, names: Sequence[str], rows: IndexArray) -> Iterator[Array]:
    """The cells of each column as (m,) uint64."""
    for column in _cells(dataset, names, rows):
        if column.dtype == object:
            yield np.array([hash(text) for text in column], np.int64).view(np.uint64)
        else:
            yield (column + 0.0).view(np.uint64)


def _cells(dataset: Dataset, names: Sequence[str], rows: IndexArray) -> Sequence[Array]:
    """The cells of each column in some rows, ascending. Of a matrix, which may lie in a file, no others are read."""
    if isinstance(dataset, Matrix) and not set(names) & set(dataset.targets):
        return [*dataset.block(names, rows)]
    return [dataset.column(name)[rows] for name in names]
