"""The columns of predictions, which are numbers: a row whose outputs overflow, or are none, is named.

So is the column of its largest input, which is where the cause mostly is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bpcli.data.encoding.reals import Reals
from bpcli.data.sources import Source
from bpcli.errors import DataError
from bpcli.nn import Array, IndexArray
from bpcli.runs.model_file import Model

HINT = "correct the numbers of this row; if they are as in training, train with dtype: float64, or to smaller weights"


def prediction_columns(model: Model, A: Array) -> dict[str, Array]:
    """The columns of the predictions from the outputs A_L, (n_L, m), each with m rows."""
    low, high = model.network.head.activation.range
    return model.targets.predictions(A, probabilities=low >= 0 and high <= 1)


def require_finite(model: Model, A: Array, features: Source, examples: IndexArray, where: Callable[[int], str]) -> None:
    """The outputs A_L, (n_L, m), are finite, and so is what is predicted of a regression, in its own units.

    They are of the ``examples``, (m,), of ``features``; ``where`` gives the place of each of these.

    Raises:
        DataError: one is not; the row and the column are named.
    """
    finite = np.isfinite(A).all(axis=0)
    if isinstance(model.targets, Reals):
        for column in prediction_columns(model, A).values():
            finite &= np.isfinite(column)
    if not finite.all():
        place = int(np.argmin(finite))
        example = int(examples[place])
        found = f"{_what_is_wrong(model, A[:, place : place + 1])}; {_largest_input(model, features, example)}"
        raise DataError(found, where=where(example), hint=HINT)


def _largest_input(model: Model, features: Source, example: int) -> str:
    """The column of the input that is largest beside those of training."""
    X = np.empty((model.network.sizes[0], 1), model.dtype, order="F")
    features.gather(np.array([example]), X)
    place = int(np.argmax(np.abs(X[:, 0])))
    return f"its largest input, of column {model.features.inputs[place].column!r}, is {X[place, 0]:g} once scaled"


def _what_is_wrong(model: Model, A: Array) -> str:
    """Which column of one row's prediction is no number, or is decided by an output that is none."""
    columns = prediction_columns(model, A)
    for name, column in columns.items():
        if column.dtype.kind == "f" and not np.isfinite(column[0]):
            return f"its prediction is not finite: {name} is {column[0]}"
    found = A[~np.isfinite(A)][0]
    return f"its prediction is not finite: {next(iter(columns))} is decided by an output that is {found}"
