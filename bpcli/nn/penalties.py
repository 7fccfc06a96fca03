"""Penalties: terms of the loss in the parameters themselves, with their derivatives."""

from __future__ import annotations

from bpcli.nn.transformations import Transformation

PENALTIES: dict[str, type[Transformation]] = {}
"""The penalties that a config may list. While there are none, there is no such key."""
