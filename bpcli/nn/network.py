"""The network: forward and backward, the equations and nothing else.

Biswas 5.2 in the notation of this package; the other four documents are the
same lines with other names, orientations and signs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.activations import Activation
from bpcli.nn.heads import Head
from bpcli.nn.layers import Dense, Layer
from bpcli.nn.losses import scale
from bpcli.nn.parameters import Parameters, count
from bpcli.nn.workspace import Workspace, targets


@dataclass(frozen=True)
class Network:
    """``inputs`` features n_0, the layers 1 … L, and the head: the last layer's activation with the loss."""

    inputs: int
    layers: tuple[Layer, ...]
    head: Head

    def __post_init__(self) -> None:
        assert type(self.layers[-1].activation) is type(self.head.activation), "the head is the output layer's"

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """n_0 … n_L."""
        return (self.inputs, *(layer.units for layer in self.layers))

    @cached_property
    def activations(self) -> tuple[Activation, ...]:
        """f_1 … f_L."""
        return tuple(layer.activation for layer in self.layers)

    def workspace(self, m: int, dtype: Any, *, training: bool = True) -> Workspace:
        """The arrays for batches of ``m`` examples."""
        class_indices = self.head.loss.targets.class_indices
        return Workspace(self.sizes, m, dtype, class_indices=class_indices, training=training)

    def targets(self, m: int, dtype: Any) -> Array:
        """Room for the Y of ``m`` examples."""
        return targets(self.sizes[-1], m, dtype, class_indices=self.head.loss.targets.class_indices)

    def forward(self, parameters: Parameters, ws: Workspace) -> None:
        """Fill Z_l and A_l, l = 1 … L, from X."""
        W, b, Z, A = parameters.W, parameters.b, ws.Z, ws.A
        for l, activation in enumerate(self.activations, start=1):
            W[l].dot(A[l - 1], Z[l])  # Z_l = W_l A_l-1
            A[l][...] = b[l]
            np.add(Z[l], A[l], Z[l])  # … + b_l 1ᵀ
            activation.forward(Z[l], A[l], ws.scratch[l])  # A_l = f_l(Z_l)

    def total(self, ws: Workspace) -> Any:
        """The loss before its reductions, after :meth:`forward`."""
        return self.head.total(ws.Z[-1], ws.A[-1], ws.Y, ws.output)

    def scale(self, m: int) -> float:
        """What turns the total over m examples into the loss."""
        return scale(self.head.loss, self.sizes[-1], m)

    def backward(self, parameters: Parameters, gradient: Parameters, ws: Workspace, factor: float = 1.0) -> None:
        """Fill dW_l and db_l, l = L … 1, each times ``factor``, after :meth:`forward`."""
        W, dW, db = parameters.W, gradient.W, gradient.b
        Z, A, dZ, dA = ws.Z, ws.A, ws.dZ, ws.dA
        last = len(self.sizes) - 1
        scale = factor * self.scale(ws.batch)
        self.head.backward(Z[last], A[last], ws.Y, scale, dA[last], dZ[last], ws.output)
        for l in range(last, 0, -1):
            dZ[l].dot(A[l - 1].T, dW[l])  # dW_l = dZ_l A_l-1ᵀ
            dZ[l].dot(ws.ones, db[l])  # db_l = dZ_l 1
            if l > 1:
                W[l].T.dot(dZ[l], dA[l - 1])  # dA_l-1 = W_lᵀ dZ_l
                self.activations[l - 2].backward(dA[l - 1], Z[l - 1], A[l - 1], dZ[l - 1], ws.scratch[l - 1])


def dense(sizes: tuple[int, ...], hidden: tuple[Activation, ...], head: Head) -> Network:
    """The network of dense layers with n_0 … n_L units and f_1 … f_L-1 below the head."""
    pairs = zip(sizes[1:], (*hidden, head.activation), strict=True)
    return Network(sizes[0], tuple(Dense(n, activation) for n, activation in pairs), head)


def initial(network: Network, dtype: np.dtype[Any], rng: np.random.Generator) -> Parameters:
    """Fresh parameters: each layer's initializer draws its W, the first layer's first; b = 0."""
    parameters = Parameters(network.sizes, np.zeros(count(network.sizes), dtype))
    for W, layer in zip(parameters.W[1:], network.layers, strict=True):
        layer.initializer.draw(W, rng)
    return parameters
