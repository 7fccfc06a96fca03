"""Penalties: terms of the loss in the parameters themselves, with their derivatives."""

from __future__ import annotations

from typing import Protocol

from bpcli.nn.transformations import Transformation


class Penalty(Transformation, Protocol):
    """A link of the gradient's chain that adds to the loss."""

    @property
    def term(self) -> str:
        """What each entry of each W adds, in markup, from ``<w>`` and ``<weight>``, the batch's m or Σ of weights."""
        ...


PENALTIES: dict[str, type[Penalty]] = {}
"""The penalties that a config may list. While there are none, there is no such key."""
