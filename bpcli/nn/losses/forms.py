"""What a loss is: its terms, its targets, its domain; and how sums of terms are divided.

``A`` and ``out`` are (n, m). ``Y`` is (m,) class indices or (n, m),
as the loss's :class:`TargetForm` says. ``scratch`` is a :class:`~bpcli.nn.workspace.OutputScratch` of that size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

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
