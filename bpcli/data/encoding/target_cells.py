"""What encodings of targets share: checking the cells of target columns, and naming those of predictions."""

from __future__ import annotations

import numpy as np

from bpcli.data.files.cells import as_numbers, texts_of, written
from bpcli.data.files.dataset import Dataset
from bpcli.data.files.numerals import Numerals
from bpcli.errors import ConfigError, DataError
from bpcli.nn import Array, IndexArray
from bpcli.nn.losses import TargetForm

TRUTH = {"true": "1", "false": "0"}
"""How truth values read as numbers."""

ANY_NUMBERS = TargetForm()
"""The form of targets that may be any numbers; classes are written as 0 and 1."""


CLASSES_INSTEAD = {None: "task: classification", "regression": "loss: cross_entropy"}
"""What to write for targets that are classes, by the task that the loss always has."""


def numbers_of(
    dataset: Dataset,
    name: str,
    rows: IndexArray,
    *,
    what: str = "target",
    key: str = "data.target",
    form: TargetForm = ANY_NUMBERS,
) -> Array:
    """The numbers of a target column, or of another, called ``what`` and named by the config's ``key``.

    Raises:
        DataError: one is missing.
        ConfigError: one is not a number.
    """
    column = dataset.column(name)
    require_present(dataset, name, column, rows, what=what)
    numbers = as_numbers(column[rows], dataset.numerals)
    if numbers is None:
        instead = CLASSES_INSTEAD.get(form.task)
        row = int(rows[not_numbers(column[rows], dataset.numerals)[0]])
        raise ConfigError(
            f"{what} {name!r} is {shown(dataset, name, row)} at {dataset.where(row)}, not a number",
            key=key,
            hint=f"for classes: {instead}" if what == "target" and instead else "name a column of numbers",
        )
    return numbers


def not_numbers(texts: Array, numerals: Numerals) -> IndexArray:
    """Where ``texts``, none of them missing, are not numbers."""
    return np.flatnonzero([not numerals.is_number(text) for text in texts])


def require_present(dataset: Dataset, name: str, column: Array, rows: IndexArray, *, what: str = "target") -> None:
    """No target, or whatever the column holds, is missing.

    Raises:
        DataError: one is.
    """
    values = column[rows]
    missing = np.array([value is None for value in values]) if column.dtype == object else np.isnan(values)
    if missing.any():
        row = int(rows[np.flatnonzero(missing)[0]])
        raise DataError(
            f"the {what} {name!r} is missing ({int(missing.sum())} in all)",
            where=dataset.where(row),
            hint=f"leave examples without a {what} out of the file",
        )


def shown(dataset: Dataset, name: str, row: int) -> str:
    """A cell as the file has it, text in quotes."""
    cell = dataset.as_written(name)[row]
    return repr(cell) if isinstance(cell, str) else written(cell)


def keys_of(dataset: Dataset, name: str, *, numeric: bool) -> Array:
    """What labels are compared by: numbers where the labels are, else text; text that is no number stays."""
    if not numeric:
        return texts_of(dataset, name)
    column = dataset.column(name)
    if column.dtype != object:
        return column
    known = dataset.numerals
    return np.array([known.value(text) if text and known.is_number(text) else text for text in column], object)


def truths_as_numbers(column: Array) -> Array:
    """A column, texts true and false among it as 1 and 0."""
    if column.dtype != object:
        return column
    return np.array([None if text is None else TRUTH.get(text.lower(), text) for text in column], object)


def are_probabilities(form: TargetForm) -> bool:
    """Whether outputs between 0 and 1 are probabilities: where 0 is no and 1 is yes."""
    return (form.off, form.on) == (0.0, 1.0)


def prediction_columns(names: tuple[str, ...], values: Array) -> dict[str, Array]:
    """A column of predictions for each row of ``values``, (n, N), named after its target where there are several."""
    if len(names) == 1:
        return {"prediction": values[0]}
    return {f"prediction_{name}": values[k] for k, name in enumerate(names)}
