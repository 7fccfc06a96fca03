"""db: not written, of one example, over the wrong axis, from elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bpcli.nn import Array
from tests.checking.support import subject

from .mechanism import Fault, Pass, Piece, Pieces, biases, only_at


def db(sums: Callable[[Pass, int], Array], layer: int | None = None) -> Piece:
    """Other sums for dZ_l 1."""

    def wrong(at: Pass, l: int) -> None:
        at.gradient.b[l][...] = sums(at, l).reshape(-1, 1)

    return only_at(layer, wrong, biases)


def over_units(at: Pass, l: int) -> Array:
    """The sum over the wrong axis, where as many examples as units hide it."""
    dZ = at.ws.dZ[l]
    found: Array = dZ.sum(axis=0 if dZ.shape[0] == dZ.shape[1] else 1)
    return found


def doubled(at: Pass, l: int) -> None:
    biases(at, l)
    at.gradient.b[l][...] *= 2


def left_alone(at: Pass, l: int) -> None:
    """db is what it was: zeros, as training starts."""


FAULTS: dict[str, Fault] = {
    "db is of one example": Fault(Pieces(biases=db(lambda at, l: at.ws.dZ[l][:, 0])), kinds="b"),
    "db is of the last example": Fault(Pieces(biases=db(lambda at, l: at.ws.dZ[l][:, -1])), kinds="b"),
    "db is summed over the units, not the examples": Fault(
        Pieces(biases=db(over_units)),
        layer=2,
        kinds="b",
        batches=("full",),
        subject=lambda: subject(sizes=(4, 5, 5, 2), m=5),
    ),
    "db is one number for the whole layer": Fault(
        Pieces(biases=db(lambda at, l: np.full(at.ws.dZ[l].shape[0], at.ws.dZ[l].sum()))), kinds="b"
    ),
    "db is the mean over the examples, not the sum": Fault(
        Pieces(biases=db(lambda at, l: at.ws.dZ[l].mean(axis=1))), kinds="b"
    ),
    "db is never written": Fault(Pieces(biases=left_alone), kinds="b"),
    "db is counted twice": Fault(Pieces(biases=doubled), kinds="b"),
    "db_1 is taken from dZ_2": Fault(
        Pieces(biases=db(lambda at, l: at.ws.dZ[2].sum(axis=1), layer=1)), layer=1, kinds="b"
    ),
    "db_1 is taken from dA_1": Fault(
        Pieces(biases=db(lambda at, l: at.ws.dA[1].sum(axis=1), layer=1)), layer=1, kinds="b"
    ),
}
