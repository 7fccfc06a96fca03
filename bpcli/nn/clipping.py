"""Clippings: transformations that shorten a gradient that is too long.

A clipping has one setting, of its own name, so a config writes ``clip: {norm: 1.0}``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Gt

from bpcli.choices import IfMissing
from bpcli.nn.parameters import Parameters
from bpcli.nn.transformations import Transformation


@dataclass(frozen=True)
class ByNorm:
    """∂L/∂θ, all of it, brought to length ``norm`` where it is longer: g · c/max(|g|, c) (Pascanu et al. 2013, alg. 1).

    PyTorch's clip_grad_norm_ multiplies by c/(|g| + 1e-6) where |g| > c; here the length is c, and a gradient of
    zeros stays one.
    """

    norm: Annotated[float, Gt(0), IfMissing("give the largest length, for example clip: {norm: 1.0}")]

    formula: ClassVar[str] = (
        r"\frac{<norm>}{\sqrt{\sum (<gradient>)^2}} \cdot <gradient>"
        r" \text{ where } \sqrt{\sum (<gradient>)^2} > <norm> \text{, else } <gradient>"
    )

    def apply(self, parameters: Parameters, gradient: Parameters, scratch: Parameters, weight: Any) -> Any:
        """Shorten ``gradient``; nothing is added to the loss."""
        length = np.sqrt(np.dot(gradient.theta, gradient.theta))
        np.multiply(gradient.theta, self.norm / np.maximum(length, self.norm), gradient.theta)
        return 0.0


@dataclass(frozen=True)
class ByValue:
    """Every entry of ∂L/∂θ brought into [−value, value]."""

    value: Annotated[float, Gt(0), IfMissing("give the largest entry, for example clip: {value: 0.5}")]

    formula: ClassVar[str] = (
        r"<value> \text{ where } <gradient> > <value> \text{, else }"
        r" -<value> \text{ where } -<value> > <gradient> \text{, else } <gradient>"
    )

    def apply(self, parameters: Parameters, gradient: Parameters, scratch: Parameters, weight: Any) -> Any:
        """Cut every entry of ``gradient``; nothing is added to the loss."""
        np.minimum(gradient.theta, self.value, out=gradient.theta)
        np.maximum(gradient.theta, -self.value, out=gradient.theta)
        return 0.0


CLIPPINGS: dict[str, type[Transformation]] = {"norm": ByNorm, "value": ByValue}
"""The clippings that a config may choose from."""
