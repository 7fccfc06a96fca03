"""The wrong arrays of a layer as one matrix, and how well a guess at them fits.

With a row of ones below its inputs A, a layer's dW and db are one product,
[dW | db] = dZ [A; 1]ᵀ. So dW, db or both of them are a matrix (n, q), and
whatever is said of it holds for all that is wrong in the layer.

A guess is believed where chance cannot have made it fit: each equation that is
met beyond the guess's own free numbers adds the digits to which it is met.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bpcli.checking.known_mistakes.correct_pass import CorrectPass
from bpcli.checking.precisions import tolerance_of
from bpcli.nn import Array

ROUNDINGS = {"f8": 1e-14, "f4": 5e-6, "f2": 2e-3}
"""The rounding of a sum in each precision, relative to the largest sum of absolute terms."""

NOISES = {"f8": 1e-13, "f4": 3e-6, "f2": 5e-3}
"""The error, relative to an array's largest entry, below which no guess is better than another."""

DIGITS = 3
"""Decimal digits by which the equations met exceed what chance explains."""

BETTER = 1e-2
"""A guess leaves at most this share of the error that the right arrays leave."""


LARGEST = 1e100
"""Larger numbers have no finite squares."""


@dataclass(frozen=True)
class Guess:
    """The arrays of a layer, (n, q), after a mistake in words that begin with "it …" where they are of the arrays.

    ``cost`` counts mistakes, two for an ordinary one. ``parameters`` are the numbers fitted to the given arrays,
    ``hypotheses`` the decimal digits of the number of guesses of this kind. ``final`` guesses take no further factor.
    """

    words: str
    matrix: Array
    cost: int = 2
    parameters: int = 0
    hypotheses: float = 2.0
    final: bool = False


@dataclass(frozen=True)
class Explanation:
    """Words for what is wrong, its cost in mistakes, and the error it leaves relative to an array's largest entry."""

    words: str
    cost: int
    error: float


@dataclass(frozen=True)
class WrongArrays:
    """What was given for the wrong arrays of a layer, side by side, (n, q): ``weight_columns`` of dW, then db if wrong.

    ``dtype`` is the coarsest precision they were given in; ``file`` has the arrays of all layers as they were given.
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

    @property
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

    def of_errors(self, dZ: Array, inputs: Array | None = None) -> Array:
        """The arrays that a dZ gives, with the right inputs or with others."""
        return np.asarray(dZ @ (self.inputs if inputs is None else self.with_ones(inputs)).T)

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
            if not difference <= rounding:
                worst = max(worst, difference / max(largest, float(np.abs(guess[:, block]).max())))
        return worst if np.isfinite(guess).all() else np.inf

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

    @cached_property
    def equations(self) -> int:
        """How many numbers the given arrays fix, were dZ or the inputs of the layer anything at all.

        A product of any dZ with the right inputs has no more than n times their rank; likewise for any inputs.
        """
        if self.misshapen:
            return int(np.count_nonzero(self.given))
        rows = int((self.given.any(axis=1) | self.right.any(axis=1)).sum())
        columns = int((self.given.any(axis=0) | self.right.any(axis=0)).sum())
        counts = [rows * columns]
        for matrix, others, along in ((self.inputs, rows, self.given.T), (self.dZ, columns, self.given)):
            basis = basis_of(matrix)
            outside = along - basis @ (basis.T @ along)
            if np.abs(outside).max() <= self.tolerance * np.abs(along).max():
                counts.append(others * basis.shape[1])
        return min(counts)

    def decides(self, error: float, guess: Guess, parameters: int = 0) -> bool:
        """Whether a guess with that error and so many further parameters fits, better than chance and what is right."""
        fitted = guess.parameters + parameters
        if not error <= min(self.tolerance, BETTER * self.error_of_right) or (fitted and self.is_rounding):
            return False
        digits = np.log10(min(1.0, self.error_of_right) / max(error, self.noise))
        return bool((self.equations - fitted) * digits >= DIGITS + guess.hypotheses)

    def fit(self, *terms: Array) -> Array:
        """The factors with which the sum of terms, each (n, q), comes closest to what was given."""
        columns = np.stack([(term / self.widths).reshape(-1) for term in terms], axis=1)
        units: Array = np.abs(columns).max(axis=0)
        if not np.isfinite(columns).all() or not units.all():
            return np.full(len(terms), np.nan)
        target = (self.given / self.widths).reshape(-1)
        if len(terms) == 1:
            unit = columns[:, 0] / units[0]
            return np.asarray(float(unit @ target) / float(unit @ unit) / units)
        return np.asarray(np.linalg.lstsq(columns / units, target, rcond=None)[0] / units)

    def fit_rest(self, fixed: Array, term: Array) -> float:
        """The factor with which a term, added to ``fixed``, comes closest to what was given; NaN where it is zero."""
        unit = term / self.widths
        largest = float(np.abs(unit).max())
        if not 0 < largest < np.inf:
            return np.nan
        unit = unit / largest
        rest = (self.given - fixed) / self.widths
        return float(np.sum(rest * unit) / np.sum(unit * unit)) / largest


def views(
    correct: CorrectPass, file: Mapping[str, Array], layer: int, given: Mapping[str, Array]
) -> Iterator[WrongArrays]:
    """The arrays dW and db in ``given``, or one of them, as they lie, and with dW transposed, as far as shapes allow.

    Arrays that are not finite or so large that their squares are not are left out.
    """
    dtype = max((array.dtype for array in given.values()), key=lambda kind: float(np.finfo(kind).eps))
    n, k = correct.gradient.W[layer].shape
    arrays = {name: array.astype(np.float64) for name, array in given.items()}
    if not all(np.abs(array).max() < LARGEST for array in arrays.values()):
        return
    dW, db = arrays.get("dW"), arrays.get("db")
    if dW is None:
        assert db is not None, "an array is wrong"
        yield WrongArrays(correct, file, layer, db.reshape(-1, 1), 0, has_db=True, dtype=dtype)
        return
    beside = () if db is None else (db,)
    if db is not None and db.shape != (n, 1):
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


def simplest(found: Iterator[Explanation] | list[Explanation], noise: float) -> list[Explanation]:
    """The explanations with the smallest cost among those that fit as well as any, each sentence once."""
    found = list(found)
    if not found:
        return []
    bound = max(1e3 * min(one.error for one in found), noise)
    fitting = [one for one in found if one.error <= bound]
    least = min(one.cost for one in fitting)
    return list({one.words: one for one in fitting if one.cost == least}.values())
