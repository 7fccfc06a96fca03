"""Targets: what the examples should give, encoded as the loss takes them.

``Classes``: one column, each example of one class. ``Labels``: one or several
columns of truth values or numbers between two bounds, each a question of its
own (multi-label, or soft). ``Shares``: columns of the classes' probabilities
(:mod:`~bpcli.data.encoding.shares`). ``Reals``: numbers to regress on (:mod:`~bpcli.data.encoding.reals`).
The loss's :class:`~bpcli.nn.losses.TargetForm` has the bounds, and the codes of
what is so and what is not.

Predictions go the other way, from a network's outputs to the terms of the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from bpcli.data.encoding.reals import Reals
from bpcli.data.encoding.scaling import Scaling
from bpcli.data.encoding.shares import Shares
from bpcli.data.encoding.target_cells import (
    ANY_NUMBERS,
    keys_of,
    not_numbers,
    prediction_columns,
    require_present,
    shown,
    threshold_of,
    truths_as_numbers,
)
from bpcli.data.files.cells import as_numbers
from bpcli.data.files.dataset import Dataset
from bpcli.data.sources import ClassIndices, Columns, OneHot, Source
from bpcli.data.warnings import listed
from bpcli.errors import ConfigError, DataError
from bpcli.nn import Array, IndexArray
from bpcli.nn.losses import TargetForm
from bpcli.nn.tallies import Judging, Scoring

Label = str | int
Encoding = Literal["index", "binary", "one_hot"]


class Targets(Protocol):
    """A learned encoding of targets."""

    @property
    def names(self) -> list[str]:
        """The target columns."""
        ...

    @property
    def outputs(self) -> int:
        """n_L, the number of outputs it needs."""
        ...

    @property
    def units(self) -> Array:
        """(n_L,): one training unit in the target's own."""
        ...

    @property
    def origins(self) -> Array:
        """(n_L,): the target's own value of 0 in training units."""
        ...

    @property
    def form(self) -> TargetForm:
        """What targets the loss takes."""
        ...

    @property
    def counted_by(self) -> Scoring:
        """How outputs are judged."""
        ...

    @property
    def threshold(self) -> float:
        """What an output must exceed to say yes, where outputs are judged by a threshold."""
        ...

    def source(self, dataset: Dataset, rows: IndexArray, dtype: np.dtype) -> Source:
        """The encoded targets of ``rows``."""
        ...

    def predictions(self, A: Array, *, probabilities: bool) -> dict[str, Array]:
        """Columns to print for outputs A (n_L, N); ``probabilities`` says that A lies in [0, 1]."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        ...


@dataclass(frozen=True)
class Classes:
    """One of ``labels``, in their order: an index, one output for two, or one output per class."""

    name: str
    labels: tuple[Label, ...]
    encoding: Encoding
    form: TargetForm = ANY_NUMBERS

    @property
    def names(self) -> list[str]:
        """The target column."""
        return [self.name]

    @property
    def outputs(self) -> int:
        """1 for the binary encoding, else one per class."""
        return 1 if self.encoding == "binary" else len(self.labels)

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
        """The largest output; a single one against the threshold."""
        return "threshold" if self.encoding == "binary" else "largest"

    @property
    def threshold(self) -> float:
        """The middle of the codes for no and yes."""
        return threshold_of(self.form)

    def indices(self, dataset: Dataset, rows: IndexArray) -> IndexArray:
        """The class index of each of ``rows``.

        Raises:
            DataError: a target is missing or none of the labels.
        """
        column = dataset.column(self.name)
        require_present(dataset, self.name, column, rows)
        keys = keys_of(dataset, self.name, numeric=isinstance(self.labels[0], int))
        places = {label: k for k, label in enumerate(self.labels)}
        found = [places.get(key, -1) for key in keys[rows].tolist()]
        if -1 in found:
            row = int(rows[found.index(-1)])
            known = [str(label) for label in self.labels]
            raise DataError(
                f"target {self.name!r} is {shown(dataset, self.name, row)}, a class the model does not have",
                where=dataset.where(row),
                hint=f"its classes are {listed(known)}",
            )
        return np.array(found, np.intp)

    def source(self, dataset: Dataset, rows: IndexArray, dtype: np.dtype) -> Source:
        """The encoded targets of ``rows``."""
        indices = self.indices(dataset, rows)
        if self.encoding == "index":
            return ClassIndices(indices)
        if self.encoding == "binary":
            codes = np.array([self.form.off, self.form.on], dtype)
            return Columns(codes[indices][None, :])
        return OneHot(indices, len(self.labels), dtype, off=self.form.off, on=self.form.on)

    def predictions(self, A: Array, *, probabilities: bool) -> dict[str, Array]:
        """``prediction``, then ``p_<class>`` where outputs are probabilities."""
        if self.encoding == "binary":
            A = np.concatenate([self.form.off + self.form.on - A, A])
            chosen = (A[1] > self.threshold).astype(np.intp)
        else:
            chosen = np.argmax(A, axis=0)
        columns = {"prediction": np.array(self.labels, object)[chosen]}
        if probabilities and are_probabilities(self.form):
            columns |= {f"p_{label}": A[k] for k, label in enumerate(self.labels)}
        return columns

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        return {"kind": "classes", "name": self.name, "labels": list(self.labels), "encoding": self.encoding}


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

    @property
    def threshold(self) -> float:
        """The middle of the codes for no and yes."""
        return threshold_of(self.form)

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
        decided = (self.threshold < A).astype(np.int64)
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


def are_probabilities(form: TargetForm) -> bool:
    """Whether outputs between 0 and 1 are probabilities: where 0 is no and 1 is yes."""
    return (form.off, form.on) == (0.0, 1.0)


def judging_of(targets: Targets, output_range: tuple[float, float], threshold: float | None = None) -> Judging:
    """How outputs in this range are compared with their targets; ``threshold`` replaces the targets' own."""
    low, high = output_range
    return Judging(
        targets.outputs,
        targets.counted_by,
        threshold=targets.threshold if threshold is None else threshold,
        middle=targets.threshold,
        probabilities=low >= 0 and high <= 1 and are_probabilities(targets.form),
        units=targets.units,
        origins=targets.origins,
        levels=targets.form.levels,
    )


def targets_from_json(saved: dict[str, Any], form: TargetForm) -> Targets:
    """The encoding that :meth:`Targets.to_json` described, for a loss that takes targets of ``form``."""
    if saved["kind"] == "classes":
        return Classes(saved["name"], tuple(saved["labels"]), saved["encoding"], form)
    if saved["kind"] == "labels":
        return Labels(tuple(saved["columns"]), form, tuple(saved.get("in_codes", ())))
    if saved["kind"] == "shares":
        return Shares(tuple(saved["columns"]), form)
    scaling = Scaling(np.asarray(saved["shift"]), np.asarray(saved["width"]))
    return Reals(tuple(saved["columns"]), scaling, form)
