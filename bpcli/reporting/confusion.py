"""Confusions: which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpcli.nn import Array, IndexArray
from bpcli.nn.tallies import Outputs


def confusion_matrices(outputs: Outputs) -> list[Array]:
    """The confusion matrix of the classes, or one of each label: rows are what is true, columns what is decided.

    Entries are numbers of examples, or their weights. A label's rows and columns are no and yes.
    """
    judging, A, Y, w = outputs.judging, outputs.outputs, outputs.targets, outputs.weights
    if judging.classes:
        return [_confusion(judging.true_classes(Y), judging.decided_classes(A), w, judging.classes)]
    pairs = zip(judging.middle < Y, judging.threshold < A, strict=True)
    return [_confusion(true.astype(np.intp), decided.astype(np.intp), w, 2) for true, decided in pairs]


def _confusion(true: IndexArray, decided: IndexArray, w: Array, classes: int) -> Array:
    matrix = np.zeros((classes, classes))
    np.add.at(matrix, (true, decided), w)
    return matrix


def largest_confusions(matrix: Sequence[Sequence[float]], names: Sequence[Any], most: int) -> list[list[Any]]:
    """At most so many rows of true class, decided class and how many examples, the largest first."""
    rows = [
        [names[true], names[decided], count]
        for true, row in enumerate(matrix)
        for decided, count in enumerate(row)
        if true != decided and count
    ]
    return sorted(rows, key=lambda row: -row[2])[:most]
