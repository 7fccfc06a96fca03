"""Heads: the output activation and the loss, joined into one function of Z_L.

In general dZ_L comes from two steps: the loss gives dA, the activation's
vector–Jacobian product turns it into dZ. Three canonical pairs shorten both to

    dZ = (A − Y) · scale

and compute the loss from Z, where no exponential overflows and no logarithm
meets a rounded 0. :func:`join` picks the pair where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
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

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """Write each example's term of the loss into ``out``, (m,), A being f_L(Z)."""
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

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """The loss's own, of A."""
        self.loss.terms(A, Y, out, scratch)

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

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """max z − z_y + log(1 + Σ e^(z − max z)), the sum over all but the largest z.

        Leaving the largest out, whose exponential is 1, keeps every digit of a small loss.
        """
        matrix, row, picked = scratch.layer.matrix, scratch.layer.row, scratch.picked
        np.copyto(scratch.turned, Z.T)
        scratch.turned.argmax(axis=1, out=scratch.wanted)
        pick(Z, Y, picked, scratch)
        pick(Z, scratch.wanted, row, scratch)
        np.copyto(matrix, row)
        np.subtract(Z, matrix, matrix)
        np.exp(matrix, matrix)
        matrix.reshape(-1)[scratch.index] = 0
        np.subtract(row, picked, row)
        np.add.reduce(matrix, axis=0, out=picked)
        np.log1p(picked, picked)
        np.add(row, picked, out)

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

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """max(z, 0) − y z + log(1 + e^-|z|), summed over the outputs; |z| written max(z, −z)."""
        first, second = scratch.layer.matrix, scratch.second
        np.maximum(Z, 0, out=first)
        np.multiply(Z, Y, second)
        np.subtract(first, second, first)
        np.negative(Z, second)
        np.maximum(Z, second, out=second)
        np.negative(second, second)
        np.exp(second, second)
        np.log1p(second, second)
        np.add(first, second, first)
        np.add.reduce(first, axis=0, out=out)

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

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """½(z − y)², summed over the outputs."""
        self.loss.terms(Z, Y, out, scratch)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """(A − Y) · scale."""
        self.loss.backward(Z, Y, scale, out, scratch)


CANONICAL: dict[tuple[Activation, Loss], Callable[[Any, Any], Head]] = {
    (Softmax(), CrossEntropy()): SoftmaxCrossEntropy,
    (Sigmoid(), BinaryCrossEntropy()): SigmoidBinaryCrossEntropy,
    (Identity(), HalfSquaredError()): IdentityHalfSquaredError,
}
"""The pairs, with the settings for which their formulas hold; the reductions may be any."""


def join(activation: Activation, loss: Loss) -> Head:
    """The canonical head of the pair where there is one, else the general one.

    A setting changes the pair's formulas, so a pair with another one than listed is composed.
    """
    for (own_activation, own_loss), head in CANONICAL.items():
        if activation == own_activation and _settings(loss) == _settings(own_loss):
            return head(activation, loss)
    return Composed(activation, loss)


def _settings(loss: Loss) -> tuple[type[Loss], dict[str, Any]]:
    """The kind of a loss and its settings, but for its reductions."""
    return type(loss), {name: value for name, value in vars(loss).items() if name not in ("outputs", "examples")}
