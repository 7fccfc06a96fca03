"""The loss: a wrong dA, or the dA of another loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.losses import HalfSquaredError, Loss
from bpcli.nn.pairs import SigmoidBinaryCrossEntropy, SigmoidCrossEntropy

from .heads import dZ
from .mechanism import Fault, Replaced, of


def dA(owner: type[Loss], formula: Callable[[Array, Array], Array]) -> Replaced:
    """A loss's derivative by another formula, of A and Y."""

    def wrong(self: Loss, A: Array, Y: Array, scale: float, out: Array, scratch: Any) -> None:
        out[...] = formula(A, Y) * scale

    return Replaced(owner, "backward", wrong)


squares = of(output="identity", name="half_squared_error")

FAULTS: dict[str, Fault] = {
    "Y − A stands for A − Y in the squared error": Fault(dA(HalfSquaredError, lambda A, Y: Y - A), subject=squares),
    "the ½ of the squared error is forgotten": Fault(dA(HalfSquaredError, lambda A, Y: 2 * (A - Y)), subject=squares),
    "the absolute error's gradient is used for the squared one's": Fault(
        dA(HalfSquaredError, lambda A, Y: np.sign(A - Y)), subject=squares
    ),
    "binary cross-entropy lacks its second term": Fault(
        dZ(SigmoidBinaryCrossEntropy, lambda Z, A, Y: -Y * (1 - A)),
        subject=of(output="sigmoid", name="binary_cross_entropy"),
    ),
    "−1/a is taken for every class": Fault(
        dZ(SigmoidCrossEntropy, lambda Z, A, Y: A - 1), subject=of(output="sigmoid")
    ),
}
