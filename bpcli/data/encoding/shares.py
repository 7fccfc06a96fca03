"""Targets that are probabilities themselves: a column for each class, which add up to 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.data.encoding.target_cells import ANY_NUMBERS, numbers_of, shown
from bpcli.data.files.dataset import Dataset
from bpcli.data.sources import Columns, Source
from bpcli.errors import ConfigError
from bpcli.nn import Array, IndexArray
from bpcli.nn.losses import TargetForm
from bpcli.nn.tallies import Scoring
from bpcli.storage.strict_json import Saved

SLACK = 1e-3
"""How far a sum may be from 1: probabilities in a table are rounded."""


@dataclass(frozen=True)
class Shares:
    """Columns of probabilities, one output each."""

    columns: tuple[str, ...]
    form: TargetForm = ANY_NUMBERS

    @property
    def names(self) -> list[str]:
        """The target columns."""
        return list(self.columns)

    @property
    def outputs(self) -> int:
        """One per column."""
        return len(self.columns)

    @property
    def output_names(self) -> list[str]:
        """The columns."""
        return list(self.columns)

    @property
    def units(self) -> Array:
        """1."""
        return np.ones(self.outputs)

    @property
    def origins(self) -> Array:
        """0."""
        return np.zeros(self.outputs)

    @property
    def counted_by(self) -> Scoring:
        """The largest output, compared with the largest target."""
        return "largest"

    def source(self, dataset: Dataset, rows: IndexArray, dtype: np.dtype) -> Source:
        """The targets of ``rows``.

        Raises:
            DataError: a target is missing.
            ConfigError: a target is no probability, or those of an example do not add up to 1.
        """
        numbers = np.stack([numbers_of(dataset, name, rows, form=self.form) for name in self.columns])
        outside = np.argwhere(self.form.excludes(numbers))
        if len(outside):
            name, row = self.columns[outside[0, 0]], int(rows[outside[0, 1]])
            raise ConfigError(
                f"target {name!r} is {shown(dataset, name, row)} at {dataset.where(row)}, which is no probability",
                key="data.target",
                hint="each target column has the probability of its class, from 0 to 1",
            )
        totals = numbers.sum(axis=0)
        wrong = np.flatnonzero(np.abs(totals - 1) > SLACK)
        if len(wrong):
            raise ConfigError(
                f"the targets at {dataset.where(int(rows[wrong[0]]))} add up to {totals[wrong[0]]:.6g}, not 1",
                key="data.target",
                hint="they are the probabilities of the classes; for labels by themselves: loss: binary_cross_entropy",
            )
        return Columns(numbers.astype(dtype))

    def predictions(self, A: Array, *, probabilities: bool) -> dict[str, Array]:
        """``prediction``, the column with the largest output, then ``p_<column>``."""
        columns: dict[str, Array] = {"prediction": np.array(self.columns, object)[np.argmax(A, axis=0)]}
        return columns | ({f"p_{name}": A[k] for k, name in enumerate(self.columns)} if probabilities else {})

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        return {"kind": "shares", "columns": list(self.columns)}

    @classmethod
    def from_json(cls, saved: Saved, form: TargetForm) -> Shares:
        """The encoding that :meth:`to_json` described."""
        return cls(saved.keys(("kind", "columns"))["columns"].names(), form)
