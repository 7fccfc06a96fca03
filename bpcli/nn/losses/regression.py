"""Losses of numbers: how far a is from y."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.nn import Array
from bpcli.nn.losses.forms import Reduction, TargetForm
from bpcli.nn.workspace import OutputScratch


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
