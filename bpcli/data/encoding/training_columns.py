"""A column and its training rows: what it is learned from, and the cells that do not fit its kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bpcli.data.files.cells import are_few, non_numbers, not_finite, without_missing
from bpcli.data.files.dataset import Dataset, Format, Table
from bpcli.data.files.numerals import Numerals
from bpcli.data.warnings import DataWarnings, Strays
from bpcli.errors import ConfigError
from bpcli.nn import Array, IndexArray

MISSING_WORDS = frozenset(
    {"?", "??", "-", "--", "---", "\N{EN DASH}", "\N{EM DASH}", ".", "..", "*", "n/a", "n.a.", "na", "#n/a", "#na"}
    | {"<na>", "n/d", "nan", "none", "null", "nil", "unknown", "unk", "missing", "undefined"}
)
"""Words in lower case that nearly always mean a missing value."""

MOST_WORDS = 5
"""How many different words a remedy names."""


@dataclass(frozen=True)
class TrainingColumn:
    """A column of a dataset and the training ``rows`` in it."""

    dataset: Dataset
    name: str
    rows: IndexArray

    @property
    def holds_numbers(self) -> bool:
        """Whether the file has nothing but numbers in it."""
        return self.dataset.column(self.name).dtype != object

    @property
    def holds_truths(self) -> bool:
        """Whether it is a column of true and false."""
        return isinstance(self.dataset, Table) and self.name in self.dataset.truth_columns

    @property
    def cells(self) -> Array:
        """The cells of the training rows."""
        cells: Array = self.dataset.column(self.name)[self.rows]
        return cells

    @property
    def present(self) -> list[str]:
        """The training cells that are not missing, of a column of text."""
        return [text for text in self.cells if text is not None]

    def strays(self, places: IndexArray, kind: str = "numbers") -> Strays:
        """The cells at ``places`` of the training rows, which are not of the kind."""
        texts = self.dataset.column(self.name)
        return strays_of(self.dataset, self.name, texts, self.rows[places], len(self.rows), kind)

    def refuse(self, misfits: IndexArray, present: int, kind: str, hint: str, texts: Array | None = None) -> None:
        """A column is not of the kind that is declared where more than a few of its training cells do not fit.

        ``texts`` are the training cells as text, where they are not the column's own.

        Raises:
            ConfigError: they are more.
        """
        if len(misfits) and not are_few(len(misfits), present):
            cells = self.cells if texts is None else texts
            place = self.dataset.where(int(self.rows[misfits[0]]))
            found = Strays(self.name, cells[misfits[0]], place, len(misfits), len(self.rows))
            raise ConfigError(
                f"column {self.name!r} is to hold {kind}, but holds {found.place}",
                key=f"data.types.{self.name}",
                hint=hint,
            )


OTHER_NUMERALS = (
    Numerals(thousands=","),
    Numerals(thousands="'"),
    Numerals(thousands=" "),
    Numerals(","),
    Numerals(",", "."),
    Numerals(",", " "),
    Numerals(",", "'"),
)
"""Ways of writing numbers that a column of text may turn out to have, the likelier first."""


def fitting_numerals(cells: Array, known: Numerals) -> list[Numerals]:
    """The ways of writing numbers but the known one by which a column is numbers, and words for missing values."""
    words = {cell for cell in cells if cell is not None and not _means_missing(cell)}
    strays = {word for word in words if not known.is_number(word)}
    return [other for other in OTHER_NUMERALS if strays and all(map(other.is_number, words))]


def in_other_numerals(column: TrainingColumn, known: Numerals) -> Strays | None:
    """The cells that keep a column from being numbers, where another way of writing them makes it so."""
    fitting = fitting_numerals(column.cells, known)
    if not fitting:
        return None
    keys = _keys(fitting[0])
    if fitting[0].thousands == "," and Numerals(",") in fitting:
        keys += f", or {_keys(Numerals(','))} if the comma is the decimal mark"
    written = [cell is not None and not known.is_number(cell) and not _means_missing(cell) for cell in column.cells]
    return replace(column.strays(np.flatnonzero(written)), mended_by=keys)


def _keys(numerals: Numerals) -> str:
    """The keys that say how numbers are written."""
    marks = {"decimal": numerals.decimal.strip("."), "thousands": numerals.thousands}
    return ", ".join(f'data.{key}: "{mark}"' for key, mark in marks.items() if mark)


def strays_of(dataset: Dataset, name: str, texts: Array, rows: IndexArray, among: int, kind: str) -> Strays:
    """``rows`` of a column's ``texts``, ``among`` so many, hold what is not of the kind."""
    words = list(dict.fromkeys(texts[rows].tolist()))[:MOST_WORDS]
    listed = dataset.missing - {""}
    listed = frozenset() if listed == {*Format().missing} else listed
    place = dataset.where(int(rows[0]))
    return Strays(name, words[0], place, len(rows), among, tuple(words[1:]), kind, listed=tuple(sorted(listed)))


def _means_missing(word: str) -> bool:
    """Whether a word nearly always means a missing value."""
    return word.strip().lower() in MISSING_WORDS


def slips(column: TrainingColumn, misfits: IndexArray, kind: str) -> Strays | None:
    """The ``misfits`` among a column's training cells, where all others are of the kind and these may be slips.

    They may be where they are few, or all of them words for a missing value.
    """
    words, present = set(column.cells[misfits].tolist()), len(column.present)
    for_missing = len(misfits) < present and all(map(_means_missing, words))
    if not len(misfits) or not (are_few(len(misfits), present) or for_missing):
        return None
    return column.strays(misfits, kind)


def numeric(dataset: Dataset, name: str, warnings: DataWarnings) -> Array:
    """A column that training learned as numbers, NaN where missing; what is no number is missing, with a warning.

    Raises:
        DataError: it holds an infinite number.
    """
    numbers, strays = numbers_and_strays(dataset, name)
    if len(strays):
        warnings.strays.append(strays_of(dataset, name, dataset.column(name), strays, dataset.size, "numbers"))
    return numbers


def numbers_and_strays(dataset: Dataset, name: str) -> tuple[Array, IndexArray]:
    """A column as float64, NaN where missing or no number, and the rows where it is no number.

    Raises:
        DataError: it holds an infinite number.
    """
    column, numerals = dataset.column(name), dataset.numerals
    if column.dtype != object:
        return column, np.empty(0, np.intp)
    strays = non_numbers(column, numerals)
    for row in strays:
        if numerals.looks_like_number(column[row]):
            raise not_finite(name, column[row], dataset.where(int(row)))
    known = column.copy()
    known[strays] = None
    numbers = np.array([np.nan if text is None else numerals.value(text) for text in known])
    return without_missing(numbers, dataset.missing, numerals).values, strays


PlaceOf = Callable[[int], str]
"""The place of a row, for messages."""
