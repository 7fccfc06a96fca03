"""What a guess and an explanation are, and which explanation is the simplest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bpcli.nn import Array


@dataclass(frozen=True)
class Product:
    """dZ Aᵀ, (n, q), multiplied out only where it is looked at."""

    dZ: Array  # noqa: N815 - ∂L/∂Z, as everywhere
    inputs: Array

    def at(self, places: Array) -> Array:
        """The entries at ``places`` in the matrix read row by row."""
        rows, columns = np.divmod(places, len(self.inputs))
        return np.asarray(np.einsum("kp,kp->k", self.dZ[rows], self.inputs[columns]))

    @cached_property
    def whole(self) -> Array:
        """The matrix, (n, q)."""
        return np.asarray(self.dZ @ self.inputs.T)


@dataclass(frozen=True)
class Guess:
    """The arrays of a layer, (n, q), after a mistake in words that begin with "it …" where they are of the arrays.

    ``cost`` counts mistakes, two for an ordinary one. ``parameters`` are the numbers fitted to the given arrays,
    ``hypotheses`` the decimal digits of the number of guesses of this kind. ``final`` guesses take no further factor.
    ``numbers`` says how many numbers determine the arrays, where that is fewer than they have entries.
    """

    words: str
    matrix: Array | Product
    cost: int = 2
    parameters: int = 0
    hypotheses: float = 2.0
    final: bool = False
    numbers: int | None = None

    @property
    def whole(self) -> Array:
        """The arrays, multiplied out."""
        return self.matrix.whole if isinstance(self.matrix, Product) else self.matrix


def composed(first: str, second: str) -> str:
    """Two mistakes in words as a list of both, or the only one that there is."""
    return f"1) {first}; 2) {second}" if first and second else first or second


def is_composed(words: str) -> bool:
    """Whether words name two mistakes."""
    return "; 2) " in words


@dataclass(frozen=True)
class Explanation:
    """Words for what is wrong, its cost in mistakes, and the error it leaves relative to an array's largest entry."""

    words: str
    cost: int
    error: float


def simplest(found: Iterable[Explanation], noise: float) -> list[Explanation]:
    """The explanations with the smallest cost among those that fit as well as any, each sentence once."""
    found = list(found)
    if not found:
        return []
    bound = max(1e3 * min(one.error for one in found), noise)
    fitting = [one for one in found if one.error <= bound]
    least = min(one.cost for one in fitting)
    return list({one.words: one for one in fitting if one.cost == least}.values())
