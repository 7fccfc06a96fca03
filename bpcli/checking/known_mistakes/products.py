"""Which factor of dW = dZ Aᵀ is right, where the other may be anything."""

from __future__ import annotations

from collections.abc import Iterator

from bpcli.checking.known_mistakes.evidence import DIGITS
from bpcli.checking.known_mistakes.guess import Guess
from bpcli.checking.known_mistakes.wrong_arrays import WrongArrays, basis_of
from bpcli.checking.precisions import agrees


def right_errors_with_other_inputs(wrong: WrongArrays) -> Iterator[Guess]:
    """The product of the right dZ with the inputs that fit best, where few examples leave these little choice."""
    if wrong.has_db or not _db_is_right(wrong) or not _examples_are_few(wrong):
        return
    basis = basis_of(wrong.dZ)
    about = "X, the inputs, is another, perhaps not scaled" if wrong.layer == 1 else "the inputs are others"
    yield Guess(f"dZ is right, but {about}", basis @ (basis.T @ wrong.given), 8, hypotheses=-DIGITS, final=True)


def _db_is_right(wrong: WrongArrays) -> bool:
    db = wrong.file[f"db{wrong.layer}"]
    return agrees(db.reshape(-1), wrong.correct.gradient.b[wrong.layer][:, 0])


def _examples_are_few(wrong: WrongArrays) -> bool:
    """Whether the columns of dZ span less than any other dZ of this layer would.

    A softmax takes one dimension of its units, and a narrow layer above leaves no more than it has units.
    """
    m = wrong.dZ.shape[1]
    room = int(wrong.dZ.any(axis=1).sum()) - 1
    if wrong.layer < wrong.correct.layers:
        room = min(room, *wrong.correct.parameters.W[wrong.layer + 1].shape)
    return bool(m < room)
