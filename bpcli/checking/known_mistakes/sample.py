"""Some entries of a large matrix, to which numbers are fitted and which rule most guesses out; all of a small one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bpcli.checking.known_mistakes.guess import Product
from bpcli.nn import Array

SAMPLED = 1200
"""A matrix with more entries is looked at in about that many of them."""


@dataclass(frozen=True)
class Sample:
    """A sample of ``given``, (n, q), the largest of each block of columns among it.

    Samples are vectors, in units of ``widths``, (q,). An error up to ``allowed`` is none.
    """

    given: Array
    widths: Array
    blocks: tuple[slice, ...]
    allowed: float

    @cached_property
    def places(self) -> Array | None:
        """The places of the entries in the matrix read row by row; None for all of them."""
        if self.given.size <= SAMPLED:
            return None
        sizes, places = np.abs(self.given), np.arange(self.given.size).reshape(self.given.shape)
        found = []
        for block in self.blocks:
            of_block = places[:, block].reshape(-1)[np.argsort(-sizes[:, block], axis=None)]
            found += [of_block[: SAMPLED // 4], of_block[:: max(1, 4 * len(of_block) // SAMPLED)]]
        return np.unique(np.concatenate(found))

    def of(self, matrix: Array | Product) -> Array:
        """The sample of a matrix."""
        if self.places is None:
            whole = matrix.whole if isinstance(matrix, Product) else matrix
            return np.asarray((whole / self.widths).reshape(-1))
        entries = matrix.at(self.places) if isinstance(matrix, Product) else matrix.reshape(-1)[self.places]
        return np.asarray(entries / self._widths)

    @cached_property
    def _widths(self) -> Array:
        return np.asarray(np.broadcast_to(self.widths, self.given.shape).reshape(-1)[self.places])

    @cached_property
    def entries(self) -> Array:
        """The sample of what was given."""
        return self.of(self.given)

    def rules_out(self, sampled: Array) -> bool:
        """Whether the sample of a guess shows that it does not fit."""
        difference = float(np.abs(sampled - self.entries).max())
        return not difference <= self.allowed * max(1.0, float(np.abs(sampled).max()))

    def fit(self, *sampled: Array) -> Array:
        """The factors with which the sum of terms, given by their samples, comes closest to what was given."""
        columns = np.stack(sampled, axis=1)
        units: Array = np.abs(columns).max(axis=0)
        if not np.isfinite(units).all() or not units.all():
            return np.full(len(sampled), np.nan)
        return np.asarray(np.linalg.lstsq(columns / units, self.entries, rcond=None)[0] / units)

    def factor(self, term: Array) -> float:
        """The factor with which a term comes closest to what was given; NaN where it is zero."""
        return _factor(term, self.entries)

    def fit_rest(self, fixed: Array, term: Array) -> float:
        """The factor with which a term, added to ``fixed``, comes closest to what was given; NaN where it is zero."""
        return _factor(term, self.entries - fixed)


def _factor(term: Array, target: Array) -> float:
    """The least squares, without squares that are too large or too small to be numbers."""
    unit = float(np.abs(term).max())
    if not 0 < unit < np.inf:
        return np.nan
    scaled = term / unit
    return float(scaled @ target) / float(scaled @ scaled) / unit
