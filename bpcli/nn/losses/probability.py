"""Losses of probabilities: minus the logarithm of what the outputs say of the targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.losses.forms import TINY, Reduction, TargetForm, pick
from bpcli.nn.workspace import OutputScratch


@dataclass(frozen=True)
class CrossEntropy:
    """−log a_y, y the true class's index: the (sparse categorical) cross-entropy.

    Biswas §3: L = (1/m) Σ −log ŷ_ℓ. Usual with softmax; with any other output in
    [0, 1] it looks at the true class's output alone.
    """

    outputs: Reduction = "sum"
    examples: Reduction = "mean"

    targets: ClassVar[TargetForm] = TargetForm("classification", class_indices=True)
    domain: ClassVar[tuple[float, float]] = (0.0, 1.0)
    usual_output: ClassVar[str] = "softmax"
    sides: ClassVar[None] = None

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """−log a_{y_j j} for each example j."""
        pick(A, Y, out, scratch)
        np.maximum(out, TINY[A.dtype], out=out)
        np.log(out, out)
        np.negative(out, out)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """∂/∂a_y (−log a_y) = −1/a_y, and 0 for every other output."""
        pick(A, Y, scratch.picked, scratch)
        np.maximum(scratch.picked, TINY[A.dtype], out=scratch.picked)
        np.divide(-scale, scratch.picked, scratch.picked)
        out.fill(0)
        out.reshape(-1)[scratch.index] = scratch.picked

    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = True
    term: ClassVar[str] = r"<y> \log <a>"
    term_derivative: ClassVar[str] = r"\frac{<y>}{<a>}"


@dataclass(frozen=True)
class BinaryCrossEntropy:
    """−[y log a + (1 − y) log(1 − a)], for each output apart: one, K classes or K labels.

    The first document for one output, Brawer (18) summed over K of them. Targets
    lie in [0, 1]; between the two they are soft.
    """

    outputs: Reduction = "sum"
    examples: Reduction = "mean"

    targets: ClassVar[TargetForm] = TargetForm("classification", low=0.0, high=1.0)
    domain: ClassVar[tuple[float, float]] = (0.0, 1.0)
    usual_output: ClassVar[str] = "sigmoid"
    sides: ClassVar[None] = None

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """−[y log a + (1 − y) log(1 − a)], summed over the outputs."""
        first, second, tiny = scratch.layer.matrix, scratch.second, TINY[A.dtype]
        np.subtract(1, A, second)
        np.maximum(second, tiny, out=second)
        np.log(second, second)
        np.subtract(1, Y, first)
        np.multiply(second, first, second)
        np.maximum(A, tiny, out=first)
        np.log(first, first)
        np.multiply(first, Y, first)
        np.add(first, second, first)
        np.add.reduce(first, axis=0, out=out)
        np.negative(out, out)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """−y/a + (1 − y)/(1 − a)."""
        first, second, tiny = scratch.layer.matrix, scratch.second, TINY[A.dtype]
        np.subtract(1, A, first)
        np.maximum(first, tiny, out=first)
        np.subtract(1, Y, second)
        np.divide(second, first, second)
        np.maximum(A, tiny, out=first)
        np.divide(Y, first, first)
        np.subtract(second, first, out)
        np.multiply(out, scale, out)

    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = True
    term: ClassVar[str] = r"\left[ <y> \log <a> + (1 - <y>) \log (1 - <a>) \right]"
    term_derivative: ClassVar[str] = r"\frac{<y>}{<a>} - \frac{1 - <y>}{1 - <a>}"
