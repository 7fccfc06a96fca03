"""Targets: what the examples should give, encoded as the loss wants them.

``Classes``: one column, each example of one class. ``Labels``: one or several
columns between 0 and 1, each a question of its own (multi-label, or soft).
``Reals``: numbers to regress on, scaled or not.

Predictions go the other way, from a network's outputs to the terms of the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from bpcli.data.encoding.scaling import Scaling, stored
from bpcli.data.files.raw import Raw, as_numbers, is_number, texts_of, written
from bpcli.data.sources import ClassIndices, Columns, OneHot, Source
from bpcli.data.warnings import listed
from bpcli.errors import ConfigError, DataError
from bpcli.nn import Array, IndexArray

Label = str | int
Encoding = Literal["index", "binary", "one_hot"]
TRUTH = {"true": "1", "false": "0"}
"""How booleans read as numbers."""


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
    def counted_by(self) -> Literal["largest", "threshold", "residuals"]:
        """How outputs are judged."""
        ...

    def source(self, raw: Raw, rows: IndexArray, dtype: np.dtype) -> Source:
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
    """One of ``labels``, in their order: an index, a 0/1 output for two, or one output per class."""

    name: str
    labels: tuple[Label, ...]
    encoding: Encoding

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
    def counted_by(self) -> Literal["largest", "threshold", "residuals"]:
        """The largest output; a single one against ½."""
        return "threshold" if self.encoding == "binary" else "largest"

    def indices(self, raw: Raw, rows: IndexArray) -> IndexArray:
        """The class index of each of ``rows``.

        Raises:
            DataError: a target is missing or none of the labels.
        """
        column = raw.column(self.name)
        require_present(raw, self.name, column, rows)
        keys = keys_of(raw, self.name, numeric=isinstance(self.labels[0], int))
        places = {label: k for k, label in enumerate(self.labels)}
        found = [places.get(key, -1) for key in keys[rows].tolist()]
        if -1 in found:
            row = int(rows[found.index(-1)])
            known = [str(label) for label in self.labels]
            raise DataError(
                f"target {self.name!r} is {shown(raw, self.name, row)}, a class the model does not have",
                where=raw.where(row),
                hint=f"its classes are {listed(known)}",
            )
        return np.array(found, np.intp)

    def source(self, raw: Raw, rows: IndexArray, dtype: np.dtype) -> Source:
        """The encoded targets of ``rows``."""
        indices = self.indices(raw, rows)
        if self.encoding == "index":
            return ClassIndices(indices)
        if self.encoding == "binary":
            return Columns(indices.astype(dtype)[None, :])
        return OneHot(indices, len(self.labels), dtype)

    def predictions(self, A: Array, *, probabilities: bool) -> dict[str, Array]:
        """``prediction``, then ``p_<class>`` where outputs are probabilities."""
        if self.encoding == "binary":
            A = np.concatenate([1 - A, A])
            chosen = (A[1] > 0.5).astype(np.intp)
        else:
            chosen = np.argmax(A, axis=0)
        columns = {"prediction": np.array(self.labels, object)[chosen]}
        if probabilities:
            columns |= {f"p_{label}": A[k] for k, label in enumerate(self.labels)}
        return columns

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        return {"kind": "classes", "name": self.name, "labels": list(self.labels), "encoding": self.encoding}


@dataclass(frozen=True)
class Labels:
    """Columns between 0 and 1, one output each, decided at ½."""

    columns: tuple[str, ...]

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
    def counted_by(self) -> Literal["largest", "threshold", "residuals"]:
        """Each output against ½."""
        return "threshold"

    def source(self, raw: Raw, rows: IndexArray, dtype: np.dtype) -> Source:
        """The encoded targets of ``rows``.

        Raises:
            DataError: a target is missing.
            ConfigError: a target lies outside [0, 1].
        """
        columns = [self._between(raw, name, rows) for name in self.columns]
        return Columns(np.stack(columns).astype(dtype))

    def _between(self, raw: Raw, name: str, rows: IndexArray) -> Array:
        column = raw.column(name)
        require_present(raw, name, column, rows)
        texts = _truths_as_numbers(column)[rows]
        numbers = as_numbers(texts)
        outside = _not_numbers(texts) if numbers is None else np.flatnonzero((numbers < 0) | (numbers > 1))
        if numbers is None or len(outside):
            row = int(rows[outside[0]])
            raise ConfigError(
                f"target {name!r} is {shown(raw, name, row)} at {raw.where(row)}, outside [0, 1]",
                key="data.target",
                hint="0 and 1, or a probability between them; for named classes give one target column",
            )
        return numbers

    def predictions(self, A: Array, *, probabilities: bool) -> dict[str, Array]:
        """A 0/1 ``prediction`` per column, then the outputs as ``p_<column>``."""
        columns = _named(self.columns, (A > 0.5).astype(np.int64))
        if probabilities:
            columns |= {f"p_{name}": A[k] for k, name in enumerate(self.columns)}
        return columns

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        return {"kind": "labels", "columns": list(self.columns)}


@dataclass(frozen=True)
class Reals:
    """Columns of numbers, scaled by what training learned."""

    columns: tuple[str, ...]
    scaling: Scaling

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
        """The scaling's widths."""
        return self.scaling.width

    @property
    def counted_by(self) -> Literal["largest", "threshold", "residuals"]:
        """The differences from the targets."""
        return "residuals"

    def source(self, raw: Raw, rows: IndexArray, dtype: np.dtype) -> Source:
        """The encoded targets of ``rows``.

        Raises:
            DataError: a target is missing or not a number.
        """
        values = np.stack([numbers_of(raw, name, rows) for name in self.columns], axis=1)
        scaled = stored(self.scaling.apply(values), dtype, self.columns, lambda i: raw.where(int(rows[i])))
        return Columns(np.ascontiguousarray(scaled.T))

    def predictions(self, A: Array, *, probabilities: bool) -> dict[str, Array]:
        """A ``prediction`` per column, in its own units."""
        plain = bool((self.scaling.width == 1).all() and (self.scaling.shift == 0).all())
        return _named(self.columns, A if plain else self.scaling.undo(A.T).T)

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        scaling = {"shift": self.scaling.shift.tolist(), "width": self.scaling.width.tolist()}
        return {"kind": "reals", "columns": list(self.columns), **scaling}


def from_json(saved: dict[str, Any]) -> Targets:
    """The encoding that :meth:`Targets.to_json` described."""
    if saved["kind"] == "classes":
        return Classes(saved["name"], tuple(saved["labels"]), saved["encoding"])
    if saved["kind"] == "labels":
        return Labels(tuple(saved["columns"]))
    return Reals(tuple(saved["columns"]), Scaling(np.asarray(saved["shift"]), np.asarray(saved["width"])))


def numbers_of(raw: Raw, name: str, rows: IndexArray) -> Array:
    """The numbers of a target column.

    Raises:
        DataError: one is missing.
        ConfigError: one is not a number.
    """
    column = raw.column(name)
    require_present(raw, name, column, rows)
    numbers = as_numbers(column[rows])
    if numbers is None:
        row = int(rows[_not_numbers(column[rows])[0]])
        raise ConfigError(
            f"target {name!r} is {shown(raw, name, row)} at {raw.where(row)}, not a number",
            key="data.target",
            hint="for classes: task: classification",
        )
    return numbers


def _not_numbers(texts: Array) -> IndexArray:
    """Where ``texts``, none of them missing, are not numbers."""
    return np.flatnonzero([not is_number(text) for text in texts])


def require_present(raw: Raw, name: str, column: Array, rows: IndexArray) -> None:
    """No target is missing.

    Raises:
        DataError: one is.
    """
    values = column[rows]
    missing = np.array([value is None for value in values]) if column.dtype == object else np.isnan(values)
    if missing.any():
        row = int(rows[np.flatnonzero(missing)[0]])
        raise DataError(
            f"the target {name!r} is missing ({int(missing.sum())} in all)",
            where=raw.where(row),
            hint="leave examples without a target out of the file",
        )


def shown(raw: Raw, name: str, row: int) -> str:
    """A cell as the file has it, text in quotes."""
    cell = raw.as_written(name)[row]
    return repr(cell) if isinstance(cell, str) else written(cell)


def keys_of(raw: Raw, name: str, *, numeric: bool) -> Array:
    """What labels are compared by: numbers where the labels are, else text; text that is no number stays."""
    if not numeric:
        return texts_of(raw, name)
    column = raw.column(name)
    if column.dtype != object:
        return column
    return np.array([float(text) if text is not None and is_number(text) else text for text in column], object)


def _truths_as_numbers(column: Array) -> Array:
    if column.dtype != object:
        return column
    return np.array([None if text is None else TRUTH.get(text.lower(), text) for text in column], object)


def _named(names: tuple[str, ...], values: Array) -> dict[str, Array]:
    if len(names) == 1:
        return {"prediction": values[0]}
    return {f"prediction_{name}": values[k] for k, name in enumerate(names)}
