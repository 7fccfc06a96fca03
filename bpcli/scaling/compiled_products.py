"""How fast the compiled engine's own products are on one core; they are compiled at the first measurement."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.training.compiled.blocks import ROOM
from bpcli.training.compiled.products import product, product_along_rows, product_of_examples
from bpcli.training.compiled.routines import kept_function


def three_products(W: Array, X: Array, Z: Array, dW: Array, dA: Array, room: Array) -> None:
    """Z ← W X, dW ← Z Xᵀ and dA ← Wᵀ Z, as a step of compiled code has them; X is in Fortran order."""
    product_along_rows(W, X, Z, room)
    product_of_examples(Z, X.T, dW, room)
    product(W.T, Z, dA, room)


def working_memory() -> Array:
    """What :func:`three_products` needs besides its arrays."""
    return np.empty(ROOM, np.uint8)


def compiled() -> Any:
    """:func:`three_products` as compiled code."""
    return kept_function(three_products)
