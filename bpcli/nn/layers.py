"""Layers: what a network consists of, from its first hidden layer to its output."""

from __future__ import annotations

from dataclasses import dataclass, field

from bpcli.nn.activations import Activation
from bpcli.nn.initializers import Glorot, Initializer


@dataclass(frozen=True)
class Dense:
    """Z = W A_below + b 1ᵀ, A = f(Z): every unit sees every unit of the layer below.

    ``initializer`` draws the first W; the first b is 0.
    """

    units: int
    activation: Activation
    initializer: Initializer = field(default_factory=Glorot)


Layer = Dense

LAYERS: dict[str, type[Layer]] = {"dense": Dense}
"""The kinds of hidden layers; where there is one, a config need not, and cannot, name it."""
