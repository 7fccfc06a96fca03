"""Losses: how far the outputs A are from the targets Y, and dA.

A loss adds up one term for each output and example, then divides by n_L where
``outputs`` is mean and by the batch's own m where ``examples`` is mean. Both
divisions are one number, ``scale``; ``total`` is the undivided sum, and
``backward`` folds ``scale`` into dA, so the two cannot disagree.

A probability that is logged or divided by is max(a, tiny), tiny the smallest
normal number of its precision; the canonical pairs in ``heads`` need no such care.

``A`` and ``out`` are (n, m). ``Y`` is (m,) class indices or (n, m),
as the loss's :class:`TargetForm` says. ``scratch`` is a :class:`~bpcli.nn.workspace.OutputScratch` of that size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from bpcli.nn import Array
from bpcli.nn.workspace import OutputScratch

Reduction = Literal["sum", "mean"]

TINY = {np.dtype(kind): float(np.finfo(kind).tiny) for kind in (np.float32, np.float64, np.complex128)}
TINY |= {np.dtype(kind): TINY[np.dtype(np.float64)] for kind in (np.longdouble, np.clongdouble)}
"""The smallest normal number of each precision; extended precision, which measures float64, shares float64's."""


@dataclass(frozen=True)
class TargetForm:
    """What targets a loss takes.

    ``task`` is what it always learns, None where the targets decide. With
    ``class_indices`` Y holds the index of each example's class; else a number for
    each output, from ``low`` to ``high``, and a class is written as ``on`` in its
    own output and ``off`` in the others.
    """

    task: Literal["classification", "regression"] | None = None
    class_indices: bool = False
    low: float = -np.inf
    high: float = np.inf
    off: float = 0.0
    on: float = 1.0


class Loss(Protocol):
    """A choice of loss; its reductions are settings."""

    @property
    def outputs(self) -> Reduction:
        """Whether terms are summed or averaged over the n_L outputs."""
        ...

    @property
    def examples(self) -> Reduction:
        """Whether terms are averaged or summed over the m examples."""
        ...

    @property
    def targets(self) -> TargetForm:
        """What Y must be."""
        ...

    @property
    def domain(self) -> tuple[float, float]:
        """The closed interval in which every output must lie."""
        ...

    @property
    def usual_output(self) -> str:
        """The name of the output activation that forms the canonical pair."""
        ...

    def total(self, A: Array, Y: Array, scratch: OutputScratch) -> Any:
        """The terms added up, before any division."""
        ...

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """Write dA = scale · ∂total/∂A into ``out``."""
        ...

    @property
    def elementwise(self) -> bool:
        """Whether each output adds a term of its own, from its target alone (one-hot where Y are class indices)."""
        ...

    @property
    def likelihood(self) -> bool:
        """Whether the loss is minus the sum of its terms in markup, which are log-likelihoods then."""
        ...

    @property
    def term(self) -> str:
        """One output's term in markup (:mod:`bpcli.nn.markup`), from ``<y>`` and ``<a>``; a sum stands in brackets."""
        ...

    @property
    def term_derivative(self) -> str:
        """The derivative of ``term`` by a in markup, from ``<y>`` and ``<a>``."""
        ...


def scale(loss: Loss, n: int, m: int) -> float:
    """1/n where outputs are averaged, times 1/m where examples are."""
    return 1.0 / ((n if loss.outputs == "mean" else 1) * (m if loss.examples == "mean" else 1))


def pick(A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
    """out_j = A[y_j, j]: the entry of each column that its class index names, (m,).

    Leaves the entries' places in A's memory in ``scratch.index``.
    """
    np.multiply(Y, A.shape[1], scratch.index)
    np.add(scratch.index, scratch.columns, scratch.index)
    np.take(A, scratch.index, out=out, mode="clip")


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

    def total(self, A: Array, Y: Array, scratch: OutputScratch) -> Any:
        """Σ_j −log a_{y_j j}."""
        pick(A, Y, scratch.picked, scratch)
        np.maximum(scratch.picked, TINY[A.dtype], out=scratch.picked)
        np.log(scratch.picked, scratch.picked)
        return -np.add.reduce(scratch.picked)

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

    def total(self, A: Array, Y: Array, scratch: OutputScratch) -> Any:
        """−Σ [y log a + (1 − y) log(1 − a)]."""
        first, second, tiny = scratch.layer.matrix, scratch.second, TINY[A.dtype]
        np.maximum(A, tiny, out=first)
        np.log(first, first)
        np.multiply(first, Y, first)
        ones = np.add.reduce(first, axis=None)
        np.subtract(1, A, first)
        np.maximum(first, tiny, out=first)
        np.log(first, first)
        np.subtract(1, Y, second)
        np.multiply(first, second, first)
        return -(ones + np.add.reduce(first, axis=None))

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


@dataclass(frozen=True)
class HalfSquaredError:
    """½(a − y)², by default averaged over the outputs: C = (1/n_L) Σ ½(a − y)².

    Summed over outputs and averaged over examples it is Nielsen's quadratic cost.
    """

    outputs: Reduction = "mean"
    examples: Reduction = "mean"

    targets: ClassVar[TargetForm] = TargetForm()
    domain: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    usual_output: ClassVar[str] = "identity"

    def total(self, A: Array, Y: Array, scratch: OutputScratch) -> Any:
        """½ Σ (a − y)²."""
        np.subtract(A, Y, scratch.layer.matrix)
        difference = scratch.layer.matrix.reshape(-1)
        return 0.5 * np.dot(difference, difference)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """∂/∂a ½(a − y)² = a − y."""
        np.subtract(A, Y, out)
        np.multiply(out, scale, out)

    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = False
    term: ClassVar[str] = r"\frac{1}{2} (<a> - <y>)^2"
    term_derivative: ClassVar[str] = "<a> - <y>"


LOSSES: dict[str, type[Loss]] = {
    "cross_entropy": CrossEntropy,
    "binary_cross_entropy": BinaryCrossEntropy,
    "half_squared_error": HalfSquaredError,
}
