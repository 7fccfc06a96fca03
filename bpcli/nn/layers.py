"""Layers: what a network consists of, from its first hidden layer to its output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Protocol

import numpy as np
from annotated_types import Ge, Gt, Le, Lt

from bpcli.choices import IfMissing, build, describe, name_of, optional_statements
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, Activation
from bpcli.nn.initializers import Glorot, Initializer
from bpcli.nn.noise import inverted_mask
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
        """Fill ``noise``, (n_l, m), or (steps, n_l, m) for several steps; called where ``noisy`` holds."""
        ...

    @property
    def constraint(self) -> str:
        r"""A weight after :meth:`constrain`, in markup, from ``<w>``, ``\sum`` over its unit's; empty for none."""
        ...

    def constrain(self, W: Array, spare: Array, column: Array) -> None:
        """Change W, (n_l, n_l-1), after an update; called where ``constraint`` is not empty.

        ``spare``, as W, and ``column``, (n_l, 1), are buffers.
        """
        ...

    def forward(self, Z: Array, own: Array, out: Array, noise: Array | None, scratch: Scratch) -> None:
        """Write A into ``out``, (n_l, m) as Z; ``own``, (k,), is what f owns; ``noise`` is None outside training."""
        ...

    def backward(
        self,
        dA: Array,
        Z: Array,
        A: Array,
        own: Array,
        noise: Array | None,
        out: Array,
        d_own: Array,
        scratch: Scratch,
    ) -> None:
        """Write dZ into ``out``, an array apart from the others, and ∂L/∂own; ``dA`` may be used on the way."""
        ...


@dataclass(frozen=True)
class LayerStatements:
    """What a layer may state, and what holds of one that does not.

    ``units_apart`` says that forward and backward compute each unit from its own rows of Z, dA, A and noise, and that
    nothing is added up over units, as ∂L/∂own is: so threads may compute some units each.
    """

    units_apart: bool = False


def layer_statements(layer: Layer) -> LayerStatements:
    """What a layer states."""
    return optional_statements(LayerStatements, layer)


Dropout = Annotated[float, Ge(0), Lt(1)]
"""The probability that training drops a unit."""

MaxNorm = Annotated[float, Gt(0)]
"""How long the vector of a unit's weights may be."""

MOST_UNITS = 10_000_000
"""A width beyond any network that fits a machine."""


def limit_rows(W: Array, longest: Any, spare: Array, column: Array) -> None:
    """Scale every row of W that is longer than ``longest`` to that length; the others keep their bits.

    A row w becomes w · c/max(|w|, c). ``spare``, as W, and ``column``, (n, 1), are buffers.
    """
    lengths = column.reshape(-1)
    np.multiply(W, W, spare)
    np.add.reduce(spare, axis=1, out=lengths)
    np.sqrt(lengths, lengths)
    np.maximum(lengths, longest, out=lengths)
    np.divide(longest, lengths, lengths)
    np.copyto(spare, column)
    np.multiply(W, spare, W)


@dataclass(frozen=True)
class Dense:
    """A = f(Z) ⊙ M: every unit sees every unit of the layer below.

    M, the dropout mask, is drawn for each update: 0 with probability ``dropout``, else 1/(1 − dropout), so that A
    is f(Z) in the mean (Srivastava et al. 2014, §10: inverted). Outside training A = f(Z). After every update a unit's
    weights are no longer than ``max_norm``, as a vector (§5.1).
    """

    units: Annotated[int, Ge(1), Le(MOST_UNITS), IfMissing("give the layer's width, for example units: 16")]
    activation: Activation
    initializer: Initializer = field(default_factory=Glorot)
    dropout: Dropout = 0.0
    max_norm: MaxNorm | None = None

    before: ClassVar[str] = "<z>"

    @property
    def noisy(self) -> bool:
        """Whether units are dropped."""
        return self.dropout > 0

    @property
    def units_apart(self) -> bool:
        """Where f sees one unit at a time and owns nothing; the mask is drawn beforehand."""
        return self.activation.elementwise and not self.activation.owned

    @property
    def after(self) -> str:
        """f(Z), in training times M."""
        return r"<a> \odot <noise>" if self.noisy else "<a>"

    @property
    def constraint(self) -> str:
        """Weights of a unit that are longer than ``max_norm`` are brought to this length."""
        if self.max_norm is None:
            return ""
        return (
            r"\frac{<max_norm>}{\sqrt{\sum (<w>)^2}} \cdot <w>"
            r" \text{ where } \sqrt{\sum (<w>)^2} > <max_norm> \text{, else } <w>"
        )

    def draw(self, noise: Array, rng: np.random.Generator) -> None:
        """M."""
        inverted_mask(noise, self.dropout, rng)

    def constrain(self, W: Array, spare: Array, column: Array) -> None:
        """Scale rows longer than ``max_norm`` to this length."""
        limit_rows(W, self.max_norm, spare, column)

    def forward(self, Z: Array, own: Array, out: Array, noise: Array | None, scratch: Scratch) -> None:
        """Write f(Z) ⊙ M into ``out``; f(Z) is kept for backward."""
        if noise is None:
            self.activation.forward(Z, own, out, scratch)
            return
        f = kept(scratch)
        self.activation.forward(Z, own, f, scratch)
        np.multiply(f, noise, out)

    def backward(
        self,
        dA: Array,
        Z: Array,
        A: Array,
        own: Array,
        noise: Array | None,
        out: Array,
        d_own: Array,
        scratch: Scratch,
    ) -> None:
        """Write Jᵀ (dA ⊙ M) into ``out``, J being f's at Z, and ∂L/∂own into ``d_own``."""
        if noise is None:
            self.activation.backward(dA, Z, A, own, out, d_own, scratch)
            return
        np.multiply(dA, noise, dA)
        self.activation.backward(dA, Z, kept(scratch), own, out, d_own, scratch)


def kept(scratch: Scratch) -> Array:
    """The array of a noisy layer that lasts from forward to backward."""
    assert scratch.kept is not None, "a workspace with noise has it"
    return scratch.kept


LAYERS: dict[str, type[Any]] = {"dense": Dense}
"""The kinds of hidden layers; where there is one, a config need not, and cannot, name it."""


def describe_layer(layer: Layer) -> dict[str, Any]:
    """A layer as plain data: its activation, and its kind with settings unless it is a dense one without any."""
    activation = describe(ACTIVATIONS, layer.activation)
    if layer == Dense(layer.units, layer.activation, layer.initializer):
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
