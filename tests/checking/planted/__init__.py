"""Mistakes planted in a right gradient, of many kinds, without a look at how bp names them."""

from __future__ import annotations

from .arrays import ARRAYS
from .errors import ERRORS
from .kinds import Kind
from .pairs import PAIRS

KINDS: dict[str, Kind] = {**ERRORS, **ARRAYS, **PAIRS}
