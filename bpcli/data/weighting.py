"""How much each example counts: by a column of its own, and by its class.

The weights of a column count in the loss and in the metrics of every part. The weights of
classes count in the training loss alone, so validation, test and all metrics keep their meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bpcli.data.encoding.classes import Classes, Label
from bpcli.data.encoding.target_cells import numbers_of
from bpcli.data.encoding.targets import Targets
from bpcli.data.files.dataset import Dataset
from bpcli.errors import ConfigError, did_you_mean
from bpcli.nn import Array, IndexArray

ClassWeight = Literal["balanced"] | Mapping[str, float]
"""The weights of classes by label, 1 for those that are not named; balanced: inversely to how often a class occurs."""


@dataclass(frozen=True)
class WeightRequest:
    """The ``column`` with the weights of examples, and the weights of ``classes``."""

    column: str | None = None
    classes: ClassWeight | None = None


@dataclass(frozen=True)
class Weights:
    """The weights of a part's examples, (N,) in the network's precision: in the loss, and in metrics."""

    weights: Array | None = None
    metric_weights: Array | None = None


def weigh(
    datasets: Mapping[str, Dataset],
    rows: Mapping[str, IndexArray],
    targets: Targets,
    request: WeightRequest,
    dtype: np.dtype,
) -> tuple[dict[str, Weights], dict[Label, float]]:
    """The weights of each part's ``rows``, and of each class in training, empty where classes have none.

    Raises:
        ConfigError, DataError: a weight is missing, negative, no number or too large; or there are no classes to weigh.
    """
    train, found = datasets["train"], {part: Weights() for part in rows}
    for part, own in rows.items() if request.column is not None else ():
        dataset = datasets.get(part, train)
        weights = column_weights(dataset, str(request.column), own, dtype, part)
        found[part] = Weights(weights, weights)
    if request.classes is None:
        return found, {}
    classes = _classes(targets)
    indices = classes.indices(train, rows["train"])
    of_classes = class_weights(request.classes, classes, np.bincount(indices, minlength=len(classes.labels)))
    of_examples = _in_precision(of_classes, dtype)[indices]
    of_column = found["train"].weights
    combined = of_examples if of_column is None else _combined(of_examples, of_column)
    return found | {"train": Weights(combined, of_column)}, of_classes


def _combined(of_classes: Array, of_column: Array) -> Array:
    """The weights by class times those of the column, (N,) each.

    Raises:
        ConfigError: all of them are 0, or their sum is out of the precision's range.
    """
    with np.errstate(over="ignore"):
        combined: Array = of_classes * of_column
    if not combined.any():
        raise ConfigError(
            "every training example has the weight 0: of its class, or its own",
            key="data.class_weight",
            hint="give a class with examples of a weight a weight too",
        )
    _require_finite_sum(combined, "weights by class times sample weights", "data.class_weight")
    return combined


def _require_finite_sum(weights: Array, what: str, key: str) -> None:
    """The sum of weights, by which means divide, is in their precision.

    Raises:
        ConfigError: it is not.
    """
    highest = float(np.finfo(weights.dtype).max)
    with np.errstate(over="ignore"):
        total = float(weights.sum(dtype=np.float64))
    if not total <= highest:
        raise ConfigError(
            f"{what} add up to {total:.3g}, out of the range of {weights.dtype}",
            key=key,
            hint=f"smaller ones: {highest:.3g} at most in all",
        )


def _in_precision(of_classes: Mapping[Label, float], dtype: np.dtype) -> Array:
    """The weights of classes as an array of the network's precision.

    Raises:
        ConfigError: one is out of its range.
    """
    highest = float(np.finfo(dtype).max)
    for label, weight in of_classes.items():
        if weight > highest:
            raise ConfigError(
                f"the weight of class {str(label)!r} is {weight:g}",
                key="data.class_weight",
                hint=f"weights are 0 or more, and at most {highest:.3g}",
            )
    return np.array(list(of_classes.values()), dtype)


def _classes(targets: Targets) -> Classes:
    """Targets that are classes.

    Raises:
        ConfigError: they are not.
    """
    if not isinstance(targets, Classes):
        raise ConfigError(
            "class_weight is for a classification with one target column",
            key="data.class_weight",
            hint="data.sample_weight: a column takes a weight for each example",
        )
    return targets


def column_weights(dataset: Dataset, name: str, rows: IndexArray, dtype: np.dtype, part: str = "") -> Array:
    """(len(rows),) of a column, in the network's precision; ``part`` is what the rows are, where not all of the file.

    Raises:
        ConfigError: one is no number or negative, all are 0, or their sum is too large.
        DataError: one is missing, or out of the precision's range.
    """
    numbers = numbers_of(dataset, name, rows, what="weight", key="data.sample_weight")
    with np.errstate(over="ignore"):
        weights: Array = numbers.astype(dtype)
    wrong = np.flatnonzero((weights < 0) | np.isinf(weights))
    if len(wrong):
        raise ConfigError(
            f"weight {name!r} is {numbers[wrong[0]]:g} at {dataset.where(int(rows[wrong[0]]))}",
            key="data.sample_weight",
            hint=f"weights are 0 or more, and at most {np.finfo(dtype).max:.3g}",
        )
    if not weights.any():
        where = f"the {part} part of {dataset.path}" if len(rows) < dataset.size else dataset.path
        raise ConfigError(
            f"every weight {name!r} of {where} is 0", key="data.sample_weight", hint="give examples a weight"
        )
    _require_finite_sum(weights, f"the weights {name!r} of {dataset.path}", "data.sample_weight")
    return weights


def class_weights(wanted: ClassWeight, classes: Classes, counts: Array) -> dict[Label, float]:
    """The weight of each class; ``counts`` has the number of training examples of each.

    Balanced weights are N / (k · n_c), n_c of the N examples being of class c, and k the number of classes that
    occur: each class then counts the same in all, and the mean weight is 1 (King & Zeng 2001).

    Raises:
        ConfigError: a weight is of a class that does not occur, or all are 0.
    """
    if isinstance(wanted, str):
        occurring = np.count_nonzero(counts)
        found = np.where(counts > 0, counts.sum() / (occurring * np.maximum(counts, 1)), 0.0)
        return dict(zip(classes.labels, found.tolist(), strict=True))
    labels = [str(label) for label in classes.labels]
    for name in wanted:
        if name not in labels:
            hint = did_you_mean(name, labels, "the classes are")
            raise ConfigError(f"there is no class {name!r} to weigh", key="data.class_weight", hint=hint)
    weights = {label: float(wanted.get(str(label), 1.0)) for label in classes.labels}
    if not any(weights.values()):
        raise ConfigError("every class has the weight 0", key="data.class_weight", hint="give a class a weight")
    return weights
