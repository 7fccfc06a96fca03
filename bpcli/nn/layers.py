"""Layers: what a network consists of, from its first hidden layer to its output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Protocol

import numpy as np
from annotated_types import Ge, Le

from bpcli.choices import IfMissing, build, describe, name_of
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, Activation
from bpcli.nn.initializers import Glorot, Initializer
from bpcli.nn.workspace import Scratch


class Layer(Protocol):
    """A kind of layer: Z = W A_below + b 1ᵀ, and what it makes of Z; its settings are its fields."""

    @property
    def units(self) -> int:
        """n_l."""
        ...

    @property
    def activation(self) -> Activation:
        """f_l."""
        ...

    @property
    def initializer(self) -> Initializer:
        """What draws the first W; the first b is 0."""
        ...

    @property
    def noisy(self) -> bool:
        """Whether training draws numbers for it, anew for each step."""
        ...

    @property
    def before(self) -> str:
        """What f is applied to, in markup (:mod:`bpcli.nn.markup`), from ``<z>`` and, where noisy, ``<noise>``."""
        ...

    @property
    def after(self) -> str:
        """A in markup, from ``<a>``, which is f of :attr:`before`, and, where noisy, ``<noise>``."""
        ...

    def draw(self, noise: Array, rng: np.random.Generator) -> None:
        """Fill ``noise``, (n_l, m), for one step; called where ``noisy`` holds."""
        ...

    def forward(self, Z: Array, out: Array, noise: Array | None, scratch: Scratch) -> None:
        """Write A into ``out``. Arrays (n_l, m); ``noise`` is what was drawn, None outside training."""
        ...

    def backward(self, dA: Array, Z: Array, A: Array, noise: Array | None, out: Array, scratch: Scratch) -> None:
        """Write dZ into ``out``, an array apart from the others; ``dA`` may be used on the way."""
        ...


MOST_UNITS = 10_000_000
"""A width beyond any network that fits a machine."""


@dataclass(frozen=True)
class Dense:
    """A = f(Z): every unit sees every unit of the layer below."""

    units: Annotated[int, Ge(1), Le(MOST_UNITS), IfMissing("give the layer's width, for example units: 16")]
    activation: Activation
    initializer: Initializer = field(default_factory=Glorot)

    noisy: ClassVar[bool] = False
    before: ClassVar[str] = "<z>"
    after: ClassVar[str] = "<a>"

    def draw(self, noise: Array, rng: np.random.Generator) -> None:
        """Nothing is drawn."""

    def forward(self, Z: Array, out: Array, noise: Array | None, scratch: Scratch) -> None:
        """Write f(Z) into ``out``."""
        self.activation.forward(Z, out, scratch)

    def backward(self, dA: Array, Z: Array, A: Array, noise: Array | None, out: Array, scratch: Scratch) -> None:
        """Write Jᵀ dA into ``out``."""
        self.activation.backward(dA, Z, A, out, scratch)


LAYERS: dict[str, type[Any]] = {"dense": Dense}
"""The kinds of hidden layers; where there is one, a config need not, and cannot, name it."""


def describe_layer(layer: Layer) -> dict[str, Any]:
    """What a hidden layer computes, as plain data: its activation, and its kind with settings unless it is dense."""
    activation = describe(ACTIVATIONS, layer.activation)
    if isinstance(layer, Dense):
        return activation
    own = {name: value for name, value in vars(layer).items() if name not in ("units", "activation", "initializer")}
    return {**activation, "layer": {"name": name_of(LAYERS, layer), **own}}


def build_layer(described: Mapping[str, Any], units: int) -> Layer:
    """The layer that :func:`describe_layer` described; its initializer is not kept.

    Raises:
        KeyError, TypeError: it describes no layer.
    """
    activation = build(ACTIVATIONS, {key: value for key, value in described.items() if key != "layer"})
    kind = described.get("layer", {"name": "dense"})
    own = {key: value for key, value in kind.items() if key != "name"}
    layer: Layer = LAYERS[kind["name"]](units=units, activation=activation, **own)
    return layer
