"""Targets of a regression: numbers, scaled or not, within the range that the loss takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcli.data.encoding.scaling import Scaling, in_precision, scaling_from_json
from bpcli.data.encoding.target_cells import ANY_NUMBERS, numbers_of, prediction_columns, shown
from bpcli.data.files.dataset import Dataset
from bpcli.data.sources import Columns, Source
from bpcli.errors import ConfigError
from bpcli.nn import Array, IndexArray
from bpcli.nn.losses import TargetForm
from bpcli.nn.tallies import Scoring
from bpcli.storage.strict_json import Saved


@dataclass(frozen=True)
class Reals:
    """Columns of numbers, scaled by what training learned; with an output for each level of their form."""

    columns: tuple[str, ...]
    scaling: Scaling
    form: TargetForm = ANY_NUMBERS

    @property
    def names(self) -> list[str]:
        """The target columns."""
        return list(self.columns)

    @property
    def outputs(self) -> int:
        """One per column, or one per column and level."""
        return len(self.columns) * self.form.outputs_per_target

    @property
    def output_names(self) -> list[str]:
        """The columns, with their level where there are several; the outputs of a level stand together."""
        if len(self.form.levels) < 2:
            return list(self.columns)
        return [f"{name} q{level:.12g}" for level in self.form.levels for name in self.columns]

    @property
    def units(self) -> Array:
        """The scaling's widths."""
        return np.tile(self.scaling.width, self.form.outputs_per_target)

    @property
    def origins(self) -> Array:
        """The scaling's shifts."""
        return np.tile(self.scaling.shift, self.form.outputs_per_target)

    @property
    def counted_by(self) -> Scoring:
        """The differences from the targets, or on which side of them quantiles lie."""
        return "quantiles" if self.form.levels else "residuals"

    def source(self, dataset: Dataset, rows: IndexArray, dtype: np.dtype) -> Source:
        """The encoded targets of ``rows``.

        Raises:
            DataError: a target is missing.
            ConfigError: a target is not a number, or not one that the loss takes.
        """
        values = np.stack([numbers_of(dataset, name, rows, form=self.form) for name in self.columns], axis=1)
        scaled = self.scaling.apply(values)
        self._require_in_bounds(scaled, dataset, rows)
        encoded = in_precision(scaled, dtype, self.columns, lambda i: dataset.where(int(rows[i])))
        self._require_in_bounds(encoded, dataset, rows, f", rounded to {dtype.name}")
        return Columns(np.ascontiguousarray(encoded.T), self.form.outputs_per_target)

    def _require_in_bounds(self, targets: Array, dataset: Dataset, rows: IndexArray, rounded: str = "") -> None:
        form = self.form
        outside = np.argwhere(form.excludes(targets))
        if not len(outside):
            return
        row, name = int(rows[outside[0, 0]]), self.columns[outside[0, 1]]
        raise ConfigError(
            f"target {name!r} is {shown(dataset, name, row)} at {dataset.where(row)}{rounded}, "
            f"outside {form.interval}, the targets that the loss takes",
            key="data.target",
            hint="correct it, or choose another loss",
        )

    def predictions(self, A: Array, *, probabilities: bool) -> dict[str, Array]:
        """A ``prediction`` per column, in its own units; of several levels a ``prediction_q<level>`` each."""
        plain = bool((self.scaling.width == 1).all() and (self.scaling.shift == 0).all())
        by_level = A.reshape(self.form.outputs_per_target, len(self.columns), -1)
        values = [level if plain else self.scaling.undo(level.T).T for level in by_level]
        if len(values) == 1:
            return prediction_columns(self.columns, values[0])
        stems = ["prediction"] if len(self.columns) == 1 else [f"prediction_{name}" for name in self.columns]
        return {
            f"{stem}_q{level:.12g}": numbers[k]
            for k, stem in enumerate(stems)
            for level, numbers in zip(self.form.levels, values, strict=True)
        }

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        scaling = {"shift": self.scaling.shift.tolist(), "width": self.scaling.width.tolist()}
        return {"kind": "reals", "columns": list(self.columns), **scaling}

    @classmethod
    def from_json(cls, saved: Saved, form: TargetForm) -> Reals:
        """The encoding that :meth:`to_json` described."""
        keys = saved.keys(("kind", "columns", "shift", "width"))
        columns = keys["columns"].names()
        return cls(columns, scaling_from_json(keys, len(columns)), form)
