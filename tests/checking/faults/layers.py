"""From a layer to the one below: dA_l-1 by other weights than W_lᵀ, or of something else than dZ_l."""

from __future__ import annotations

from collections.abc import Callable

from bpcli.nn import Array
from tests.checking.support import subject

from .mechanism import Fault, Pass, Piece, Pieces, below, only_at


def dA(product: Callable[[Pass, int], Array], layer: int | None = None) -> Piece:
    """Another product for W_lᵀ dZ_l, at layer l."""

    def wrong(at: Pass, l: int) -> None:
        at.ws.dA[l - 1][...] = product(at, l)

    return only_at(layer, wrong, below)


def by_updated_weights(at: Pass, l: int) -> Array:
    found: Array = (at.parameters.W[l] - 0.1 * at.gradient.W[l]).T @ at.ws.dZ[l]
    return found


FAULTS: dict[str, Fault] = {
    "W stands for Wᵀ in a square layer": Fault(
        Pieces(below=dA(lambda at, l: at.parameters.W[l] @ at.ws.dZ[l], layer=2)), layer=1
    ),
    "dA_l-1 is taken from the weights of layer l − 1": Fault(
        Pieces(below=dA(lambda at, l: at.parameters.W[l - 1].T @ at.ws.dZ[l], layer=2)),
        layer=1,
        subject=lambda: subject(sizes=(5, 5, 5, 3)),
    ),
    "dA is taken from the weights already updated": Fault(Pieces(below=dA(by_updated_weights)), layer=2),
    "dA_l-1 is taken from dA_l, not dZ_l": Fault(
        Pieces(below=dA(lambda at, l: at.parameters.W[l].T @ at.ws.dA[l], layer=2)), layer=1
    ),
    "the error is sent down without the weights": Fault(Pieces(below=dA(lambda at, l: at.ws.dZ[l], layer=2)), layer=1),
}
