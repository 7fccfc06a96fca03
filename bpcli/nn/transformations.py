"""The gradient's chain: what is done to ∂L/∂θ between backward and the update rule.

A transformation is a function from gradient to gradient: a penalty adds its own
derivative, a clipping shortens. Chained, each takes what the one
before it leaves (the manner of *optax*'s ``chain``). What one adds to the loss
comes back beside the gradient, so the loss that is reported is the one that is
minimised.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from bpcli.nn.parameters import Parameters


class Transformation(Protocol):
    r"""A link of the chain; its settings are its fields.

    A clipping's ``formula`` in markup is an entry of the gradient after the link, which ``bp stepcheck``
    compares with ``apply``. The names in it are ``<gradient>``, the entry before the link, ``<theta>``
    and the settings; ``\sum`` adds over all of θ. A penalty states its term instead (:mod:`bpcli.nn.penalties`).
    """

    def apply(self, parameters: Parameters, gradient: Parameters, scratch: Parameters, weight: Any) -> Any:
        """Change ``gradient``, ∂L/∂θ, in place; return what is added to the loss, 0 for nothing.

        ``scratch`` is a buffer as long as θ. ``weight`` is the batch's number of examples, or Σ of their weights.
        """
        ...


def transform(
    chain: Sequence[Transformation], parameters: Parameters, gradient: Parameters, scratch: Parameters, weight: Any
) -> Any:
    """Apply every link in turn; return what they add to the loss."""
    added: Any = 0.0
    for link in chain:
        added = added + link.apply(parameters, gradient, scratch, weight)
    return added


def finish(
    chain: Sequence[Transformation],
    parameters: Parameters,
    gradient: Parameters,
    scratch: Parameters,
    weight: Any,
    factor: Any,
) -> Any:
    """Apply the chain to ∂L/∂θ, then multiply by ``factor``; return what is added to the loss.

    Without a chain ``gradient`` is as it should be: :func:`early` went into dZ_L.
    """
    if not chain:
        return 0.0
    added = transform(chain, parameters, gradient, scratch, weight)
    np.multiply(gradient.theta, factor, gradient.theta)
    return added


def early(chain: Sequence[Transformation], factor: Any) -> Any:
    """The part of ``factor`` that goes into dZ_L: all of it, unless a chain must see ∂L/∂θ itself."""
    return 1.0 if chain else factor
