"""Losses of probabilities: minus the logarithm of what the outputs say of the targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Lt

from bpcli.nn import Array
from bpcli.nn.entrywise import at_least
from bpcli.nn.losses.forms import TINY, Reduction, TargetForm, pick
from bpcli.nn.workspace import OutputScratch

Smoothing = Annotated[float, Ge(0), Lt(1)] | None
"""ε, the share of a target that is spread evenly over all classes; None for targets as they are."""


def soft_cross_entropy(A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
    """−Σ y log a over the outputs, Y (n, m)."""
    matrix = scratch.layer.matrix
    at_least(A, TINY[A.dtype], matrix)
    np.log(matrix, matrix)
    np.multiply(matrix, Y, matrix)
    np.add.reduce(matrix, axis=0, out=out)
    np.negative(out, out)


def soft_cross_entropy_backward(A: Array, Y: Array, scale: float, out: Array) -> None:
    """−y/a, Y (n, m)."""
    at_least(A, TINY[A.dtype], out)
    np.divide(Y, out, out)
    np.multiply(out, -scale, out)


@dataclass(frozen=True)
class CrossEntropy:
    """−log a_y, y the true class's index: the (sparse categorical) cross-entropy.

    Biswas §3: L = (1/m) Σ −log ŷ_ℓ. Usual with softmax; with any other output in
    [0, 1] it looks at the true class's output alone. With ``label_smoothing`` ε it is
    −Σ y′ log a with y′ = (1 − ε) y + ε/n_L, y one-hot: PyTorch's and Keras' form (Szegedy et al. 2016, §7).
    """

    outputs: Reduction = "sum"
    examples: Reduction = "mean"
    label_smoothing: Smoothing = None

    targets: ClassVar[TargetForm] = TargetForm("classification", class_indices=True)
    domain: ClassVar[tuple[float, float]] = (0.0, 1.0)
    usual_output: ClassVar[str] = "softmax"
    sides: ClassVar[None] = None

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """−log a_{y_j j} for each example j."""
        if self.label_smoothing is not None:
            soft_cross_entropy(A, self.smoothed(Y, scratch), out, scratch)
            return
        pick(A, Y, out, scratch)
        np.maximum(out, TINY[A.dtype], out=out)
        np.log(out, out)
        np.negative(out, out)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """∂/∂a_y (−log a_y) = −1/a_y, and 0 for every other output."""
        if self.label_smoothing is not None:
            soft_cross_entropy_backward(A, self.smoothed(Y, scratch), scale, out)
            return
        pick(A, Y, scratch.picked, scratch)
        np.maximum(scratch.picked, TINY[A.dtype], out=scratch.picked)
        np.divide(-scale, scratch.picked, scratch.picked)
        out.fill(0)
        out.reshape(-1)[scratch.index] = scratch.picked

    def smoothed(self, Y: Array, scratch: OutputScratch) -> Array:
        """Y′, (n, m), in the memory of ``scratch.third``; leaves the true classes' places in ``scratch.index``."""
        out, smoothing = scratch.third, self.label_smoothing
        assert smoothing is not None, "without smoothing Y stays as it is"
        np.multiply(Y, out.shape[1], scratch.index)
        np.add(scratch.index, scratch.columns, scratch.index)
        share = smoothing / out.shape[0]
        out.fill(share)
        out.reshape(-1)[scratch.index] = 1 - smoothing + share
        return out

    def of_outputs(self, n: int) -> dict[str, Any]:
        """n_L, over which smoothing spreads."""
        return {"n": n}

    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = True

    @property
    def target(self) -> str:
        """y in markup, or what smoothing makes of it."""
        return "<y>" if self.label_smoothing is None else SMOOTHED_ONE_HOT

    @property
    def term(self) -> str:
        """y log a."""
        return rf"{self.target} \log <a>"

    @property
    def term_derivative(self) -> str:
        """y/a."""
        return rf"\frac{{{self.target}}}{{<a>}}"


SMOOTHED_ONE_HOT = r"\left[ (1 - <label_smoothing>) <y> + \frac{<label_smoothing>}{<n>} \right]"
SMOOTHED = r"\left[ (1 - <label_smoothing>) <y> + \frac{<label_smoothing>}{2} \right]"
"""Smoothed targets in markup."""


@dataclass(frozen=True)
class BinaryCrossEntropy:
    """−[y log a + (1 − y) log(1 − a)], for each output apart: one, K classes or K labels.

    The first document for one output, Brawer (18) summed over K of them. Targets
    lie in [0, 1]; between the two they are soft. ``label_smoothing`` ε puts
    y′ = (1 − ε) y + ε/2 for y, as Keras does.
    """

    outputs: Reduction = "sum"
    examples: Reduction = "mean"
    label_smoothing: Smoothing = None

    targets: ClassVar[TargetForm] = TargetForm("classification", low=0.0, high=1.0)
    domain: ClassVar[tuple[float, float]] = (0.0, 1.0)
    usual_output: ClassVar[str] = "sigmoid"
    sides: ClassVar[None] = None

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """−[y log a + (1 − y) log(1 − a)], summed over the outputs."""
        Y, first, second, tiny = self.smoothed(Y, scratch), scratch.layer.matrix, scratch.second, TINY[A.dtype]
        np.subtract(1, A, second)
        np.maximum(second, tiny, out=second)
        np.log(second, second)
        np.subtract(1, Y, first)
        np.multiply(second, first, second)
        at_least(A, tiny, first)
        np.log(first, first)
        np.multiply(first, Y, first)
        np.add(first, second, first)
        np.add.reduce(first, axis=0, out=out)
        np.negative(out, out)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """−y/a + (1 − y)/(1 − a)."""
        Y, first, second, tiny = self.smoothed(Y, scratch), scratch.layer.matrix, scratch.second, TINY[A.dtype]
        np.subtract(1, A, first)
        np.maximum(first, tiny, out=first)
        np.subtract(1, Y, second)
        np.divide(second, first, second)
        at_least(A, tiny, first)
        np.divide(Y, first, first)
        np.subtract(second, first, out)
        np.multiply(out, scale, out)

    def smoothed(self, Y: Array, scratch: OutputScratch) -> Array:
        """Y′, in the memory of ``scratch.third``; Y itself without smoothing."""
        if self.label_smoothing is None:
            return Y
        np.multiply(Y, 1 - self.label_smoothing, scratch.third)
        np.add(scratch.third, self.label_smoothing / 2, scratch.third)
        return scratch.third

    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = True

    @property
    def target(self) -> str:
        """y in markup, or what smoothing makes of it."""
        return "<y>" if self.label_smoothing is None else SMOOTHED

    @property
    def term(self) -> str:
        """y log a + (1 − y) log(1 − a)."""
        y = self.target
        return rf"\left[ {y} \log <a> + (1 - {y}) \log (1 - <a>) \right]"

    @property
    def term_derivative(self) -> str:
        """y/a − (1 − y)/(1 − a)."""
        y = self.target
        return rf"\frac{{{y}}}{{<a>}} - \frac{{1 - {y}}}{{1 - <a>}}"


@dataclass(frozen=True)
class KullbackLeibler:
    """Σ y log(y/a) over the outputs, for targets that are probabilities themselves: one column each, which add up to 1.

    The divergence of the outputs from the targets: the cross-entropy −Σ y log a less the targets' own entropy, which no
    parameter changes, so both have the same gradient. PyTorch's KLDivLoss takes log a, and its default divides by all
    outputs too (``outputs: mean``; its ``batchmean`` is the default here); Keras' KLDivergence is the default here.
    """

    outputs: Reduction = "sum"
    examples: Reduction = "mean"

    targets: ClassVar[TargetForm] = TargetForm("classification", low=0.0, high=1.0, shares=True)
    domain: ClassVar[tuple[float, float]] = (0.0, 1.0)
    domain_open: ClassVar[bool] = True
    joint_outputs: ClassVar[bool] = True
    usual_output: ClassVar[str] = "softmax"
    sides: ClassVar[None] = None

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """Σ y (log y − log a); y log y is 0 where y is."""
        matrix, second, tiny = scratch.layer.matrix, scratch.second, TINY[A.dtype]
        at_least(Y, tiny, second)
        np.log(second, second)
        at_least(A, tiny, matrix)
        np.log(matrix, matrix)
        np.subtract(second, matrix, second)
        np.multiply(second, Y, second)
        np.add.reduce(second, axis=0, out=out)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """−y/a."""
        soft_cross_entropy_backward(A, Y, scale, out)

    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = False
    term: ClassVar[str] = r"\left[ <y> (\log <y> - \log <a>) \text{ where } <y> > 0 \text{, else } 0 \right]"
    term_derivative: ClassVar[str] = r"-\frac{<y>}{<a>}"
