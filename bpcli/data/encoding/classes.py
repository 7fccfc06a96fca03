"""Targets that are classes: one column, each example of one class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import numpy as np

from bpcli.data.encoding.spelling import EXACT, exact_numbers
from bpcli.data.encoding.target_cells import (
    ANY_NUMBERS,
    are_probabilities,
    keys_of,
    require_present,
    shown,
)
from bpcli.data.files.cells import as_numbers
from bpcli.data.files.dataset import Dataset
from bpcli.data.sources import ClassIndices, Columns, Source, one_hot
from bpcli.data.warnings import listed
from bpcli.errors import DataError
from bpcli.nn import Array, IndexArray
from bpcli.nn.losses import TargetForm
from bpcli.nn.tallies import Scoring
from bpcli.storage.strict_json import Saved

Label = str | int
Encoding = Literal["index", "binary", "one_hot"]


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
    def output_names(self) -> list[str]:
        """The classes; of two with one output which one it stands for."""
        if self.encoding == "binary":
            return [f"{self.name}={self.labels[-1]}"]
        return [str(label) for label in self.labels]

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

    def indices(self, dataset: Dataset, rows: IndexArray) -> IndexArray:
        """The class index of each of ``rows``.

        Raises:
            DataError: a target is missing or none of the labels.
        """
        column = dataset.column(self.name)
        require_present(dataset, self.name, column, rows)
        found = _places(self._keys(dataset)[rows], self.labels)
        unknown = np.flatnonzero(found < 0)
        if len(unknown):
            row = int(rows[unknown[0]])
            known = [str(label) for label in self.labels]
            raise DataError(
                f"target {self.name!r} is {shown(dataset, self.name, row)}, a class the model does not have",
                where=dataset.where(row),
                hint=f"its classes are {listed(known)}",
            )
        return found

    def _keys(self, dataset: Dataset) -> Array:
        """What of each row is looked for among the labels."""
        numbers = [label for label in self.labels if isinstance(label, int)]
        if not numbers:
            return self._spelled(dataset)
        column = as_numbers(dataset.column(self.name), dataset.numerals)
        if column is not None and max(map(abs, numbers)) > EXACT:
            return exact_numbers(dataset, self.name)
        return keys_of(dataset, self.name, numeric=True)

    def _spelled(self, dataset: Dataset) -> Array:
        """The cells as text, numbers without blanks around them; in an array a number, which has no spelling there."""
        known, numerals = frozenset(self.labels), dataset.numerals
        texts = keys_of(dataset, self.name, numeric=False)
        if self._only_valued(dataset) and all(numerals.is_number(str(label)) for label in known):
            labels = {numerals.exact(str(label)): label for label in known}
            return np.array([text and labels.get(numerals.exact(text), text) for text in texts], object)
        number = numerals.is_number
        return np.array(
            [text.strip() if text and text not in known and number(text) else text for text in texts], object
        )

    def _only_valued(self, dataset: Dataset) -> bool:
        """Whether the cells are numbers that were never written; a file is read again only for what is not text."""
        return dataset.column(self.name).dtype != object and dataset.as_written(self.name).dtype != object

    def source(self, dataset: Dataset, rows: IndexArray, dtype: np.dtype) -> Source:
        """The encoded targets of ``rows``."""
        indices = self.indices(dataset, rows)
        if self.encoding == "index":
            return ClassIndices(indices)
        if self.encoding == "binary":
            codes = np.array([self.form.off, self.form.on], dtype)
            return Columns(codes[indices][None, :])
        return one_hot(indices, len(self.labels), dtype, off=self.form.off, on=self.form.on)

    def predictions(self, A: Array, *, probabilities: bool) -> dict[str, Array]:
        """``prediction``, then ``p_<class>`` where outputs are probabilities."""
        if self.encoding == "binary":
            A = np.concatenate([self.form.off + self.form.on - A, A])
            chosen = (A[1] > self.form.middle).astype(np.intp)
        else:
            chosen = np.argmax(A, axis=0)
        columns = {"prediction": np.array(self.labels, object)[chosen]}
        if probabilities and are_probabilities(self.form):
            columns |= {f"p_{label}": A[k] for k, label in enumerate(self.labels)}
        return columns

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        return {"kind": "classes", "name": self.name, "labels": list(self.labels), "encoding": self.encoding}

    @classmethod
    def from_json(cls, saved: Saved, form: TargetForm) -> Classes:
        """The encoding that :meth:`to_json` described."""
        keys = saved.keys(("kind", "name", "labels", "encoding"))
        labels = tuple(_label(each) for each in keys["labels"].items())
        encoding = keys["encoding"].one_of(get_args(Encoding))
        alike = len({type(label) for label in labels}) == 1 and len(set(labels)) == len(labels)
        if not alike or (encoding == "binary" and len(labels) != 2):
            keys["labels"].refuse(f"are not classes of the encoding {encoding}")
        return cls(keys["name"].text(), labels, cast("Encoding", encoding), form)


def _places(keys: Array, labels: tuple[Label, ...]) -> IndexArray:
    """The place of each key among the labels, −1 where it is none of them."""
    if keys.dtype == object:
        places = {label: k for k, label in enumerate(labels)}
        return np.array([places.get(key, -1) for key in keys.tolist()], np.intp)
    numbers = np.array(labels, keys.dtype)
    order = np.argsort(numbers)
    found: IndexArray = order[np.searchsorted(numbers, keys, sorter=order).clip(max=len(labels) - 1)]
    found[numbers[found] != keys] = -1
    return found


def _label(saved: Saved) -> Label:
    return saved.text() if isinstance(saved.value, str) else saved.count(-(1 << 63), 1 << 64)
