"""Which of the two factors of dW = dZ Aᵀ is right, where the other may be anything."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.checking.known_mistakes.wrong_arrays import DIGITS, Guess, WrongArrays, basis_of
from bpcli.checking.precisions import agrees

LEAST = 2
"""Equations that have to be met beyond the other factor's own numbers."""


def right_errors_with_other_inputs(wrong: WrongArrays) -> Iterator[Guess]:
    """The product of the right dZ with the inputs that fit best, where these cannot give every matrix."""
    basis = basis_of(wrong.dZ)
    n, q = wrong.given.shape
    db, right = wrong.file[f"db{wrong.layer}"], wrong.correct.gradient.b[wrong.layer][:, 0]
    only_dW = not wrong.has_db and agrees(db.reshape(-1), right)
    if only_dW and not _inputs_fit(wrong) and (n - basis.shape[1]) * q >= LEAST:
        about = "X, the inputs, is another, perhaps not scaled" if wrong.layer == 1 else "the inputs are others"
        yield Guess(f"dZ is right, but {about}", basis @ (basis.T @ wrong.given), 8, hypotheses=-DIGITS, final=True)


def _inputs_fit(wrong: WrongArrays) -> bool:
    """Whether the given arrays are a product with the right inputs though these cannot give every matrix."""
    basis = basis_of(wrong.inputs)
    rows = wrong.given.T
    outside = float(np.abs(rows - basis @ (basis.T @ rows)).max())
    return basis.shape[1] < len(rows) and outside <= wrong.tolerance * float(np.abs(rows).max())
