"""Activations f and their vector–Jacobian products: dA ↦ dZ = Jᵀ dA, column by column.

Each formula is a function of arrays; its backward stands right below it. An
elementwise activation has a diagonal J, so Jᵀ dA = f′(Z) ⊙ dA. The derivative at
a kink is the left one: relu′(0) = 0.

``Z``, ``A``, ``dA`` and ``out`` are (n, m); ``out`` shares no memory with the others. ``own`` and ``d_own``, (k,), are
the numbers in θ that an activation owns in a layer, and ∂L/∂own: prelu's slope; empty for the others.

Read ``protocol`` first, what an activation says of itself, and ``nn/entrywise``, what several are made of; then the
activations by kind: ``unbounded``, ``sigmoidal``, ``hard``, ``rectified``, ``exponential_linear``, ``smooth``,
``gelu``, ``softmax``.
"""

from __future__ import annotations

from bpcli.nn.activations.exponential_linear import Elu, Selu
from bpcli.nn.activations.gelu import Gelu
from bpcli.nn.activations.hard import HardSigmoid, HardSwish, HardTanh
from bpcli.nn.activations.protocol import Activation, first_values
from bpcli.nn.activations.rectified import LeakyRelu, PRelu, Relu, Relu6
from bpcli.nn.activations.sigmoidal import Sigmoid, Softsign, Tanh
from bpcli.nn.activations.smooth import Mish, Silu, Softplus
from bpcli.nn.activations.softmax import Softmax
from bpcli.nn.activations.unbounded import ExponentialOutput, Identity

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "Elu",
    "ExponentialOutput",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "HardTanh",
    "Identity",
    "LeakyRelu",
    "Mish",
    "PRelu",
    "Relu",
    "Relu6",
    "Selu",
    "Sigmoid",
    "Silu",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
    "first_values",
]

ACTIVATIONS: dict[str, type[Activation]] = {
    "identity": Identity,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "relu": Relu,
    "leaky_relu": LeakyRelu,
    "softmax": Softmax,
    "prelu": PRelu,
    "elu": Elu,
    "selu": Selu,
    "gelu": Gelu,
    "silu": Silu,
    "mish": Mish,
    "softplus": Softplus,
    "softsign": Softsign,
    "relu6": Relu6,
    "hard_tanh": HardTanh,
    "hard_sigmoid": HardSigmoid,
    "hard_swish": HardSwish,
    "exponential": ExponentialOutput,
}
