"""Layers: what a network consists of, from its first hidden layer to its output."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge, Le

from bpcli.choices import IfMissing
from bpcli.nn.activations import Activation
from bpcli.nn.initializers import Glorot, Initializer

MOST_UNITS = 10_000_000
"""A width beyond any network that fits a machine."""


@dataclass(frozen=True)
class Dense:
    """Z = W A_below + b 1ᵀ, A = f(Z): every unit sees every unit of the layer below.

    ``initializer`` draws the first W; the first b is 0.
    """

    units: Annotated[int, Ge(1), Le(MOST_UNITS), IfMissing("give the layer's width, for example units: 16")]
    activation: Activation
    initializer: Initializer = field(default_factory=Glorot)


Layer = Dense

LAYERS: dict[str, type[Layer]] = {"dense": Dense}
"""The kinds of hidden layers; where there is one, a config need not, and cannot, name it."""
