"""How outputs are compared with their targets, and what a tally is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, Self

import numpy as np

from bpcli.nn import Array, IndexArray
from bpcli.nn.workspace import OutputScratch

Scoring = Literal["largest", "threshold", "residuals", "quantiles"]
"""How outputs are compared with targets: by the largest, by a threshold, by their differences, as quantiles."""


@dataclass(frozen=True, eq=False)
class Judging:
    """How ``n`` outputs are compared with their targets.

    Where ``scoring`` is threshold, an output says yes above ``threshold``, and a target does
    above ``middle``. ``probabilities`` says that outputs lie in [0, 1]. ``units`` and
    ``origins``, numbers or (n,), give a target in its own units: units · y + origins. ``levels`` are
    the quantiles that the outputs of each target are, one after another over all targets.
    """

    n: int
    scoring: Scoring
    threshold: float = 0.5
    middle: float = 0.5
    probabilities: bool = False
    units: Array | float = 1.0
    origins: Array | float = 0.0
    levels: tuple[float, ...] = ()

    @property
    def of_numbers(self) -> bool:
        """Whether targets are numbers, not classes or labels."""
        return self.scoring in ("residuals", "quantiles")

    @property
    def classes(self) -> int:
        """How many classes there are of which each example has one; 0 where it has several labels, or numbers."""
        if self.scoring == "largest":
            return self.n
        return 2 if self.scoring == "threshold" and self.n == 1 else 0

    @property
    def binary(self) -> bool:
        """Whether there are two classes, of which the second is the positive one."""
        return self.classes == 2

    @property
    def labels(self) -> int:
        """How many labels there are, each a question of its own; 0 where an example has one class, or numbers."""
        return self.n if self.scoring == "threshold" and self.n > 1 else 0

    def decided_classes(self, A: Array) -> IndexArray:
        """The class, (m,), that outputs A (n, m) decide for: the first of the largest, or by the threshold."""
        return self._classes_of(A, self.threshold)

    def true_classes(self, Y: Array) -> IndexArray:
        """The class, (m,), that targets name: Y (m,) class indices or (n, m)."""
        return Y if Y.ndim == 1 else self._classes_of(Y, self.middle)

    def _classes_of(self, matrix: Array, threshold: float) -> IndexArray:
        classes = np.argmax(matrix, axis=0) if self.scoring == "largest" else threshold < matrix[0]
        return np.asarray(classes, np.intp)


def described(judging: Judging) -> str:
    """What is judged, in words."""
    if judging.scoring == "residuals":
        return "a regression"
    if judging.scoring == "quantiles":
        return "a regression of quantiles" if len(judging.levels) > 1 else "a regression of one quantile"
    beyond = "" if judging.probabilities else " with outputs that are no probabilities"
    return (f"{judging.labels} labels" if judging.labels else f"{judging.classes} classes") + beyond


class Tally(Protocol):
    """A kind of tally; a new one is empty."""

    def __init__(self, judging: Judging) -> None: ...

    @property
    def kind(self) -> str:
        """The name of the kind, under which its arrays are saved."""
        ...

    @property
    def recorded(self) -> bool:
        """Whether the compiled engine records ``update`` and ``sums``; else it hands the outputs out to be counted."""
        ...

    @property
    def judging(self) -> Judging:
        """How outputs are compared with their targets."""
        ...

    def update(self, A: Array, Y: Array, scratch: OutputScratch, weights: Array | None = None) -> None:
        """Add a batch: A (n, m), Y (m,) class indices or (n, m); ``weights``, (m,), where the examples have any."""
        ...

    def merge(self, other: Self) -> None:
        """Add every batch of ``other``, which stays as it is."""
        ...

    def tensors(self) -> dict[str, Array]:
        """The arrays to save, by name."""
        ...

    def restore(self, tensors: Mapping[str, Array]) -> None:
        """Continue from what :meth:`tensors` of a tally like it returned."""
        ...
