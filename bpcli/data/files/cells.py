"""What cells hold: numbers, truth values or text, by rules that every reader of tables shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bpcli.data.files.dataset import Dataset, Table
from bpcli.data.files.numerals import PLAIN, Numerals
from bpcli.errors import DataError
from bpcli.nn import Array, IndexArray

Kind = Literal["number", "truth", "text"]

TRUTH_WORDS = frozenset({"true", "false"})
"""In upper or lower case."""

FEW = 0.1
"""Up to this share of other cells, a text column looks like numbers with slips in it."""


@dataclass(frozen=True)
class ColumnCells:
    """Some rows of a column: the ``kind`` of its cells, None where all are missing, and their ``values``.

    Values are float64, NaN where missing; or objects, None where missing: str, in lower case for truth values.
    ``spellings`` are the different ways in which numbers are written, of a column that is read to the letter.
    """

    kind: Kind | None
    values: Array
    spellings: frozenset[str] = frozenset()


def as_numbers(column: Array, numerals: Numerals) -> Array | None:
    """A column as float64, NaN where missing; text is rounded correctly. None where any is not a number."""
    if column.dtype != object:
        return column
    different = _different(column)
    return _values(column, different, numerals) if different and all(map(numerals.is_number, different)) else None


def _different(texts: Array) -> set[str]:
    """The different texts, missing ones left out."""
    found = set(texts.tolist())
    found.discard(None)
    return found


def _values(texts: Array, different: set[str], numerals: Numerals) -> Array:
    """The numbers of texts, NaN where one is missing; each of the ``different`` ones is read once, if they are few."""
    value = numerals.value
    if 2 * len(different) > len(texts):
        return np.array([np.nan if text is None else value(text) for text in texts])
    known = {None: np.nan} | {text: value(text) for text in different}
    return np.array([known[text] for text in texts.tolist()])


def refuse_infinite(table: Table, cell: Callable[[int, int], str]) -> None:
    """No number is infinite; ``cell`` gives a cell's text for the message."""
    for place, (name, column) in enumerate(table.columns.items()):
        numbers = as_numbers(column, table.numerals)
        if numbers is not None and np.isinf(numbers).any():
            row = int(np.flatnonzero(np.isinf(numbers))[0])
            raise not_finite(name, cell(row, place), table.where(row))


def not_finite(name: str, cell: str, where: str) -> DataError:
    """The error of an infinite number."""
    hint = "leave the cell empty where the number is unknown"
    return DataError(f"column {name!r} holds {cell.strip()}, not a finite number", where=where, hint=hint)


def distinct(values: Array) -> Array:
    """The different numbers, ascending."""
    return np.unique(values, return_counts=True)[0]  # without counts it imports numpy.ma, which is slow


def non_numbers(column: Array, numerals: Numerals) -> IndexArray:
    """Where a column of text holds what is no number."""
    return np.flatnonzero([text is not None and not numerals.is_number(text) for text in column])


def are_few(strays: int, present: int) -> bool:
    """Whether so many of a column's cells that are not missing are no numbers where nearly all are."""
    return 0 < strays <= FEW * present


def texts_of(dataset: Dataset, name: str) -> Array:
    """A column as objects, None where missing: cells as the file has them, or numbers in as few digits as will do."""
    column = dataset.column(name)
    if column.dtype == object:
        return column
    cells = dataset.as_written(name)
    if cells.dtype != object:
        return as_texts(cells)
    cells[np.isnan(column)] = None
    return cells


def different_texts(dataset: Dataset, name: str) -> set[str]:
    """The different texts of :func:`texts_of`, missing ones left out."""
    column = dataset.column(name)
    cells = column if column.dtype == object else dataset.as_written(name)
    if cells.dtype != object:
        cells = as_texts(distinct(cells))
    elif column.dtype != object:
        cells = cells[~np.isnan(column)]
    return _different(cells)


def as_texts(column: Array) -> Array:
    """A column as objects, str or None where missing; whole numbers without a point."""
    if column.dtype == object:
        return column
    return np.array([None if np.isnan(number) else written(number) for number in column], object)


def written(number: float) -> str:
    """A number with the fewest digits that read back as it in its own precision; a whole one without a point."""
    return str(int(number)) if float(number).is_integer() else str(number)


def number_words(missing: frozenset[str], numerals: Numerals) -> dict[str, float]:
    """The words for a missing value that are numbers, written as the file writes them or plainly."""
    ways = (PLAIN, numerals)
    return {word: way.value(word) for way in ways for word in missing if way.looks_like_number(word)}


def without_missing(numbers: Array, missing: frozenset[str], numerals: Numerals = PLAIN) -> ColumnCells:
    """Numbers, NaN where one is missing or equals a number that stands for missing ones."""
    known = list(number_words(missing, numerals).values())
    if known:
        numbers = np.where(np.isin(numbers, known), np.nan, numbers)
    return ColumnCells(None if np.isnan(numbers).all() else "number", numbers)


def classify_column(
    cells: Array, missing: frozenset[str], numerals: Numerals = PLAIN, *, exact: bool, text: bool
) -> ColumnCells:
    """The kind of a column's cells, and the cells as that kind.

    ``cells`` are str, or None where one is known to be missing. An ``exact`` column holds no truth
    values, and its numbers' spellings are kept; ``text`` makes it text whatever it looks like.
    """
    texts = np.array([None if cell in missing else cell for cell in cells], object)
    different = _different(texts)
    if not different:
        return ColumnCells(None, np.full(len(texts), np.nan))
    if not exact and not text:
        if TRUTH_WORDS.issuperset(map(str.lower, different)):
            return ColumnCells("truth", np.array([None if cell is None else cell.lower() for cell in texts], object))
        if all(map(numerals.looks_like_number, different)):
            return without_missing(_values(texts, different, numerals), missing, numerals)
    if text or not all(map(numerals.is_number, different)):
        return ColumnCells("text", texts)
    return ColumnCells("number", _values(texts, different, numerals), frozenset(map(str.strip, different)))
