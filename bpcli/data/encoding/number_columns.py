"""A column of numbers: the training median where missing, then scaled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bpcli.data.encoding.inputs import Input
from bpcli.data.encoding.medians import between
from bpcli.data.encoding.scaling import Scaling, in_precision, learn_scaling, scaling_from_json
from bpcli.data.encoding.selection import ArrayBlocks
from bpcli.data.encoding.summaries import extent, summary
from bpcli.data.encoding.training_columns import (
    PlaceOf,
    TrainingColumn,
    in_other_numerals,
    numbers_and_strays,
    numeric,
    slips,
)
from bpcli.data.files.cells import non_numbers
from bpcli.data.files.dataset import Dataset
from bpcli.data.warnings import DataWarnings, Strays
from bpcli.nn import Array
from bpcli.storage.strict_json import Saved


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers: the training median where missing, then (x − shift)/width."""

    name: str
    median: float
    shift: float
    width: float

    kind: ClassVar[str] = "number"
    in_words: ClassVar[str] = "{inputs} number{s}"
    reads_text: ClassVar[bool] = False

    @property
    def inputs(self) -> list[Input]:
        """One input."""
        return [Input(self.name, self.kind, fill=self.median, shift=self.shift, width=self.width)]

    def cells(self, dataset: Dataset, warnings: DataWarnings) -> Array:
        """What to encode, (N,) float64."""
        return numeric(dataset, self.name, warnings)

    def encode(self, values: Array, out: Array, where: PlaceOf) -> int:
        """Fill ``out``, (m, 1), from m cells, ``where`` the place of each; how many were imputed."""
        missing = np.isnan(values)
        if missing.any():
            values = np.where(missing, self.median, values)
        scaled = Scaling(np.asarray(self.shift), np.asarray(self.width)).apply(values)
        out[...] = in_precision(scaled[:, None], out.dtype, [self.name], where)
        return int(missing.sum())

    def count(self, imputed: int, warnings: DataWarnings) -> None:
        """Tell of imputed numbers."""
        warnings.imputed[self.name] += imputed

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        return {"kind": self.kind, **vars(self)}

    @classmethod
    def from_json(cls, saved: Saved) -> NumberColumn:
        """The column that :meth:`to_json` described."""
        keys = saved.keys(("kind", "name", "median", "shift", "width"))
        keys["kind"].one_of([cls.kind])
        scaling = scaling_from_json(keys, None)
        return cls(keys["name"].text(), keys["median"].number(), float(scaling.shift), float(scaling.width))


def learn_numbers(values: Array, name: str, scale: str, path: str) -> tuple[NumberColumn, bool]:
    """Median and scaling of the training numbers, (N,), NaN where missing; whether they are all the same."""
    median = _median(values)
    numbers = ArrayBlocks(values[:, None])
    known = summary(numbers, extent(numbers), np.array([median]))
    scaling = learn_scaling(scale, known, [name], path)
    column = NumberColumn(name, median, float(scaling.shift[0]), float(scaling.width[0]))
    return column, bool(known.high[0] == known.low[0])


def _median(column: Array) -> float:
    """0 where nothing is known; numpy.median would import numpy.ma, which is slow."""
    present = column[~np.isnan(column)]
    if not len(present):
        return 0.0
    places = (len(present) - 1) // 2, len(present) // 2
    lower, upper = np.partition(present, places)[list(places)]
    return float(between(lower, upper))


@dataclass(frozen=True)
class Number:
    """Numbers: the training median where missing, then scaled by ``data.scale``; what is no number counts as missing.

    Recognised where every training cell is a number. Where a column is declared to be numbers, up to a tenth
    of its training cells may be something else.
    """

    encoder: ClassVar[type[NumberColumn]] = NumberColumn

    def recognises(self, column: TrainingColumn) -> bool:
        """Whether every cell that is not missing is a number, and there is one."""
        if column.holds_numbers:
            return True
        present = column.present
        return bool(present) and all(map(column.dataset.numerals.is_number, present))

    def slips(self, column: TrainingColumn) -> Strays | None:
        """The cells that are no numbers, where they are few, words for a missing value, or written in another way."""
        numerals = column.dataset.numerals
        found = in_other_numerals(column, numerals)
        return found or slips(column, non_numbers(column.cells, numerals), "numbers")

    def learn(self, column: TrainingColumn, scale: str, warnings: DataWarnings) -> NumberColumn:
        """The median and the scaling.

        Raises:
            ConfigError: more than a few cells are no numbers.
            DataError: one is infinite, or float64 cannot hold the scaling.
        """
        numbers, strays = numbers_and_strays(column.dataset, column.name)
        misfits = np.flatnonzero(np.isin(column.rows, strays))
        known = len(misfits) + int(np.count_nonzero(~np.isnan(numbers[column.rows])))
        column.refuse(misfits, known, "numbers", "leave data.types out for it, or say category")
        learned, constant = learn_numbers(numbers[column.rows], column.name, scale, column.dataset.path)
        if constant:
            warnings.constant.append(column.name)
        return learned
