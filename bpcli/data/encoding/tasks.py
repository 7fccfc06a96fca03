"""What is to be learned: classes, labels or numbers; decided by the loss, the config and the targets."""

from __future__ import annotations

from typing import Literal

import numpy as np

from bpcli.data.encoding import scaling as scaling_room
from bpcli.data.encoding.scaling import Scaling
from bpcli.data.encoding.targets import Classes, Label, Labels, Reals, keys_of, numbers_of, require_present
from bpcli.data.files.raw import Raw, as_numbers, distinct, written
from bpcli.errors import ConfigError
from bpcli.nn import IndexArray

Task = Literal["classification", "regression"]


def task_of(raw: Raw, names: list[str], asked: Task | None, *, of_probabilities: bool) -> Task:
    """What is to be learned: as asked, as the loss implies, or as the targets look.

    Raises:
        ConfigError: a regression is asked of a loss of probabilities.
    """
    if of_probabilities:
        if asked == "regression":
            raise ConfigError(
                "a regression needs another loss than a loss of probabilities",
                key="data.task",
                hint="loss: half_squared_error, or task: classification",
            )
        return "classification"
    if asked is not None:
        return asked
    numeric = all(as_numbers(raw.column(name)) is not None for name in names)
    return "regression" if numeric and not raw.holds_classes else "classification"


def learn_classes(
    raws: list[Raw], names: list[str], *, class_indices: bool, of_probabilities: bool
) -> Classes | Labels:
    """The encoding of a classification, from every file at hand, so that no class is unknown later.

    Raises:
        ConfigError: the targets do not fit the loss.
        DataError: a target is missing.
    """
    if len(names) > 1:
        if class_indices:
            raise ConfigError(
                f"cross_entropy takes one target column, not {len(names)}",
                key="data.target",
                hint="several 0/1 columns are for binary_cross_entropy",
            )
        return Labels(tuple(names))
    name = names[0]
    columns = [raw.column(name) for raw in raws]
    for raw, column in zip(raws, columns, strict=True):
        require_present(raw, name, column, np.arange(raw.size))
    numeric = [as_numbers(column) for column in columns]
    if all(numbers is not None for numbers in numeric):
        values = distinct(np.concatenate([numbers for numbers in numeric if numbers is not None]))
        broken = values[values != np.round(values)]
        if len(broken):
            if of_probabilities and not class_indices:
                return Labels((name,))
            raise ConfigError(
                f"target {name!r} holds {written(float(broken[0]))}, which is no class",
                key="data.target",
                hint="for a regression: loss: half_squared_error",
            )
        labels: tuple[Label, ...] = tuple(int(value) for value in values)
    else:
        labels = tuple(sorted({str(key) for raw in raws for key in keys_of(raw, name, numeric=False)}))
    if len(labels) < 2:
        raise ConfigError(
            f"every target {name!r} is {labels[0]!r}: there is nothing to tell apart",
            key="data.target",
            hint="a classification needs two classes or more",
        )
    if class_indices:
        return Classes(name, labels, "index")
    return Classes(name, labels, "binary" if of_probabilities and len(labels) == 2 else "one_hot")


def learn_reals(raw: Raw, names: list[str], rows: IndexArray, scale: str) -> Reals:
    """The encoding of a regression, from the training ``rows``."""
    values = np.stack([numbers_of(raw, name, rows) for name in names], axis=1)
    scaling = scaling_room.learn(scale, values, names, raw.path)
    return Reals(tuple(names), Scaling(scaling.shift, np.where(scaling.width == 0, 1.0, scaling.width)))
