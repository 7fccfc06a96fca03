"""dW: its factors exchanged or taken from elsewhere, examples or columns left out."""

from __future__ import annotations

from collections.abc import Callable

from bpcli.nn import Array

from .mechanism import Fault, Pass, Piece, Pieces, only_at, weights


def dW(product: Callable[[Pass, int], Array], layer: int | None = None) -> Piece:
    """Another product for dZ_l A_l-1ᵀ."""

    def wrong(at: Pass, l: int) -> None:
        at.gradient.W[l][...] = product(at, l)

    return only_at(layer, wrong, weights)


def from_Z(at: Pass, l: int) -> Array:
    below = at.ws.Z[l - 1] if l > 1 else at.ws.X
    found: Array = at.ws.dZ[l] @ below.T
    return found


def under_the_derivative(at: Pass, l: int) -> Array:
    """f′ of layer l − 1 lies where A_l-1 was."""
    found: Array = at.ws.dZ[l] @ (1 - at.ws.A[l - 1] ** 2).T
    return found


def without_last_column(at: Pass, l: int) -> None:
    weights(at, l)
    at.gradient.W[l][:, -1] = 0


FAULTS: dict[str, Fault] = {
    "the two factors of dW are exchanged in a square layer": Fault(
        Pieces(weights=dW(lambda at, l: at.ws.A[l - 1] @ at.ws.dZ[l].T, layer=2)), layer=2, kinds="W", below=False
    ),
    "dW_l is taken from A_l, not A_l-1": Fault(
        Pieces(weights=dW(lambda at, l: at.ws.dZ[l] @ at.ws.A[l].T, layer=2)), layer=2, kinds="W", below=False
    ),
    "dW_l is taken from Z_l-1, not A_l-1": Fault(Pieces(weights=dW(from_Z)), kinds="W", untouched=(1, "W")),
    "dW_l is taken from dZ_l+1, not dZ_l": Fault(
        Pieces(weights=dW(lambda at, l: at.ws.dZ[l + 1] @ at.ws.A[l - 1].T, layer=1)), layer=1, kinds="W"
    ),
    "dW_l is taken from dA_l, not dZ_l": Fault(
        Pieces(weights=dW(lambda at, l: at.ws.dA[l] @ at.ws.A[l - 1].T, layer=1)), layer=1, kinds="W"
    ),
    "f′ of layer l − 1 lies over A_l-1 before dW_l is computed": Fault(
        Pieces(weights=dW(under_the_derivative, layer=2)), layer=2, kinds="W", below=False
    ),
    "the last example is dropped from dW": Fault(
        Pieces(weights=dW(lambda at, l: at.ws.dZ[l][:, :-1] @ at.ws.A[l - 1][:, :-1].T)), kinds="W"
    ),
    "dW is of the first example alone": Fault(
        Pieces(weights=dW(lambda at, l: at.ws.dZ[l][:, :1] @ at.ws.A[l - 1][:, :1].T)), kinds="W"
    ),
    "the last column of X is ignored": Fault(
        Pieces(weights=only_at(1, without_last_column, weights)), layer=1, kinds="W"
    ),
}
