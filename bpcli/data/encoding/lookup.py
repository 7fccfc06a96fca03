"""Where are columns and rows in a dataset? Names or places that must be there, rows of parts in a stretch of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from bpcli.data.files.dataset import Dataset
from bpcli.errors import ConfigError, DataError, did_you_mean
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


def widths_of(dataset: Dataset, targets: list[str]) -> tuple[int, ...]:
    """How many columns a file may have to be read like this one: as many, or none of the targets, if they come last.

    None where columns have names, by which they are found in any order.
    """
    if dataset.width is None:
        return ()
    features = dataset.width - len(targets)
    last = {str(place) for place in range(features, dataset.width)}
    return (features, dataset.width) if last == set(targets) else (dataset.width,)


def require_width(widths: tuple[int, ...], dataset: Dataset) -> None:
    """A file whose columns have no names has as many as that from which columns were learned by their places.

    Raises:
        DataError: it has not; others might be taken for them.
    """
    if widths and dataset.width is not None and dataset.width not in widths:
        without = f", or {widths[0]} without the target" if len(widths) > 1 else ""
        raise DataError(
            f"it has {_columns(dataset.width)} without names, the training file has {widths[-1]}{without}",
            where=dataset.path,
            hint="give the columns of the training file in its order",
        )


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"


def rows_within(parts: Mapping[str, IndexArray], start: int, stop: int) -> Iterator[tuple[str, slice]]:
    """For each part, the place in it of its rows from ``start`` to ``stop`` of the file, if it has any there."""
    for part, rows in parts.items():
        first, end = np.searchsorted(rows, (start, stop))
        if first < end:
            yield part, slice(int(first), int(end))


def place_of(dataset: Dataset, rows: IndexArray, i: int) -> str:
    """The place of the row ``rows[i]``, for messages."""
    return dataset.where(int(rows[i]))
