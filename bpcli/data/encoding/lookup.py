"""Where are columns and rows in a dataset? Names that must be there, rows of parts in a stretch of it, places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from bpcli.data.files.dataset import Dataset
from bpcli.errors import ConfigError, did_you_mean
from bpcli.nn import IndexArray


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


def rows_within(parts: Mapping[str, IndexArray], start: int, stop: int) -> Iterator[tuple[str, slice]]:
    """For each part, the place in it of its rows from ``start`` to ``stop`` of the file, if it has any there."""
    for part, rows in parts.items():
        first, end = np.searchsorted(rows, (start, stop))
        if first < end:
            yield part, slice(int(first), int(end))


def place_of(dataset: Dataset, rows: IndexArray, i: int) -> str:
    """The place of the row ``rows[i]``, for messages."""
    return dataset.where(int(rows[i]))
