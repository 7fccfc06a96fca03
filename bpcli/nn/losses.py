"""Losses: how far the outputs A are from the targets Y, and dA.

``terms`` gives each example its term, summed over the outputs and undivided. The
loss is their sum, each times its example's weight, divided by n_L where ``outputs``
is mean and by Σ of the weights, m where there are none, where ``examples`` is
mean. Both divisions are one number, ``scale``, which ``backward`` folds into dA;
:mod:`bpcli.nn.loss_sums` adds terms up and divides them, for every use alike.

A probability that is logged or divided by is max(a, tiny), tiny the smallest
normal number of its precision; the pairs in :mod:`bpcli.nn.pairs` do not need it.

``A`` and ``out`` are (n, m). ``Y`` is (m,) class indices or (n, m),
as the loss's :class:`TargetForm` says. ``scratch`` is a :class:`~bpcli.nn.workspace.OutputScratch` of that size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from bpcli.nn import Array
from bpcli.nn.workspace import OutputScratch

Reduction = Literal["sum", "mean"]

TINY = {np.dtype(kind): float(np.finfo(kind).tiny) for kind in (np.float32, np.float64, np.complex128)}
"""The smallest normal number of each precision."""


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

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """Write each example's term, before any division, into ``out``, (m,)."""
        ...

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        """Write dA = scale · ∂(Σ terms)/∂A into ``out``."""
        ...

    @property
    def sides(self) -> Callable[[Array, Array], Array] | None:
        """A function of A and Y: on which side of the loss's kink each output lies, (n, m) truth values; or None."""
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


def share(loss: Loss, weight: Any) -> Any:
    """What a batch of this weight (m, or Σ of its examples' weights) divides by: it, or 1 where examples are summed."""
    return weight if loss.examples == "mean" else 1


def outputs_divisor(loss: Loss, n: Any) -> Any:
    """What a loss over n outputs divides by: n, or 1 where outputs are summed."""
    return n if loss.outputs == "mean" else 1


def scale(loss: Loss, n: int, weight: Any) -> Any:
    """1/n where outputs are averaged, times 1/weight where examples are."""
    return 1.0 / (outputs_divisor(loss, n) * share(loss, weight))


def pick(A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
    """out_j = A[y_j, j]: the entry of each column that its class index names, (m,).

    Leaves the entries' places in A's memory in ``scratch.index``.
    """
    np.multiply(Y, A.shape[1], scratch.index)
    np.add(scratch.index, scratch.columns, scratch.index)
    A.take(scratch.index, out=out, mode="clip")


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
    sides: ClassVar[None] = None

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        """½(a − y)², summed over the outputs."""
        matrix = scratch.layer.matrix
        np.subtract(A, Y, matrix)
        np.multiply(matrix, matrix, matrix)
        np.add.reduce(matrix, axis=0, out=out)
        np.multiply(out, 0.5, out)

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
