"""What is right: one batch after a correct forward and backward pass, and its pieces, to be put together wrongly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bpcli.nn import Array
from bpcli.nn.heads import Head, backward
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace


@dataclass(frozen=True)
class CorrectPass:
    """One batch after a correct forward and backward pass in float64, and the ``gradient`` of its loss."""

    network: Network
    parameters: Parameters
    ws: Workspace
    gradient: Parameters

    @property
    def layers(self) -> int:
        """L, the number of layers."""
        return len(self.network.layers)

    @property
    def scale(self) -> float:
        """What turns the sum of terms into the loss."""
        return float(self.network.scale(self.ws.m))

    @property
    def dense_targets(self) -> Array:
        """The targets as (n_L, m): class indices as one-hot columns."""
        Y = self.ws.Y
        return np.eye(self.network.sizes[-1])[:, Y] if Y.ndim == 1 else Y

    def dA(self, layer: int) -> Array:
        """∂L/∂A of a layer, (n_l, m)."""
        ws = self.ws
        if layer < self.layers:
            return np.asarray(self.parameters.W[layer + 1].T @ ws.dZ[layer + 1])
        dA = np.empty_like(ws.A[layer])
        self.network.head.loss.backward(ws.A[layer], ws.Y, self.scale, dA, ws.output)
        return dA

    def through(self, layer: int, dA: Array, Z: Array | None = None, A: Array | None = None) -> Array:
        """Jᵀ dA of the layer's activation, (n_l, m), at its own Z and A or at others."""
        ws, dZ = self.ws, np.empty_like(self.ws.dZ[layer])
        Z, A = ws.Z[layer] if Z is None else Z, ws.A[layer] if A is None else A
        own = self.parameters.own[layer]
        given = np.array(dA), Z, A, own
        self.network.activations[layer - 1].backward(*given, dZ, np.empty_like(own), ws.scratch[layer])
        return dZ

    def activated(self, layer: int, Z: Array) -> Array:
        """f_l(Z), (n_l, m)."""
        A = np.empty_like(Z)
        self.network.activations[layer - 1].forward(Z, self.parameters.own[layer], A, self.ws.scratch[layer])
        return A

    def output_error(self, Y: Array) -> Array:
        """dZ of the output layer for other targets, in the form that the loss takes."""
        return self.error_of(self.network.head, Y.astype(self.ws.Y.dtype))

    def error_of(self, head: Head, Y: Array) -> Array:
        """The same for a head of the same activation with any loss."""
        ws, dZ, own = self.ws, np.empty_like(self.ws.dZ[-1]), self.parameters.own[-1]
        given = ws.Z[-1], ws.A[-1], own, Y, None, self.scale
        backward(head, *given, np.empty_like(dZ), dZ, np.empty_like(own), ws.output)
        return dZ


def correct_pass(network: Network, parameters: Parameters, ws: Workspace) -> CorrectPass:
    """Run the batch in ``ws``, X (n_0, m) and Y, forward and backward."""
    gradient = network.parameters(np.empty_like(parameters.theta))
    network.forward(parameters, ws)
    network.backward(parameters, gradient, ws, network.scale(ws.m))
    return CorrectPass(network, parameters, ws, gradient)
