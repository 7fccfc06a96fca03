"""A trained model evaluated on examples: loss, metrics, and a row for each class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bpcli.data.encoding.targets import Classes, Labels
from bpcli.data.loading import Part
from bpcli.nn import Array
from bpcli.nn.metrics import Metric
from bpcli.runs.assessment import assess_model
from bpcli.runs.model_file import Model
from bpcli.training.inference import outputs


def evaluate_model(model: Model, part: Part, metrics: Mapping[str, Metric]) -> dict[str, Any]:
    """``loss``, ``metrics`` and ``classes``, a row per class or label; no rows for a regression."""
    values = assess_model(model, part, metrics)
    return {"loss": values.pop("loss"), "metrics": values, "classes": _class_rows(model, part)}


def _class_rows(model: Model, part: Part) -> list[dict[str, Any]]:
    targets = model.targets
    if not isinstance(targets, Classes | Labels):
        return []
    A = outputs(model.network, model.parameters, part.features)
    names: list[Any] = list(targets.labels) if isinstance(targets, Classes) else list(targets.columns)
    predicted, actual = _memberships(targets, A, part)
    return [_class_row(name, *rows) for name, *rows in zip(names, predicted, actual, strict=True)]


def _class_row(name: object, predicted: Array, actual: Array) -> dict[str, Any]:
    """Precision, recall and F₁ of one class; None where nothing is predicted or present.

    ``predicted`` and ``actual``, (N,), say whether each example belongs to the class.
    """
    hits, predictions, members = int((predicted & actual).sum()), int(predicted.sum()), int(actual.sum())
    return {
        "class": name,
        "examples": members,
        "predicted": predictions,
        "precision": hits / predictions if predictions else None,
        "recall": hits / members if members else None,
        "f1": 2 * hits / (predictions + members) if predictions + members else None,
    }


def _memberships(targets: Classes | Labels, A: Array, part: Part) -> tuple[Array, Array]:
    """Whether each example belongs to each class, (classes, N): as predicted by A_L, and in truth."""
    everything = np.arange(part.size)
    if isinstance(targets, Classes) and targets.encoding == "index":
        indices = np.empty(part.size, np.intp)
        part.targets.gather(everything, indices)
        actual = indices == np.arange(len(targets.labels))[:, None]
    else:
        Y = np.empty((targets.outputs, part.size), A.dtype)
        part.targets.gather(everything, Y)
        actual = targets.threshold < Y
    if targets.counted_by == "largest":
        return np.argmax(A, axis=0) == np.arange(len(A))[:, None], actual
    predicted = targets.threshold < A
    if isinstance(targets, Classes):
        return np.concatenate([~predicted, predicted]), np.concatenate([~actual, actual])
    return predicted, actual
