"""What a loss is: its terms, its targets, its domain; and how sums of terms are divided.

``A`` and ``out`` are (n, m). ``Y`` is (m,) class indices or (n, m),
as the loss's :class:`TargetForm` says. ``scratch`` is a :class:`~bpcli.nn.workspace.OutputScratch` of that size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from bpcli.choices import optional_statements
from bpcli.nn import Array
from bpcli.nn.markup import decimal, filled
from bpcli.nn.workspace import OutputScratch

Reduction = Literal["sum", "mean"]

TINY = {np.dtype(kind): float(np.finfo(kind).tiny) for kind in (np.float32, np.float64, np.complex128)}
"""The smallest normal number of each precision."""


@dataclass(frozen=True)
class TargetForm:
    """What targets a loss takes.

    ``task`` is what it always learns, None where the targets decide. With
    ``class_indices`` Y holds the index of each example's class; else a number for
    each output, from ``low`` to ``high``, these excluded where ``bounds_excluded``, and
    a class is written as ``on`` in its own output and ``off`` in the others. With
    ``shares`` the numbers of an example add up to 1. With ``levels`` a target has an output
    for each of these quantiles; the outputs of a level follow those of the level before.
    """

    task: Literal["classification", "regression"] | None = None
    class_indices: bool = False
    low: float = -np.inf
    high: float = np.inf
    off: float = 0.0
    on: float = 1.0
    bounds_excluded: bool = False
    shares: bool = False
    levels: tuple[float, ...] = ()

    @property
    def outputs_per_target(self) -> int:
        """How many outputs a target column needs."""
        return len(self.levels) or 1

    @property
    def middle(self) -> float:
        """The middle of the codes for no and yes: ½ where they are 0 and 1."""
        return (self.off + self.on) / 2

    def excludes(self, numbers: Array) -> Array:
        """Which numbers are out of bounds, as truth values."""
        outside = (numbers < self.low) | (numbers > self.high)
        if self.bounds_excluded:
            outside |= (numbers == self.low) | (numbers == self.high)
        return np.asarray(outside)

    @property
    def interval(self) -> str:
        """The bounds in words: ``[0, inf]``, or ``(0, inf)`` where they are excluded."""
        opening, closing = "()" if self.bounds_excluded else "[]"
        return f"{opening}{self.low:g}, {self.high:g}{closing}"


class Loss(Protocol):
    """A choice of loss; its reductions are settings. :class:`LossStatements` has what else it may say of itself."""

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
        """The name of the output activation that is taken where none is chosen."""
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


@dataclass(frozen=True)
class LossStatements:
    """What a loss may state, and what holds of one that does not.

    ``domain_open`` says that the ends of the domain are no outputs, as 0 is none whose logarithm is taken.
    ``joint_outputs`` is true where an example's outputs must be shares of 1, as those of softmax are, and false where
    each must follow from its own z. ``of_outputs`` is a function of n, the number of outputs, that gives further
    symbols of ``term`` by name: numbers, or (n, 1).
    """

    domain_open: bool = False
    joint_outputs: bool | None = None
    of_outputs: Callable[[int], dict[str, Any]] = lambda _: {}


def loss_statements(loss: Loss) -> LossStatements:
    """What a loss states."""
    return optional_statements(LossStatements, loss)


def share(loss: Loss, weight: Any) -> Any:
    """What a batch of this weight (m, or Σ of its examples' weights) divides by: it, or 1 where examples are summed."""
    return weight if loss.examples == "mean" else 1


def divisor(weight: Any) -> Any:
    """The weight of a batch, or 1 where all its examples weigh 0: their terms are 0 whatever divides them."""
    return weight + (weight == 0)


def outputs_divisor(loss: Loss, n: Any) -> Any:
    """What a loss over n outputs divides by: n, or 1 where outputs are summed."""
    return n if loss.outputs == "mean" else 1


def scale(loss: Loss, n: int, weight: Any) -> Any:
    """1/n where outputs are averaged, times 1/weight where examples are."""
    return 1.0 / (outputs_divisor(loss, n) * share(loss, divisor(weight)))


def pick(A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
    """out_j = A[y_j, j]: the entry of each column that its class index names, (m,).

    Leaves the entries' places in A's memory in ``scratch.index``.
    """
    np.multiply(Y, A.shape[1], scratch.index)
    np.add(scratch.index, scratch.columns, scratch.index)
    A.take(scratch.index, out=out, mode="clip")


def in_symbols(formula: str, loss: Loss, n: int, **symbols: str) -> str:
    """A formula of a loss over n outputs, in markup, its symbols and settings filled in.

    A number that differs from output to output is that of the first, unless ``symbols`` has one for it.
    """
    of_outputs = loss_statements(loss).of_outputs(n)
    numbers = {name: decimal(float(np.ravel(value)[0])) for name, value in of_outputs.items()}
    return filled(formula, loss, **(numbers | symbols))
