"""Features: learned from the training rows of a file, applied to any file like it.

A table's columns are encoded each by its kind (:mod:`~bpcli.data.encoding.columns`);
a matrix is scaled column by column, images all alike.

An encoding is plain data, so it travels in the model file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Protocol

import numpy as np

from bpcli import memory
from bpcli.data.encoding.category_columns import CategoryColumn, refuse_identifiers
from bpcli.data.encoding.columns import ColumnEncoder, ColumnKind, NumberColumn, column_from_json, learn_column
from bpcli.data.encoding.inputs import Input, summary
from bpcli.data.encoding.lookup import place_of, require_columns, require_width, rows_within
from bpcli.data.encoding.matrix_features import MatrixFeatures, learn_matrix
from bpcli.data.encoding.training_columns import TrainingColumn
from bpcli.data.files.dataset import Dataset, Matrix
from bpcli.data.files.pages import blocks
from bpcli.data.sources import Rows, Source
from bpcli.data.warnings import DataWarnings
from bpcli.errors import ConfigError, DataError
from bpcli.nn import Array, IndexArray
from bpcli.storage.strict_json import Saved

FLOAT32 = np.dtype(np.float32)


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

    @property
    def inputs(self) -> list[Input]:
        """What each of the network's inputs is, in order."""
        ...

    @property
    def summary(self) -> str:
        """How many columns became how many inputs."""
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
    """One encoder per column; ``widths`` are the numbers of columns that a file without names may have."""

    encoders: tuple[ColumnEncoder, ...]
    widths: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """n_0."""
        return len(self.inputs)

    @property
    def text_columns(self) -> frozenset[str]:
        """The columns whose encoders take text."""
        return frozenset(encoder.name for encoder in self.encoders if encoder.reads_text)

    @cached_property
    def inputs(self) -> list[Input]:
        """Those of each column in turn."""
        return [made for encoder in self.encoders for made in encoder.inputs]

    @property
    def summary(self) -> str:
        """How many columns became how many inputs, by kind."""
        return summary((encoder.in_words, len(encoder.inputs)) for encoder in self.encoders)

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
            DataError: an infinite number, or columns without names are not as many as in training.
        """
        require_width(self.widths, dataset)
        require_columns([encoder.name for encoder in self.encoders], dataset)
        self._require_memory(sum(map(len, parts.values())), dtype, dataset.path)
        encoded = {part: np.empty((len(rows), self.size), dtype) for part, rows in parts.items()}
        columns = [encoder.cells(dataset, warnings) for encoder in self.encoders]
        numbers = [encoder.name for encoder in self.encoders if not encoder.reads_text]
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

    def _require_memory(self, rows: int, dtype: np.dtype, path: str) -> None:
        """There is room for the encoded rows; the column with the most inputs is named.

        Raises:
            DataError: there is not.
        """
        widest = max(self.encoders, key=lambda encoder: len(encoder.inputs))
        memory.require(
            rows * self.size * dtype.itemsize,
            f"{rows:,} examples of {self.size:,} inputs, {len(widest.inputs):,} of column {widest.name!r}, take",
            where=path,
            hint=f"data.drop: [{widest.name}]",
        )

    def _encode(self, columns: list[Array], rows: IndexArray, out: Array, where: Callable[[int], str]) -> list[int]:
        """Fill ``out``, (m, n_0), from m rows; what each encoder counted."""
        counts, place = [], 0
        for encoder, column in zip(self.encoders, columns, strict=True):
            end = place + len(encoder.inputs)
            counts.append(encoder.encode(column[rows], out[:, place:end], where))
            place = end
        return counts

    def _count(self, counts: list[int], warnings: DataWarnings) -> None:
        for encoder, count in zip(self.encoders, counts, strict=True):
            if count:
                encoder.count(count, warnings)

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        widths = {"widths": list(self.widths)} if self.widths else {}
        return {"kind": "table", "columns": [encoder.to_json() for encoder in self.encoders], **widths}

    @classmethod
    def from_json(cls, saved: Saved) -> TableFeatures:
        """The encoding that :meth:`to_json` described."""
        keys = saved.keys(("kind", "columns"), ("widths",))
        columns = keys["columns"]
        encoders = tuple(map(column_from_json, columns.items()))
        if len({encoder.name for encoder in encoders}) < len(encoders):
            columns.refuse("names one twice")
        return cls(encoders, keys["widths"].counts() if "widths" in keys else ())


FEATURES: dict[str, Callable[[Saved], Features]] = {
    "table": TableFeatures.from_json,
    "matrix": MatrixFeatures.from_json,
}
"""What reads an encoding back, by its kind."""


def features_from_json(saved: Saved) -> Features:
    """The encoding that :meth:`Features.to_json` described.

    Raises:
        MalformedError: it describes none.
    """
    described = saved.mapping()
    kind = described["kind"].one_of(FEATURES) if "kind" in described else saved.refuse("has no 'kind'")
    return FEATURES[kind](saved)


def learn_features(
    dataset: Dataset,
    names: list[str],
    rows: IndexArray,
    scale: str,
    warnings: DataWarnings,
    kinds: Mapping[str, ColumnKind] | None = None,
    widths: tuple[int, ...] = (),
    dtype: np.dtype = FLOAT32,
) -> Features:
    """Learn the encoding of columns ``names`` from the training ``rows``; ``kinds`` are those that are declared.

    Other files may have ``widths`` many columns, where these have no names. ``dtype`` is the precision of what
    is to be encoded.

    Raises:
        DataError: there is no room in memory for what is to be encoded, or there is nothing to encode.
        ConfigError: a column is not of the kind that is declared.
    """
    declared = kinds or {}
    if isinstance(dataset, Matrix):
        _require_numbers(declared, dataset.path)
        return replace(learn_matrix(dataset, names, rows, scale, warnings, dtype), widths=widths)
    columns = [TrainingColumn(dataset, name, rows) for name in names]
    learned = tuple(learn_column(each, declared.get(each.name), scale, warnings) for each in columns)
    for column, encoder in zip(columns, learned, strict=True):
        if column.name not in declared and isinstance(encoder, CategoryColumn):
            refuse_identifiers(encoder, column)
    if not any(encoder.inputs for encoder in learned):
        message, hint = "no column but the targets holds anything in the training rows", "a network needs an input"
        raise DataError(message, where=dataset.path, hint=hint)
    return TableFeatures(learned, widths)


def _require_numbers(declared: Mapping[str, ColumnKind], path: str) -> None:
    """An array holds numbers, and a column of it is nothing else.

    Raises:
        ConfigError: another kind is declared.
    """
    for name, kind in declared.items():
        if kind.encoder not in (NumberColumn, None):
            raise ConfigError(
                f"{path} is an array: its column {name!r} holds numbers",
                key=f"data.types.{name}",
                hint="write it as a CSV table, whose columns can be of any kind",
            )
