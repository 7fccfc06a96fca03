"""Focal losses: of probabilities, with a weight that falls the surer a right output is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Lt

from bpcli.nn import Array
from bpcli.nn.entrywise import at_least
from bpcli.nn.losses.forms import TINY, Reduction, TargetForm, pick
from bpcli.nn.workspace import OutputScratch


@dataclass(frozen=True)
class Focal:
    """−α y (1 − a)^γ log a − (1 − α) (1 − y) a^γ log(1 − a): what is decided well counts little (Lin et al. 2017, (5)).

    For each output apart, as binary_cross_entropy: one output for two classes, one per class or label for more. α
    weighs the positive class, 1 − α the other; α = ½ is the paper's loss without weights, (4), halved. As torchvision's
    sigmoid_focal_loss, and Keras' BinaryFocalCrossentropy with class balancing. Of a softmax: categorical_focal.
    """

    outputs: Reduction = "sum"
    examples: Reduction = "mean"
    gamma: Annotated[float, Ge(0)] = 2.0
    alpha: Annotated[float, Gt(0), Lt(1)] = 0.25

    targets: ClassVar[TargetForm] = TargetForm("classification", low=0.0, high=1.0)
    domain: ClassVar[tuple[float, float]] = (0.0, 1.0)
    domain_open: ClassVar[bool] = True
    joint_outputs: ClassVar[bool] = False
    usual_output: ClassVar[str] = "sigmoid"
    sides: ClassVar[None] = None

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """The two parts, summed over the outputs."""
        yes, no, spare, tiny = scratch.layer.matrix, scratch.second, scratch.third, TINY[A.dtype]
        np.subtract(1, A, no)
        np.maximum(no, tiny, out=no)
        at_least(A, tiny, yes)
        np.log(yes, yes)
        np.power(no, self.gamma, spare)  # (1 − a)^γ
        np.multiply(yes, spare, yes)
        np.multiply(yes, Y, yes)
        np.multiply(yes, self.alpha, yes)
        np.log(no, no)
        at_least(A, tiny, spare)
        np.power(spare, self.gamma, spare)  # a^γ
        np.multiply(no, spare, no)
        np.subtract(1, Y, spare)
        np.multiply(no, spare, no)
        np.multiply(no, 1 - self.alpha, no)
        np.add(yes, no, yes)
        np.add.reduce(yes, axis=0, out=out)
        np.negative(out, out)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """α y q^γ (γ log a / q − 1/a) + (1 − α) (1 − y) a^γ (1/q − γ log q / a), q = 1 − a."""
        first, q, a, tiny = scratch.layer.matrix, scratch.second, scratch.third, TINY[A.dtype]
        np.subtract(1, A, q)
        np.maximum(q, tiny, out=q)
        at_least(A, tiny, a)
        np.log(a, first)
        np.multiply(first, self.gamma, first)
        np.divide(first, q, first)
        np.reciprocal(a, out)
        np.subtract(first, out, first)
        np.power(q, self.gamma, out)
        np.multiply(first, out, first)
        np.multiply(first, Y, first)
        np.multiply(first, self.alpha, first)
        np.log(q, out)
        np.multiply(out, self.gamma, out)
        np.divide(out, a, out)
        np.reciprocal(q, q)
        np.subtract(q, out, out)
        np.power(a, self.gamma, a)
        np.multiply(out, a, out)
        np.subtract(1, Y, a)
        np.multiply(out, a, out)
        np.multiply(out, 1 - self.alpha, out)
        np.add(first, out, out)
        np.multiply(out, scale, out)

    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = False
    term: ClassVar[str] = (
        r"\left[ -<alpha> \cdot <y> (1 - <a>)^{<gamma>} \log <a>"
        r" - (1 - <alpha>) (1 - <y>) (<a>)^{<gamma>} \log (1 - <a>) \right]"
    )
    term_derivative: ClassVar[str] = (
        r"<alpha> \cdot <y> (1 - <a>)^{<gamma>} (\frac{<gamma> \cdot \log <a>}{1 - <a>} - \frac{1}{<a>})"
        r" + (1 - <alpha>) (1 - <y>) (<a>)^{<gamma>} (\frac{1}{1 - <a>} - \frac{<gamma> \cdot \log (1 - <a>)}{<a>})"
    )


@dataclass(frozen=True)
class CategoricalFocal:
    """−(1 − a_y)^γ log a_y, y the true class's index: the focal loss of a softmax.

    Lin et al. (2017) have it for two classes and sigmoids, see focal; this is the form that frameworks give to a
    softmax, as Keras' CategoricalFocalCrossentropy with alpha 1. γ = 0 is cross_entropy.
    """

    outputs: Reduction = "sum"
    examples: Reduction = "mean"
    gamma: Annotated[float, Ge(0)] = 2.0

    targets: ClassVar[TargetForm] = TargetForm("classification", class_indices=True)
    domain: ClassVar[tuple[float, float]] = (0.0, 1.0)
    domain_open: ClassVar[bool] = True
    joint_outputs: ClassVar[bool] = True
    usual_output: ClassVar[str] = "softmax"
    sides: ClassVar[None] = None

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """−(1 − a_y)^γ log a_y for each example."""
        picked, tiny = scratch.picked, TINY[A.dtype]
        pick(A, Y, out, scratch)
        np.maximum(out, tiny, out=out)
        np.subtract(1, out, picked)
        np.maximum(picked, tiny, out=picked)
        np.power(picked, self.gamma, picked)
        np.log(out, out)
        np.multiply(out, picked, out)
        np.negative(out, out)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """q^γ (γ log a / q − 1/a), q = 1 − a, for the true class's output a, and 0 for every other."""
        a, q, slope, tiny = scratch.picked, scratch.layer.row, scratch.terms, TINY[A.dtype]
        pick(A, Y, a, scratch)
        np.maximum(a, tiny, out=a)
        np.subtract(1, a, q)
        np.maximum(q, tiny, out=q)
        np.log(a, slope)
        np.multiply(slope, self.gamma, slope)
        np.divide(slope, q, slope)
        np.reciprocal(a, a)
        np.subtract(slope, a, slope)
        np.power(q, self.gamma, q)
        np.multiply(slope, q, slope)
        np.multiply(slope, scale, slope)
        out.fill(0)
        out.reshape(-1)[scratch.index] = slope

    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = False
    term: ClassVar[str] = r"\left[ -<y> (1 - <a>)^{<gamma>} \log <a> \right]"
    term_derivative: ClassVar[str] = r"<y> (1 - <a>)^{<gamma>} (\frac{<gamma> \cdot \log <a>}{1 - <a>} - \frac{1}{<a>})"
