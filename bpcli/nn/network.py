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
from bpcli.nn.losses import scale
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace, targets


@dataclass(frozen=True)
class Network:
    """Layer sizes n_0 … n_L, the activations of layers 1 … L − 1, and the head on top."""

    sizes: tuple[int, ...]
    hidden: tuple[Activation, ...]
    head: Head

    @cached_property
    def activations(self) -> tuple[Activation, ...]:
        """f_1 … f_L."""
        return (*self.hidden, self.head.activation)

    def workspace(self, m: int, dtype: Any, *, training: bool = True) -> Workspace:
        """The arrays for batches of ``m`` examples."""
        class_indices = self.head.loss.class_indices
        return Workspace(self.sizes, m, dtype, class_indices=class_indices, training=training)

    def targets(self, m: int, dtype: Any) -> Array:
        """Room for the Y of ``m`` examples."""
        return targets(self.sizes[-1], m, dtype, class_indices=self.head.loss.class_indices)

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
                self.hidden[l - 2].backward(dA[l - 1], Z[l - 1], A[l - 1], dZ[l - 1], ws.scratch[l - 1])
