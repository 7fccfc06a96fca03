"""The activation's derivative: missing, of another formula, at the wrong place, of another layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, Activation, LeakyRelu
from tests.checking.support import subject

from .mechanism import Fault, Pass, Pieces, Replaced, of, through_at

Formula = Callable[[Array, Array, Array], Array]
"""dZ of dA, Z and A."""


def dZ(name: str, formula: Formula) -> Replaced:
    """An activation's Jᵀ dA by another formula."""

    def wrong(
        self: Activation, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Any
    ) -> None:
        out[...] = formula(dA, Z, A)

    return Replaced(ACTIVATIONS[name], "backward", wrong)


def hidden(name: str, formula: Formula) -> Fault:
    """The mistake in both hidden layers, 2 and 1."""
    return Fault(dZ(name, formula), layer=2, subject=of(name))


def softmax_output(formula: Formula) -> Fault:
    """The mistake at the output, under a loss for which softmax has no shortcut."""
    return Fault(dZ("softmax", formula), subject=of(name="half_squared_error"))


def missing(dA: Array, Z: Array, A: Array) -> Array:
    return dA


def sigmoids(dA: Array, Z: Array, A: Array) -> Array:
    """By a(1 − a), also the diagonal of softmax's J."""
    found: Array = dA * A * (1 - A)
    return found


def sigmoid_at_A(dA: Array, Z: Array, A: Array) -> Array:
    again = 1 / (1 + np.exp(-A))
    return sigmoids(dA, Z, again)


def at_layer_2(at: Pass, l: int) -> None:
    """f′ of layers 2 and 1, of the same size, at layer 2's Z and A."""
    through_at(at, l, at.network.activations[l - 1], 2)


def of_layer_2(at: Pass, l: int) -> None:
    """f′ of layers 2 and 1 by layer 2's activation."""
    through_at(at, l, at.network.activations[1], l)


FAULTS: dict[str, Fault] = {
    "tanh′ = 1 − a": hidden("tanh", lambda dA, Z, A: dA * (1 - A)),
    "tanh′ is missing": hidden("tanh", missing),
    "tanh′ is taken at A, where it needs Z": hidden("tanh", lambda dA, Z, A: dA * (1 - np.tanh(A) ** 2)),
    "1 − z² stands for tanh′ = 1 − a²": hidden("tanh", lambda dA, Z, A: dA * (1 - Z * Z)),
    "sigmoid's derivative is used for tanh": hidden("tanh", sigmoids),
    "σ′ = a": hidden("sigmoid", lambda dA, Z, A: dA * A),
    "σ′ is taken at A, where it needs Z": hidden("sigmoid", sigmoid_at_A),
    "z(1 − z) stands for σ′ = a(1 − a)": hidden("sigmoid", lambda dA, Z, A: dA * Z * (1 - Z)),
    "tanh's derivative is used for sigmoid": hidden("sigmoid", lambda dA, Z, A: dA * (1 - A * A)),
    "relu′ is 1 on the wrong side": hidden("relu", lambda dA, Z, A: dA * (A <= 0)),
    "relu′ = a": hidden("relu", lambda dA, Z, A: dA * A),
    "relu′ looks at the sign of dA": hidden("relu", lambda dA, Z, A: dA * (dA > 0)),
    "relu′ is missing": hidden("relu", missing),
    "the slope of the leaky relu is forgotten": hidden("leaky_relu", lambda dA, Z, A: dA * (Z > 0)),
    "the slope of the leaky relu is on the wrong side": hidden(
        "leaky_relu", lambda dA, Z, A: dA * np.where(Z > 0, LeakyRelu().slope, 1)
    ),
    "softmax's backward is diagonal at the output": softmax_output(sigmoids),
    "softmax's backward is diagonal in a hidden layer": hidden("softmax", sigmoids),
    "softmax's backward takes ⟨da, a⟩ over the whole batch": softmax_output(
        lambda dA, Z, A: A * (dA - (dA * A).sum() / A.shape[1])
    ),
    "softmax's backward leaves out − a aᵀ": softmax_output(lambda dA, Z, A: dA * A),
    "layer 1 takes its derivative at layer 2's A": Fault(Pieces(through=at_layer_2), layer=1),
    "layer 1 takes the derivative of layer 2's activation": Fault(
        Pieces(through=of_layer_2), layer=1, subject=lambda: subject(hidden=("sigmoid", "tanh"))
    ),
}
