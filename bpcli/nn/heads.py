"""Heads: the output activation and the loss, joined into one function of Z_L.

In general dZ_L comes from two steps: the loss gives dA, the activation's
vector–Jacobian product turns it into dZ. Three canonical pairs shorten both to

    dZ = (A − Y) · scale

and compute the loss from Z, where no exponential overflows and no logarithm
meets a rounded 0. :func:`join` picks the pair where there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from bpcli.nn import Array
from bpcli.nn.activations import Activation, Identity, Sigmoid, Softmax
from bpcli.nn.losses import BinaryCrossEntropy, CrossEntropy, HalfSquaredError, Loss, pick
from bpcli.nn.workspace import OutputScratch


class Head(Protocol):
    """An output activation and a loss; arrays as in the two rooms they come from."""

    @property
    def activation(self) -> Activation:
        """f_L."""
        ...

    @property
    def loss(self) -> Loss:
        """What is minimised."""
        ...

    def total(self, Z: Array, A: Array, Y: Array, scratch: OutputScratch) -> Any:
        """The loss before any division, A being f_L(Z)."""
        ...

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """Write dZ into ``out``; ``dA`` may be used on the way."""
        ...


@dataclass(frozen=True)
class Composed:
    """Any activation under any loss, through the vector–Jacobian product."""

    activation: Activation
    loss: Loss

    def total(self, Z: Array, A: Array, Y: Array, scratch: OutputScratch) -> Any:
        """The loss of A."""
        return self.loss.total(A, Y, scratch)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """dA from the loss, then dZ = Jᵀ dA."""
        self.loss.backward(A, Y, scale, dA, scratch)
        self.activation.backward(dA, Z, A, out, scratch.layer)


@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """−log softmax(z)_y = log Σ e^z − z_y."""

    activation: Softmax
    loss: CrossEntropy

    def total(self, Z: Array, A: Array, Y: Array, scratch: OutputScratch) -> Any:
        """Σ_j (max z − z_y − log max a), since a = e^z / Σ e^z makes log Σ e^z = max z − log max a."""
        row, picked = scratch.layer.row, scratch.picked
        pick(Z, Y, picked, scratch)
        np.maximum.reduce(Z, axis=0, out=row)
        np.subtract(row, picked, picked)
        np.maximum.reduce(A, axis=0, out=row)
        np.log(row, row)
        np.subtract(picked, row, picked)
        return np.add.reduce(picked)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """(A − E) · scale, E the one-hot columns of Y: only a_y − 1 differs from A."""
        np.copyto(out, A)
        pick(A, Y, scratch.picked, scratch)
        np.subtract(scratch.picked, 1, scratch.picked)
        out.reshape(-1)[scratch.index] = scratch.picked
        np.multiply(out, scale, out)


@dataclass(frozen=True)
class SigmoidBinaryCrossEntropy:
    """−[y log σ(z) + (1 − y) log(1 − σ(z))] = log(1 + e^z) − y z."""

    activation: Sigmoid
    loss: BinaryCrossEntropy

    def total(self, Z: Array, A: Array, Y: Array, scratch: OutputScratch) -> Any:
        """Σ (max(z, 0) − y z + log(1 + e^-|z|)), |z| written max(z, −z)."""
        first, second = scratch.layer.matrix, scratch.second
        np.negative(Z, first)
        np.maximum(Z, first, out=first)
        np.negative(first, first)
        np.exp(first, first)
        np.log1p(first, first)
        np.maximum(Z, 0, out=second)
        np.add(first, second, first)
        np.multiply(Z, Y, second)
        np.subtract(first, second, first)
        return np.add.reduce(first, axis=None)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """(A − Y) · scale, for σ′ = a(1 − a) cancels the loss's denominator."""
        np.subtract(A, Y, out)
        np.multiply(out, scale, out)


@dataclass(frozen=True)
class IdentityHalfSquaredError:
    """½(z − y)²."""

    activation: Identity
    loss: HalfSquaredError

    def total(self, Z: Array, A: Array, Y: Array, scratch: OutputScratch) -> Any:
        """½ Σ (z − y)²."""
        return self.loss.total(Z, Y, scratch)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """(A − Y) · scale."""
        self.loss.backward(Z, Y, scale, out, scratch)


CANONICAL: dict[tuple[type, type], Any] = {
    (Softmax, CrossEntropy): SoftmaxCrossEntropy,
    (Sigmoid, BinaryCrossEntropy): SigmoidBinaryCrossEntropy,
    (Identity, HalfSquaredError): IdentityHalfSquaredError,
}


def join(activation: Activation, loss: Loss) -> Head:
    """The canonical head of the pair where there is one, else the general one."""
    head: Head = CANONICAL.get((type(activation), type(loss)), Composed)(activation, loss)
    return head
