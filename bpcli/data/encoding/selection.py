"""Some rows and columns of a matrix, read a stretch at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bpcli.data.files.raw import Matrix
from bpcli.nn import Array, IndexArray


@dataclass(frozen=True)
class Selection:
    """Some rows, ascending, and some columns of a matrix."""

    raw: Matrix
    columns: IndexArray
    rows: IndexArray

    def block(self, start: int, stop: int) -> Array:
        """(stop − start, n) of the rows from ``start`` to ``stop``, as the file has them."""
        rows = self.raw.rows(self.rows[start:stop])
        if (np.diff(self.columns) == 1).all():  # in a row, so there is nothing to copy
            return rows[:, self.columns[0] : self.columns[-1] + 1]
        return rows[:, self.columns]

    def at(self, places: IndexArray) -> Array:
        """(len(places), n) of the rows at these places, as the file has them."""
        chosen: Array = self.raw.values[self.rows[places]][:, self.columns]
        return chosen

    def done(self, start: int, stop: int) -> None:
        """The rows from ``start`` to ``stop`` have been read for now."""
        self.raw.done(int(self.rows[start]), int(self.rows[stop - 1]) + 1)
