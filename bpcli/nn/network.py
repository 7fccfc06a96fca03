"""The network: forward and backward, the equations and nothing else.

Biswas 5.2 in the notation of this package; the other four documents are the
same lines with other names, orientations and signs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.activations import Activation, first_values
from bpcli.nn.heads import Head, backward
from bpcli.nn.layers import Dense, Layer
from bpcli.nn.losses import scale
from bpcli.nn.parameters import Layout, Parameters
from bpcli.nn.workspace import OutputScratch, Workspace, product, rows, targets

Step = Callable[[], None]
"""Some equations of a pass on arrays that are given beforehand; it may be called again and again."""


@dataclass(frozen=True)
class Network:
    """``inputs`` features n_0, the layers 1 … L, and the head: the last layer's activation with the loss."""

    inputs: int
    layers: tuple[Layer, ...]
    head: Head

    def __post_init__(self) -> None:
        assert not self.layers[-1].noisy, "no noise at the output"
        assert self.layers[-1].activation == self.head.activation, "the head is the output layer's"

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """n_0 … n_L."""
        return (self.inputs, *(layer.units for layer in self.layers))

    @cached_property
    def layout(self) -> Layout:
        """What θ consists of."""
        return Layout(self.sizes, tuple(tuple(layer.activation.owned) for layer in self.layers))

    @cached_property
    def activations(self) -> tuple[Activation, ...]:
        """f_1 … f_L."""
        return tuple(layer.activation for layer in self.layers)

    def workspace(
        self,
        m: int,
        dtype: Any,
        *,
        training: bool = True,
        weighted: bool = False,
        metrics_weighted: bool = False,
        noisy: bool = False,
    ) -> Workspace:
        """The arrays for batches of ``m`` examples, with buffers for their weights and the noise if asked."""
        return Workspace(
            self.sizes,
            m,
            dtype,
            class_indices=self.head.loss.targets.class_indices,
            training=training,
            weighted=weighted,
            metrics_weighted=metrics_weighted,
            noisy=self.noisy if noisy else (),
        )

    @cached_property
    def noisy(self) -> tuple[int, ...]:
        """The layers for which training draws noise."""
        return tuple(l for l, layer in enumerate(self.layers, start=1) if layer.noisy)

    def draw(self, noise: Sequence[Array | None], rng: np.random.Generator) -> None:
        """Draw the noise of a step, or of several, layer by layer: (n_l, m) or (steps, n_l, m) each."""
        for l in self.noisy:
            drawn = noise[l]
            assert drawn is not None, "a workspace for training has room for noise"
            self.layers[l - 1].draw(drawn, rng)

    @cached_property
    def constrained(self) -> tuple[int, ...]:
        """The layers whose W has to meet something after every update."""
        return tuple(l for l, layer in enumerate(self.layers, start=1) if layer.constraint)

    def constrain(self, parameters: Parameters, spare: Parameters) -> None:
        """Bring every W to where its layer wants it after an update; ``spare`` is a buffer as long as θ."""
        for l in self.constrained:
            self.layers[l - 1].constrain(parameters.W[l], spare.W[l], spare.b[l])

    def targets(self, m: int, dtype: Any) -> Array:
        """A buffer for the Y of ``m`` examples."""
        return targets(self.sizes[-1], m, dtype, class_indices=self.head.loss.targets.class_indices)

    def parameters(self, theta: Array) -> Parameters:
        """θ seen as the W, b and own parameters of each layer."""
        return Parameters(self.layout, theta)

    def forward(self, parameters: Parameters, ws: Workspace) -> None:
        """Fill Z_l and A_l, l = 1 … L, from X."""
        for l in range(1, len(self.sizes)):
            self.forward_of(l, parameters, ws)()

    def forward_of(self, l: int, parameters: Parameters, ws: Workspace, units: slice | None = None) -> Step:
        """What fills Z_l and A_l from A_l-1: of all units, or of some where the layer says that it may."""
        layer, W, b, own = (
            self.layers[l - 1],
            rows(parameters.W[l], units),
            rows(parameters.b[l], units),
            parameters.own[l],
        )
        below, Z, A = ws.A[l - 1], rows(ws.Z[l], units), rows(ws.A[l], units)
        noise, scratch = ws.noise_of(l, units), ws.scratch[l].of(units)

        def forward() -> None:
            W.dot(below, Z)  # Z_l = W_l A_l-1
            A[...] = b
            np.add(Z, A, Z)  # … + b_l 1ᵀ
            layer.forward(Z, own, A, noise, scratch)  # A_l = f_l(Z_l)

        return forward

    def terms(self, ws: Workspace) -> Array:
        """Each example's term of the loss times its weight, (m,), after :meth:`forward`; in the workspace's memory."""
        return self.weighted_terms(ws.Z[-1], ws.A[-1], ws.Y, ws.weights, ws.output)

    def weighted_terms(self, Z: Array, A: Array, Y: Array, weights: Array | None, scratch: OutputScratch) -> Array:
        """The same of any outputs, Z_L and A_L (n_L, m); in the scratch's memory."""
        terms = scratch.terms
        self.head.terms(Z, A, Y, terms, scratch)
        if weights is not None:
            np.multiply(terms, weights, terms)
        return terms

    def scale(self, weight: Any) -> Any:
        """What turns the sum of a batch's terms into its loss; ``weight`` is its m, or Σ of its examples' weights."""
        return scale(self.head.loss, self.sizes[-1], weight)

    def backward(
        self,
        parameters: Parameters,
        gradient: Parameters,
        ws: Workspace,
        scale: Any,
        done: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Fill dW_l, db_l and d_own_l, l = L … 1, of ``scale`` · Σ of the terms, after :meth:`forward`.

        ``done(l)`` is called once those of layer l are filled.
        """
        L = len(self.layers)
        self.backward_of_head(parameters, gradient, ws)(scale)
        self.gradient_of(L, gradient, ws)()
        done(L)
        for l in range(L - 1, 0, -1):
            self.backward_of(l, parameters, gradient, ws)()
            self.gradient_of(l, gradient, ws)()
            done(l)

    def backward_of_head(self, parameters: Parameters, gradient: Parameters, ws: Workspace) -> Callable[[Any], None]:
        """What fills dZ_L and d_own_L from Z_L, A_L and Y, given ``scale``."""
        head, Z, A, dA, dZ = self.head, ws.Z[-1], ws.A[-1], ws.dA[-1], ws.dZ[-1]
        own, d_own = parameters.own[-1], gradient.own[-1]
        return lambda scale: backward(head, Z, A, own, ws.Y, ws.weights, scale, dA, dZ, d_own, ws.output)

    def backward_of(
        self, l: int, parameters: Parameters, gradient: Parameters, ws: Workspace, units: slice | None = None
    ) -> Step:
        """What fills dZ_l and d_own_l from dZ_l+1, of all units or of some, as :meth:`forward_of`."""
        layer, of_above, above = self.layers[l - 1], product(parameters.W[l + 1].T, units), ws.dZ[l + 1]
        dA, Z, A, dZ = (rows(array, units) for array in (ws.dA[l], ws.Z[l], ws.A[l], ws.dZ[l]))
        own, d_own, noise, scratch = parameters.own[l], gradient.own[l], ws.noise_of(l, units), ws.scratch[l].of(units)

        def backward() -> None:
            of_above(above, dA)  # dA_l = W_l+1ᵀ dZ_l+1
            layer.backward(
                dA, Z, A, own, noise, dZ, d_own, scratch
            )  # dZ_l = f_l'(Z_l) ⊙ dA_l, where f_l is elementwise

        return backward

    def gradient_of(self, l: int, gradient: Parameters, ws: Workspace, units: slice | None = None) -> Step:
        """What fills dW_l and db_l from dZ_l, of all units or of some."""
        dZ, dW, db = rows(ws.dZ[l], units), rows(gradient.W[l], units), rows(gradient.b[l], units)
        below, ones = ws.A[l - 1].T, ws.ones

        def sums() -> None:
            dZ.dot(below, dW)  # dW_l = dZ_l A_l-1ᵀ
            dZ.dot(ones, db)  # db_l = dZ_l 1

        return sums


def dense(sizes: tuple[int, ...], hidden: tuple[Activation, ...], head: Head) -> Network:
    """The network of dense layers with n_0 … n_L units and f_1 … f_L-1 below the head."""
    pairs = zip(sizes[1:], (*hidden, head.activation), strict=True)
    return Network(sizes[0], tuple(Dense(n, activation) for n, activation in pairs), head)


def initial(network: Network, dtype: np.dtype[Any], rng: np.random.Generator) -> Parameters:
    """Fresh parameters: each layer's initializer draws its W, the first layer's first; b = 0; first values if owned."""
    parameters = network.parameters(np.zeros(network.layout.count, dtype))
    for W, own, layer in zip(parameters.W[1:], parameters.own[1:], network.layers, strict=True):
        layer.initializer.draw(W, rng)
        own[:] = first_values(layer.activation, dtype)
    return parameters
