"""Every array of one update, as the engine computed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bpcli.choices import name_of
from bpcli.explaining.recording.entrywise import equal
from bpcli.nn import Array
from bpcli.nn.clipping import CLIPPINGS
from bpcli.nn.network import Network
from bpcli.nn.optimizers import Optimizer
from bpcli.nn.parameters import Parameters
from bpcli.nn.penalties import PENALTIES
from bpcli.nn.transformations import Transformation

Mode = Literal["sgd", "mini_batch", "batch"]
"""The config's mode: each update takes one example, some, or all."""


@dataclass(frozen=True)
class Trace:
    """One update on m examples, in the notation of :mod:`bpcli.nn`; lists are by layer, the inputs at 0.

    ``slopes`` are f′(Z), None where a layer's activation is not elementwise; then ``jacobians`` has that of
    each example, (m, n, n), ∂a_k/∂z_j in row k.
    ``before`` and ``after`` are the parameters around the update, ``updated`` those that the rule left, before a
    layer's constraint; ``memory_before`` and ``memory_after`` the rule's arrays by name. ``links`` are the penalties
    and the clipping of the config, ``linked`` the gradient after each; the rule takes it at ``point``, which is
    ``before`` unless the rule looks ahead. ``added`` is what they add to the loss, here and ``added_after`` the update,
    with ``loss`` and ``loss_after`` beside them; ``predicted`` is the change of both by first-order theory, ∇L · Δθ.
    ``terms`` are each example's terms of the loss, undivided and without the ``weights`` of the examples, (m,) or None;
    ``number`` counts the rule's updates from 1; ``learning_rate`` is that of this one. ``mode`` is the config's.
    Equations write the number as ``step_symbol``, in digits where that is empty.
    """

    network: Network
    optimizer: Optimizer
    before: Parameters
    updated: Parameters
    after: Parameters
    gradient: Parameters
    point: Parameters
    at_point: Parameters
    links: tuple[Transformation, ...]
    linked: tuple[Parameters, ...]
    added: float
    added_after: float
    loss_after: float
    predicted: float
    memory_before: dict[str, Array]
    memory_after: dict[str, Array]
    number: int
    learning_rate: float
    Y: Array
    weights: Array | None
    Z: list[Array]
    A: list[Array]
    dZ: list[Array]  # noqa: N815 - the notation of the mathematics
    dA: list[Array]  # noqa: N815
    slopes: list[Array | None]
    jacobians: list[Array | None]
    terms: Array
    loss: float
    mode: Mode
    step_symbol: str = ""

    @property
    def m(self) -> int:
        """The number of examples."""
        return int(self.A[0].shape[1])

    @property
    def chained(self) -> Parameters:
        """The gradient that the rule gets."""
        return self.linked[-1] if self.linked else self.at_point

    @property
    def chain(self) -> tuple[str, ...]:
        """The names of the penalties and of the clipping."""
        return tuple(name_of({**PENALTIES, **CLIPPINGS}, link) for link in self.links)

    @property
    def last(self) -> int:
        """L, the output layer."""
        return len(self.network.sizes) - 1

    @property
    def outputs(self) -> int:
        """n_L."""
        return self.network.sizes[-1]

    @property
    def targets(self) -> Array:
        """(n_L, m): one-hot columns where the loss takes class indices."""
        if not self.network.head.loss.targets.class_indices:
            return self.Y
        return np.asarray(equal(self.Y, np.arange(self.outputs)[:, None]))

    def slope(self, l: int) -> Array:
        """f′(Z_l), of an elementwise activation."""
        slope = self.slopes[l]
        assert slope is not None, "a document expresses elementwise activations here"
        return slope
