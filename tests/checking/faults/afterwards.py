"""Afterwards: a right gradient that is clipped, decayed, rounded, or off in a single entry."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .mechanism import Fault, Pass, Pieces


def one_entry(at: Pass) -> None:
    dW = at.gradient.W[2]
    dW.flat[np.argmax(np.abs(dW))] *= 1.001


def decayed(at: Pass) -> None:
    for W, dW in zip(at.parameters.W[1:], at.gradient.W[1:], strict=True):
        dW += 0.01 * W


def clipped(at: Pass) -> None:
    dW = at.gradient.W[3]
    most = 0.5 * np.abs(dW).max()
    np.clip(dW, -most, most, out=dW)


def rounded(kind: type[np.floating]) -> Callable[[Pass], None]:
    def wrong(at: Pass) -> None:
        at.gradient.theta[...] = at.gradient.theta.astype(kind)

    return wrong


FAULTS: dict[str, Fault] = {
    "one entry is wrong by a thousandth": Fault(Pieces(ending=one_entry), layer=2, kinds="W", below=False),
    "a weight decay is in the gradient and not in the loss": Fault(Pieces(ending=decayed), kinds="W"),
    "a clip is left in": Fault(Pieces(ending=clipped), kinds="W", below=False),
    "the gradient is rounded to half precision": Fault(Pieces(ending=rounded(np.float16))),
    "the gradient is rounded to single precision": Fault(Pieces(ending=rounded(np.float32))),
}
