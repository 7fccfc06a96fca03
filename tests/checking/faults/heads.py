"""The output's dZ: a shortcut where it does not hold, a pair's formula spoilt, the targets of another example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bpcli.nn import Array, network
from bpcli.nn.pairs import SigmoidBinaryCrossEntropy, SoftmaxCrossEntropy

from .mechanism import EXCHANGED, Fault, Pass, Pieces, Replaced, of, output


def turned(at: Pass, scale: float) -> None:
    output(at, -scale)


def dZ(owner: type, formula: Callable[[Array, Array, Array], Array]) -> Replaced:
    """A head's derivative by another formula, of Z, A and Y."""

    def wrong(head: Any, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: Any) -> None:
        out[...] = formula(Z, A, Y) * scale

    return Replaced(owner, "backward", wrong)


def composed(formula: Callable[[Array, Array, Array], Array]) -> Replaced:
    """The general way's dZ by a formula of Z, A and Y."""

    def wrong(
        head: Any,
        Z: Array,
        A: Array,
        own: Array,
        Y: Array,
        weights: Array | None,
        scale: float,
        dA: Array,
        out: Array,
        *_: Any,
    ) -> None:
        out[...] = formula(Z, A, Y) * scale

    return Replaced(network, "backward", wrong)


def one_hot(A: Array, Y: Array) -> Array:
    """Y as columns."""
    columns: Array = np.eye(A.shape[0])[:, Y % A.shape[0]]
    return columns


SHORTCUT = composed(lambda Z, A, Y: A - Y)
SQUARED_ERRORS = dZ(SigmoidBinaryCrossEntropy, lambda Z, A, Y: (A - Y) * A * (1 - A))

soft_squares = of(name="half_squared_error")
sigmoid_squares = of(output="sigmoid", name="half_squared_error")
tanh_squares = of(output="tanh", name="half_squared_error")
labels = of(output="sigmoid", name="binary_cross_entropy", outputs="mean")

FAULTS: dict[str, Fault] = {
    "the sign of dZ_L is turned": Fault(Pieces(output=turned)),
    "the softmax shortcut is used with squared error": Fault(SHORTCUT, subject=soft_squares),
    "A − Y is used for sigmoid under squared error": Fault(SHORTCUT, subject=sigmoid_squares),
    "A − Y is used for tanh under squared error": Fault(SHORTCUT, subject=tanh_squares),
    "the squared error's gradient, with its σ′, is used under binary cross-entropy": Fault(
        SQUARED_ERRORS, subject=labels
    ),
    "the one-hot row is off by one": Fault(dZ(SoftmaxCrossEntropy, lambda Z, A, Y: A - one_hot(A, Y + 1))),
    "the targets are those of the example before": Fault(
        dZ(SoftmaxCrossEntropy, lambda Z, A, Y: A - one_hot(A, np.roll(Y, 1))), untouched=EXCHANGED
    ),
    "the targets are left out of dZ_L": Fault(dZ(SoftmaxCrossEntropy, lambda Z, A, Y: A)),
    "Z − Y stands for A − Y": Fault(dZ(SoftmaxCrossEntropy, lambda Z, A, Y: Z - one_hot(A, Y))),
}
