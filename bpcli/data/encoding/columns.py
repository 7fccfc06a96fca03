"""A table's columns, each encoded by itself: a number is imputed and scaled, text becomes indicators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bpcli.data.encoding.scaling import Scaling, in_precision, learn_scaling
from bpcli.data.encoding.selection import ArrayBlocks
from bpcli.data.encoding.summaries import extent, summary
from bpcli.data.files.cells import (
    are_few,
    is_number,
    looks_like_number,
    non_numbers,
    not_finite,
    texts_of,
    without_missing,
)
from bpcli.data.files.dataset import Dataset, Table
from bpcli.data.warnings import DataWarnings, Strays
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

    def cells(self, dataset: Dataset, warnings: DataWarnings) -> Array:
        """What to encode, (N,) float64."""
        return numeric(dataset, self.name, warnings)

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

    def cells(self, dataset: Dataset, warnings: DataWarnings) -> Array:
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
    """Learn the encoding of a column from the training ``rows``; they alone decide whether it is of numbers or text."""
    column = dataset.column(name)[rows]
    if column.dtype == object and not _all_numbers(column):
        return _learn_category(dataset, name, rows, warnings)
    column = _numbers_and_strays(dataset, name)[0][rows]
    median = _median(column)
    numbers = ArrayBlocks(column[:, None])
    known = summary(numbers, extent(numbers), np.array([median]))
    if known.high[0] == known.low[0]:
        warnings.constant.append(name)
    scaling = learn_scaling(scale, known, [name], dataset.path)
    return NumberColumn(name, median, float(scaling.shift[0]), float(scaling.width[0]))


def _all_numbers(texts: Array) -> bool:
    """Whether every cell that is not missing is a number, and there is one."""
    present = [text for text in texts if text is not None]
    return bool(present) and all(map(is_number, present))


def _learn_category(dataset: Dataset, name: str, rows: IndexArray, warnings: DataWarnings) -> CategoryColumn:
    column = dataset.column(name)[rows]
    boolean = isinstance(dataset, Table) and name in dataset.truth_columns
    present = [text for text in column if text is not None]
    categories = tuple(sorted(set(present)))
    if not warn_of_strays(dataset, name, rows, warnings) and len(categories) > max(MANY, len(present) / 2):
        warnings.many.append(name)
    if len(categories) <= 1:
        warnings.constant.append(name)
    return CategoryColumn(name, categories, boolean)


def warn_of_strays(dataset: Dataset, name: str, rows: IndexArray, warnings: DataWarnings) -> bool:
    """Warn of a column that is text for a few of its ``rows`` only; whether it is."""
    column = dataset.column(name)[rows]
    strays, present = non_numbers(column), sum(text is not None for text in column)
    found = are_few(len(strays), present)
    if found:
        warnings.nearly_numbers.append(_strays(dataset, name, rows[strays], len(rows)))
    return found


def numeric(dataset: Dataset, name: str, warnings: DataWarnings) -> Array:
    """A column that training learned as numbers, NaN where missing; what is no number is missing, with a warning.

    Raises:
        DataError: it holds an infinite number.
    """
    numbers, strays = _numbers_and_strays(dataset, name)
    if len(strays):
        warnings.not_numbers.append(_strays(dataset, name, strays, dataset.size))
    return numbers


def _numbers_and_strays(dataset: Dataset, name: str) -> tuple[Array, IndexArray]:
    """A column as float64, NaN where missing or no number, and the rows where it is no number."""
    column = dataset.column(name)
    if column.dtype != object:
        return column, np.empty(0, np.intp)
    strays = non_numbers(column)
    for row in strays:
        if looks_like_number(column[row]):
            raise not_finite(name, column[row], dataset.where(int(row)))
    known = column.copy()
    known[strays] = None
    numbers = np.array([np.nan if text is None else float(text) for text in known])
    return without_missing(numbers, dataset.missing if isinstance(dataset, Table) else frozenset())[1], strays


def _strays(dataset: Dataset, name: str, rows: IndexArray, cells: int) -> Strays:
    """``rows`` of a column hold what is no number."""
    return Strays(name, dataset.column(name)[rows[0]], dataset.where(int(rows[0])), len(rows), cells)


def _median(column: Array) -> float:
    """0 where nothing is known; numpy.median would import numpy.ma, which is slow."""
    present = column[~np.isnan(column)]
    if not len(present):
        return 0.0
    low, high = (len(present) - 1) // 2, len(present) // 2
    return float(np.mean(np.partition(present, (low, high))[low : high + 1]))
