"""The wrong arrays of a layer as one matrix, and how far a guess is from them.

With a row of ones below its inputs A, a layer's dW and db are one product,
[dW | db] = dZ [A; 1]ᵀ. So dW, db or both of them are a matrix (n, q), and
whatever is said of it holds for all that is wrong in the layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bpcli.checking.known_mistakes.correct_pass import CorrectPass
from bpcli.checking.known_mistakes.guess import Product
from bpcli.checking.known_mistakes.precision import precision_of
from bpcli.checking.known_mistakes.sample import Sample
from bpcli.checking.precisions import tolerance_of
from bpcli.nn import Array

ROUNDINGS = {"f8": 1e-14, "f4": 5e-6, "f2": 2e-3}
"""The rounding of a sum in each precision, relative to the largest sum of absolute terms."""

NOISES = {"f8": 1e-13, "f4": 3e-6, "f2": 5e-3}
"""The error, relative to an array's largest entry, below which no guess is better than another."""


LARGEST = 1e100
"""Larger numbers have no finite squares."""


@dataclass(frozen=True)
class WrongArrays:
    """What was given for the wrong arrays of a layer, side by side, (n, q): ``weight_columns`` of dW, then db if wrong.

    ``dtype`` is the precision of their numbers; ``file`` has the arrays of all layers as they were given.
    With ``turned`` this is the transpose of the dW given.
    """

    correct: CorrectPass
    file: Mapping[str, Array]
    layer: int
    given: Array
    weight_columns: int
    has_db: bool
    dtype: np.dtype[np.floating]
    turned: bool = False

    @property
    def name(self) -> str:
        """The word for one wrong array; empty for both."""
        return "" if self.weight_columns and self.has_db else "dW" if self.weight_columns else "db"

    @property
    def blocks(self) -> tuple[slice, ...]:
        """The columns of each array."""
        of_dW, of_db = slice(0, self.weight_columns), slice(self.weight_columns, None)
        return (of_dW,) * bool(self.weight_columns) + (of_db,) * self.has_db

    @cached_property
    def inputs(self) -> Array:
        """A of the layer below and a row of ones, (q, m), as far as wrong arrays are made of them."""
        return self.with_ones(self.correct.ws.A[self.layer - 1])

    @property
    def dZ(self) -> Array:
        """The right dZ, (n, m)."""
        return self.correct.ws.dZ[self.layer]

    @cached_property
    def right(self) -> Array:
        """The right arrays, (n, q)."""
        return self.side_by_side(self.correct.gradient.W[self.layer], self.correct.gradient.b[self.layer])

    @cached_property
    def tolerance(self) -> float:
        """The error at which a guess still fits."""
        return tolerance_of(np.empty(0, self.dtype))

    @property
    def noise(self) -> float:
        """The error at which no guess is better than another."""
        return NOISES.get(self.dtype.str[1:], NOISES["f8"])

    def with_ones(self, inputs: Array) -> Array:
        """Other inputs, (k, m), with the row of ones, (q, m)."""
        rows = (inputs,) * bool(self.weight_columns) + (np.ones((1, inputs.shape[1])),) * self.has_db
        return np.concatenate(rows)

    def side_by_side(self, of_dW: Array, of_db: Array) -> Array:
        """Arrays in the place of dW and db, (n, k) and (n, 1), as far as these are wrong."""
        return np.concatenate((of_dW,) * bool(self.weight_columns) + (of_db,) * self.has_db, axis=1)

    def of_errors(self, dZ: Array, inputs: Array | None = None) -> Product:
        """The arrays that a dZ gives, with the right inputs or with others."""
        return Product(dZ, self.inputs if inputs is None else self.with_ones(inputs))

    def weighted(self, weights: Array) -> Product:
        """The right arrays with a weight for each example, (m,)."""
        return Product(self.dZ * weights, self.inputs)

    @cached_property
    def sums(self) -> Array:
        """The sums of absolute terms of which the right arrays are the sums, (n, q)."""
        return np.asarray(np.abs(self.dZ) @ np.abs(self.inputs).T)

    @cached_property
    def largest(self) -> tuple[float, ...]:
        """The largest entry given in each array."""
        return tuple(float(np.abs(self.given[:, block]).max()) for block in self.blocks)

    @cached_property
    def widths(self) -> Array:
        """The largest entry given in each array, 1 for an array of zeros, column by column, (q,)."""
        found = np.empty(self.given.shape[1])
        for block, largest in zip(self.blocks, self.largest, strict=True):
            found[block] = largest or 1.0
        return found

    @cached_property
    def roundings(self) -> tuple[float, ...]:
        """The differences in each array that rounding explains."""
        of_sums = ROUNDINGS.get(self.dtype.str[1:], ROUNDINGS["f8"])
        return tuple(of_sums * float(self.sums[:, block].max()) for block in self.blocks)

    def error(self, guess: Array) -> float:
        """The largest difference to a guess, in units of its array's largest entry; 0 where rounding explains it."""
        worst = 0.0
        for block, largest, rounding in zip(self.blocks, self.largest, self.roundings, strict=True):
            difference = float(np.abs(self.given[:, block] - guess[:, block]).max())
            if not np.isfinite(difference):
                return np.inf
            if difference > rounding:
                worst = max(worst, difference / max(largest, float(np.abs(guess[:, block]).max())))
        return worst

    @cached_property
    def sample(self) -> Sample:
        """Some entries, at which guesses are looked at first."""
        pairs = zip(self.roundings, self.largest, strict=True)
        allowed = max(self.tolerance, *(rounding / (largest or 1.0) for rounding, largest in pairs))
        return Sample(self.given, self.widths, self.blocks, allowed)

    @property
    def misshapen(self) -> bool:
        """Whether a db has another number of entries than its layer has units."""
        return self.given.shape != self.right.shape

    @cached_property
    def error_of_right(self) -> float:
        """The error that the right arrays leave, 1 where they have another shape."""
        if self.misshapen:
            return 1.0
        if not self.turned:
            return self.error(self.right)
        of_dW, rest = self.right[:, : self.weight_columns], self.right[:, self.weight_columns :]
        square = of_dW.shape[0] == of_dW.shape[1]
        return self.error(np.concatenate((of_dW.T, rest), axis=1)) if square else 1.0

    @cached_property
    def is_rounding(self) -> bool:
        """Whether an array was given that holds nothing but rounding, so that no number can be fitted to it."""
        return any(largest <= rounding for largest, rounding in zip(self.largest, self.roundings, strict=True))


def views(
    correct: CorrectPass, file: Mapping[str, Array], layer: int, given: Mapping[str, Array]
) -> Iterator[WrongArrays]:
    """The arrays dW and db in ``given``, or one of them, as they lie, and with dW transposed, as far as shapes allow.

    Arrays that are not finite or so large that their squares are not are left out, and so is all where the right
    gradient is not finite.
    """
    dtype = precision_of(given.values())
    n, k = correct.gradient.W[layer].shape
    arrays = {name: array.astype(np.float64) for name, array in given.items()}
    right = (correct.gradient.W[layer], correct.gradient.b[layer], correct.ws.dZ[layer], correct.ws.A[layer - 1])
    if not all(np.abs(array).max() < LARGEST for array in (*arrays.values(), *right)):
        return
    if "dW" not in arrays:
        yield WrongArrays(correct, file, layer, arrays["db"].reshape(-1, 1), 0, has_db=True, dtype=dtype)
        return
    dW = arrays["dW"]
    beside = (arrays["db"],) if "db" in arrays else ()
    if any(db.shape != (n, 1) for db in beside):
        return
    for turned in (False, True):
        of_dW = dW.T if turned else dW
        if of_dW.shape == (n, k) and not (turned and dW.size == 1):
            side_by_side = np.concatenate((of_dW, *beside), axis=1)
            yield WrongArrays(correct, file, layer, side_by_side, k, bool(beside), dtype, turned)


def basis_of(matrix: Array) -> Array:
    """An orthonormal basis of what the matrix's columns span."""
    largest = np.abs(matrix).max(initial=0.0)
    left, values, _ = np.linalg.svd(matrix / (largest or 1.0), full_matrices=False)
    return np.asarray(left[:, values > 1e-10 * values.max(initial=0.0)])
