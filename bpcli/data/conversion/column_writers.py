"""How is a column written as numbers? As it is, as an indicator per category, or as the index of a class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from bpcli.data.conversion import contents
from bpcli.data.conversion.contents import ColumnContents
from bpcli.data.conversion.exactness import rounded_rows
from bpcli.data.encoding.category_columns import CategoryColumn
from bpcli.data.encoding.date_columns import PARTS, values_of
from bpcli.data.encoding.dates import ISO
from bpcli.data.encoding.target_cells import TRUTH
from bpcli.data.files.cells import as_texts
from bpcli.data.warnings import listed
from bpcli.errors import ConfigError, DataError
from bpcli.nn import Array

TEXT_INSTEAD = "make a CSV table with a letter in front of each: classes that are text are numbered"
"""The remedy for classes that no precision tells apart."""

PlaceOf = Callable[[int], str]
"""The place of a row, for messages."""


@dataclass(frozen=True)
class NumberWriter:
    """Numbers as they are, NaN where missing; ``required``, and whole ones exact, where the column is a target.

    ``rounded`` counts whole numbers of other columns that the file's precision does not have.
    """

    name: str
    required: bool = False
    rounded: Counter[str] = field(default_factory=Counter)

    @property
    def outputs(self) -> list[str]:
        """The column it makes."""
        return [self.name]

    def fill(self, cells: Array, out: Array, where: PlaceOf) -> None:
        """Write m cells into ``out``, (m, 1).

        Raises:
            DataError: a number is infinite, missing though required, or a whole one of a target would be another.
        """
        if cells.dtype == object:
            cells = np.array([np.nan if cell is None else float(TRUTH[cell.lower()]) for cell in cells])
        if self.required:
            _refuse_missing(self.name, np.isnan(cells), where)
        with np.errstate(over="ignore"):
            out[:, 0] = cells
        infinite = np.flatnonzero(np.isinf(out[:, 0]))
        if len(infinite):
            row = int(infinite[0])
            raise self._infinite(float(cells[row]), out.dtype, where(row))
        self._look_at_rounded(cells, out[:, 0], where)

    def _look_at_rounded(self, cells: Array, kept: Array, where: PlaceOf) -> None:
        rows = rounded_rows(cells, kept)
        if len(rows) and self.required:
            row = int(rows[0])
            raise DataError(
                f"the target {self.name!r} is {int(cells[row])}, which would be {int(kept[row])} in {kept.dtype}",
                where=where(row),
                hint="--dtype float64" if kept.dtype == np.float32 else TEXT_INSTEAD,
            )
        self.rounded[self.name] += len(rows)

    def _infinite(self, cell: float, dtype: np.dtype, where: str) -> DataError:
        if np.isinf(cell):
            return DataError(
                f"column {self.name!r} holds {cell:g}, not a finite number",
                where=where,
                hint="leave the cell empty where the number is unknown",
            )
        return DataError(
            f"column {self.name!r} holds {cell:g}, out of the range of {dtype}",
            where=where,
            hint="correct the number, or --dtype float64",
        )


@dataclass(frozen=True)
class IndicatorWriter:
    """A column of text: an indicator for each category."""

    category: CategoryColumn

    @property
    def outputs(self) -> list[str]:
        """The columns it makes."""
        return [f"{self.category.name}={word}" for word in self.category.categories]

    def fill(self, cells: Array, out: Array, where: PlaceOf) -> None:
        """Write m cells into ``out``, (m, number of categories)."""
        self.category.encode(as_texts(cells), out, where)


@dataclass(frozen=True)
class DateWriter:
    """A column of ISO dates: its parts as numbers, NaN where missing."""

    name: str

    @property
    def outputs(self) -> list[str]:
        """The columns it makes."""
        return [f"{self.name}={part}" for part in PARTS]

    def fill(self, cells: Array, out: Array, where: PlaceOf) -> None:
        """Write m cells into ``out``, (m, number of parts)."""
        out[...] = values_of(as_texts(cells), ISO)


@dataclass(frozen=True)
class ClassIndexWriter:
    """A target of text: the index of its class."""

    name: str
    labels: tuple[str, ...]

    @property
    def outputs(self) -> list[str]:
        """The column it makes."""
        return [self.name]

    def fill(self, cells: Array, out: Array, where: PlaceOf) -> None:
        """Write m cells into ``out``, (m, 1).

        Raises:
            DataError: a cell is missing.
        """
        texts = as_texts(cells)
        _refuse_missing(self.name, np.array([text is None for text in texts]), where)
        places = {label: k for k, label in enumerate(self.labels)}
        out[:, 0] = [places[text] for text in texts]


ColumnWriter = NumberWriter | IndicatorWriter | DateWriter | ClassIndexWriter


def writer_of(column: ColumnContents, targets: list[str], path: str, rounded: Counter[str]) -> ColumnWriter:
    """The writer that suits a column's contents; ``rounded`` is to count numbers that are not kept.

    Raises:
        ConfigError: text has too many categories, or is one target of several.
        DataError: a target is a whole number that no precision has.
    """
    name, of_target = column.name, column.name in targets
    if column.kinds <= {"number"}:
        if column.written.lost:
            problem = f"the target {name!r} is {column.written.lost}, which float64 does not have"
            raise DataError(problem, where=path, hint=TEXT_INSTEAD)
        return NumberWriter(name, of_target, rounded)
    if of_target and len(targets) > 1:
        other = sorted(word for word in column.words or () if word.lower() not in TRUTH)
        if other or column.words is None:
            raise text_among_targets(name, path, other)
        return NumberWriter(name, required=True)
    if column.dates and not of_target:
        return DateWriter(name)
    if column.words is None:
        raise ConfigError(
            f"column {name!r} of {path} is text with more than {contents.MOST:,} different values",
            where="command line",
            hint=f"leave it out: --drop {name}" if not of_target else "is it the target? --target names another",
        )
    words = tuple(sorted(column.words))
    if of_target:
        return ClassIndexWriter(name, words)
    return IndicatorWriter(CategoryColumn(name, words, boolean=column.kinds == {"truth"}))


def text_among_targets(name: str, path: str, words: list[str]) -> ConfigError:
    """The error for a target of text beside other targets."""
    return ConfigError(
        f"target {name!r} of {path} is text ({listed([repr(word) for word in words])})",
        where="command line",
        hint="several targets are numbers, or true and false; one alone may be text",
    )


def _refuse_missing(name: str, missing: Array, where: PlaceOf) -> None:
    if missing.any():
        raise DataError(
            f"the target {name!r} is missing",
            where=where(int(np.flatnonzero(missing)[0])),
            hint="leave examples without a target out of the file",
        )
