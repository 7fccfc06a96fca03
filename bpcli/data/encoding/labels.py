"""Targets that are labels: columns of truth values or numbers between two bounds, each a question of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.data.encoding.target_cells import (
    ANY_NUMBERS,
    are_probabilities,
    not_numbers,
    prediction_columns,
    require_present,
    shown,
    truths_as_numbers,
)
from bpcli.data.files.cells import as_numbers
from bpcli.data.files.dataset import Dataset
from bpcli.data.sources import Columns, Source
from bpcli.errors import ConfigError
from bpcli.nn import Array, IndexArray
from bpcli.nn.losses import TargetForm
from bpcli.nn.tallies import Scoring
from bpcli.storage.strict_json import Saved


@dataclass(frozen=True)
class Labels:
    """Columns of truth values, or of numbers between the bounds of their form, one output each.

    In a column of nothing but truth values 0 and false are written ``off``, 1 and true ``on``. In another, one of
    ``in_codes``, numbers stand as they are. Where the loss bounds nothing, the codes do.
    """

    columns: tuple[str, ...]
    form: TargetForm = ANY_NUMBERS
    in_codes: tuple[str, ...] = ()

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
        """Each output against the threshold."""
        return "threshold"

    def source(self, dataset: Dataset, rows: IndexArray, dtype: np.dtype) -> Source:
        """The encoded targets of ``rows``.

        Raises:
            DataError: a target is missing.
            ConfigError: a target lies out of bounds.
        """
        columns = [self._encoded(dataset, name, rows) for name in self.columns]
        return Columns(np.stack(columns).astype(dtype))

    def _encoded(self, dataset: Dataset, name: str, rows: IndexArray) -> Array:
        column = dataset.column(name)
        require_present(dataset, name, column, rows)
        texts = truths_as_numbers(column)[rows]
        numbers = as_numbers(texts, dataset.numerals)
        low, high = self._bounds
        if numbers is not None:
            if name not in self.in_codes:
                numbers = np.where(numbers == 0, self.form.off, np.where(numbers == 1, self.form.on, numbers))
            outside = np.flatnonzero((numbers < low) | (numbers > high))
        else:
            outside = not_numbers(texts, dataset.numerals)
        if numbers is None or len(outside):
            row = int(rows[outside[0]])
            raise ConfigError(
                f"target {name!r} is {shown(dataset, name, row)} at {dataset.where(row)}, outside [{low:g}, {high:g}]",
                key="data.target",
                hint=f"0 and 1, or {self._between}; for named classes give one target column",
            )
        return numbers

    @property
    def _bounds(self) -> tuple[float, float]:
        form = self.form
        return (form.low if np.isfinite(form.low) else form.off), (form.high if np.isfinite(form.high) else form.on)

    @property
    def _between(self) -> str:
        low, high = self._bounds
        return "a probability between them" if (low, high) == (0, 1) else f"a number from {low:g} to {high:g}"

    def predictions(self, A: Array, *, probabilities: bool) -> dict[str, Array]:
        """A ``prediction`` per column, 0 or 1, or one of the codes; then the outputs as ``p_<column>``."""
        decided = (self.form.middle < A).astype(np.int64)
        for k, name in enumerate(self.columns):
            if name in self.in_codes:
                decided[k] = np.where(decided[k] == 1, self.form.on, self.form.off)
        columns = prediction_columns(self.columns, decided)
        if probabilities and are_probabilities(self.form):
            columns |= {f"p_{name}": A[k] for k, name in enumerate(self.columns)}
        return columns

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        in_codes = {"in_codes": list(self.in_codes)} if self.in_codes else {}
        return {"kind": "labels", "columns": list(self.columns), **in_codes}

    @classmethod
    def from_json(cls, saved: Saved, form: TargetForm) -> Labels:
        """The encoding that :meth:`to_json` described."""
        keys = saved.keys(("kind", "columns"), ("in_codes",))
        columns = keys["columns"].names()
        in_codes = keys["in_codes"].names() if "in_codes" in keys else ()
        if not set(in_codes) <= set(columns):
            keys["in_codes"].refuse("names what is no column")
        return cls(columns, form, in_codes)
