"""A table's columns, each encoded by itself: a number is imputed and scaled, text becomes indicators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bpcli.data.encoding.scaling import Scaling, in_precision, learn_scaling
from bpcli.data.encoding.selection import ArrayBlocks
from bpcli.data.encoding.summaries import extent, summary
from bpcli.data.files.cells import first_non_number, is_number, texts_of
from bpcli.data.files.dataset import Dataset, Table
from bpcli.data.warnings import DataWarnings
from bpcli.errors import DataError
from bpcli.nn import Array, IndexArray

MANY = 20
"""Up to so many categories, a text column in which most values differ is no surprise."""


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers: the training median where missing, then (x − shift)/width."""

    name: str
    median: float
    shift: float
    width: float

    @property
    def outputs(self) -> int:
        """The number of features it makes."""
        return 1

    def cells(self, dataset: Dataset) -> Array:
        """What to encode, (N,) float64."""
        return numeric(dataset, self.name)

    def encode(self, values: Array, out: Array, where: Callable[[int], str]) -> int:
        """Fill ``out``, (m, 1), from m cells, ``where`` the place of each; how many were imputed."""
        missing = np.isnan(values)
        if missing.any():
            values = np.where(missing, self.median, values)
        scaled = Scaling(np.asarray(self.shift), np.asarray(self.width)).apply(values)
        out[...] = in_precision(scaled[:, None], out.dtype, [self.name], where)
        return int(missing.sum())


@dataclass(frozen=True)
class CategoryColumn:
    """A column of text: an indicator for each category, in order of code points."""

    name: str
    categories: tuple[str, ...]
    boolean: bool = False

    @property
    def outputs(self) -> int:
        """The number of features it makes."""
        return len(self.categories)

    def cells(self, dataset: Dataset) -> Array:
        """What to encode, (N,) str, None where missing."""
        return texts_of(dataset, self.name)

    def encode(self, texts: Array, out: Array, where: Callable[[int], str]) -> int:
        """Fill ``out``, (m, number of categories), from m cells; how many were unseen in training."""
        places = {category: k for k, category in enumerate(self.categories)}
        out.fill(0)
        unseen = 0
        for i, text in enumerate(texts):
            if text is None:
                continue
            place = places.get(text.lower() if self.boolean else text)
            if place is None:
                unseen += 1
            else:
                out[i, place] = 1
        return unseen


ColumnEncoder = NumberColumn | CategoryColumn


def learn_column(dataset: Dataset, name: str, rows: IndexArray, scale: str, warnings: DataWarnings) -> ColumnEncoder:
    """Learn the encoding of a column from the training ``rows``."""
    column = dataset.column(name)[rows]
    if column.dtype == object:
        return _learn_category(dataset, name, column, warnings)
    median = _median(column)
    numbers = ArrayBlocks(column[:, None])
    known = summary(numbers, extent(numbers), np.array([median]))
    if known.high[0] == known.low[0]:
        warnings.constant.append(name)
    scaling = learn_scaling(scale, known, [name], dataset.path)
    return NumberColumn(name, median, float(scaling.shift[0]), float(scaling.width[0]))


def _learn_category(dataset: Dataset, name: str, column: Array, warnings: DataWarnings) -> CategoryColumn:
    boolean = isinstance(dataset, Table) and name in dataset.truth_columns
    present = [text for text in column if text is not None]
    categories = tuple(sorted(set(present)))
    stray = first_non_number(dataset.column(name))
    if stray is not None:
        warnings.nearly_numbers.append(f"{name} ({stray!r})")
    elif len(categories) > max(MANY, len(present) / 2):
        warnings.many.append(name)
    if len(categories) <= 1:
        warnings.constant.append(name)
    return CategoryColumn(name, categories, boolean)


def numeric(dataset: Dataset, name: str) -> Array:
    """A column that training learned as numbers, NaN where missing.

    Raises:
        DataError: it holds text.
    """
    column = dataset.column(name)
    if column.dtype != object:
        return column
    for row, text in enumerate(column):
        if text is not None and not is_number(text):
            raise DataError(
                f"column {name!r} holds {text!r}, where training had numbers",
                where=dataset.where(row),
                hint="correct the cell, or leave it empty where the number is unknown",
            )
    return np.array([np.nan if text is None else float(text) for text in column])


def _median(column: Array) -> float:
    """0 where nothing is known; numpy.median would import numpy.ma, which is slow."""
    present = column[~np.isnan(column)]
    if not len(present):
        return 0.0
    low, high = (len(present) - 1) // 2, len(present) // 2
    return float(np.mean(np.partition(present, (low, high))[low : high + 1]))
