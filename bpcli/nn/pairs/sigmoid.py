"""Pairs of the sigmoid and a loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.activations import Sigmoid
from bpcli.nn.entrywise import at_least
from bpcli.nn.losses import BinaryCrossEntropy, CrossEntropy, Focal, pick
from bpcli.nn.workspace import OutputScratch


@dataclass(frozen=True)
class SigmoidBinaryCrossEntropy:
    """−[y log σ(z) + (1 − y) log(1 − σ(z))] = log(1 + e^z) − y z."""

    activation: Sigmoid
    loss: BinaryCrossEntropy

    free: ClassVar[frozenset[str]] = frozenset({"label_smoothing"})

    @property
    def error(self) -> str:
        """a − y."""
        return f"<a> - {self.loss.target}"

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """max(z, 0) − y z + log(1 + e^-|z|), summed over the outputs; |z| written max(z, −z)."""
        Y, first, second = self.loss.smoothed(Y, scratch), scratch.layer.matrix, scratch.second
        at_least(Z, 0, first)
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
        np.subtract(A, self.loss.smoothed(Y, scratch), out)
        np.multiply(out, scale, out)


@dataclass(frozen=True)
class SigmoidCrossEntropy:
    """−log σ(z_y) = log(1 + e^-z_y): only the true class's unit counts; with smoothed targets each by its y′."""

    activation: Sigmoid
    loss: CrossEntropy

    free: ClassVar[frozenset[str]] = frozenset({"label_smoothing"})

    @property
    def error(self) -> str:
        """y (a − 1)."""
        return f"{self.loss.target} (<a> - 1)"

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """max(−z_y, 0) + log(1 + e^-|z_y|); −|z| written min(z, −z)."""
        if self.loss.label_smoothing is not None:
            surprises_of_sigmoid(Z, scratch.layer.matrix, scratch.second)
            np.multiply(scratch.layer.matrix, self.loss.smoothed(Y, scratch), scratch.layer.matrix)
            np.add.reduce(scratch.layer.matrix, axis=0, out=out)
            return
        picked, row = scratch.picked, scratch.layer.row
        pick(Z, Y, picked, scratch)
        np.negative(picked, row)
        np.minimum(picked, row, out=picked)
        np.maximum(row, 0, out=row)
        np.exp(picked, picked)
        np.log1p(picked, picked)
        np.add(row, picked, out)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """−(1 − a_y) · scale, 1 − σ(z) = 1/(1 + e^z); 0 for every other unit."""
        if self.loss.label_smoothing is not None:
            np.exp(Z, out)
            np.add(out, 1, out)
            np.divide(self.loss.smoothed(Y, scratch), out, out)
            np.multiply(out, -scale, out)
            return
        picked = scratch.picked
        pick(Z, Y, picked, scratch)
        np.exp(picked, picked)
        np.add(picked, 1, picked)
        np.divide(-scale, picked, picked)
        out.fill(0)
        out.reshape(-1)[scratch.index] = picked


@dataclass(frozen=True)
class SigmoidFocal:
    """α y q^γ ζ(−z) + (1 − α) (1 − y) a^γ ζ(z), q = 1 − a; ζ(z) = log(1 + e^z) = −log q, ζ(−z) = −log a."""

    activation: Sigmoid
    loss: Focal

    free: ClassVar[frozenset[str]] = frozenset({"gamma", "alpha"})

    def terms(self, Z: Array, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """Powers of q and a as e^-γζ; summed over the outputs."""
        yes, no, spare, loss = scratch.layer.matrix, scratch.second, scratch.third, self.loss
        surprises_of_sigmoid(Z, yes, spare)
        np.negative(Z, spare)
        surprises_of_sigmoid(spare, no, spare)
        np.multiply(no, -loss.gamma, spare)
        np.exp(spare, spare)
        np.multiply(spare, yes, spare)
        np.multiply(spare, Y, spare)
        np.multiply(spare, loss.alpha, spare)
        np.multiply(yes, -loss.gamma, yes)
        np.exp(yes, yes)
        np.multiply(no, yes, no)
        np.subtract(1, Y, yes)
        np.multiply(no, yes, no)
        np.multiply(no, 1 - loss.alpha, no)
        np.add(spare, no, no)
        np.add.reduce(no, axis=0, out=out)

    def backward(
        self, Z: Array, A: Array, Y: Array, scale: float, dA: Array, out: Array, scratch: OutputScratch
    ) -> None:
        """(1 − α) (1 − y) a^γ (γ q ζ(z) + a) − α y q^γ (γ a ζ(−z) + q); no sum within the brackets cancels."""
        yes, no, spare, loss = scratch.layer.matrix, scratch.second, scratch.third, self.loss
        surprises_of_sigmoid(Z, yes, spare)
        np.negative(Z, dA)
        surprises_of_sigmoid(dA, no, spare)
        np.negative(no, dA)
        np.exp(dA, dA)  # q
        np.multiply(yes, A, spare)
        np.multiply(spare, loss.gamma, spare)
        np.add(spare, dA, spare)
        np.multiply(dA, no, dA)
        np.multiply(dA, loss.gamma, dA)
        np.add(dA, A, dA)
        np.multiply(no, -loss.gamma, no)
        np.exp(no, no)
        np.multiply(no, spare, no)
        np.multiply(no, Y, no)
        np.multiply(no, loss.alpha, no)
        np.multiply(yes, -loss.gamma, yes)
        np.exp(yes, yes)
        np.multiply(yes, dA, yes)
        np.subtract(1, Y, spare)
        np.multiply(yes, spare, yes)
        np.multiply(yes, 1 - loss.alpha, yes)
        np.subtract(yes, no, out)
        np.multiply(out, scale, out)


def surprises_of_sigmoid(Z: Array, out: Array, spare: Array) -> None:
    """−log σ(z) = max(−z, 0) + log(1 + e^-|z|), entry by entry; −|z| written min(z, −z). ``spare`` may be Z."""
    np.negative(Z, out)
    np.minimum(Z, out, out=spare)
    np.exp(spare, spare)
    np.log1p(spare, spare)
    np.maximum(out, 0, out=out)
    np.add(out, spare, out)
