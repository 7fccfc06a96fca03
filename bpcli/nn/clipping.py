"""Clippings: a gradient that is too long is made shorter."""

from __future__ import annotations

from bpcli.nn.transformations import Transformation

CLIPPINGS: dict[str, type[Transformation]] = {}
"""The clippings that a config may choose from; its key exists once there is one."""
