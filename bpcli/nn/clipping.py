"""Clippings: transformations that shorten a gradient that is too long."""

from __future__ import annotations

from bpcli.nn.transformations import Transformation

CLIPPINGS: dict[str, type[Transformation]] = {}
"""The clippings that a config may choose from. While there are none, there is no such key."""
