"""Where an array is wrong: in which rows and columns, in a block of them or in single entries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bpcli.checking.known_mistakes.correct_pass import CorrectPass
from bpcli.checking.precisions import tolerance_of
from bpcli.nn import Array

OF_SUMS = {"f8": 1e-12, "f4": 2e-5, "f2": 5e-3}
"""The error of an entry that rounding may cause, relative to the sum of absolute terms that it is the sum of."""

NEGLIGIBLE = 1e-6
"""A difference that is smaller, relative to the largest of an array, may be rounding."""

MOST_LISTED = 8
"""Rows and columns are listed up to that many."""


@dataclass(frozen=True)
class Location:
    """The wrong entries of one array of a layer: ``entries`` of ``size``.

    ``rows`` and ``columns`` are those with a wrong entry, None where every one has; b has no columns. ``whole``
    says that all entries in these rows and columns are wrong. An array of another shape is wrong in all entries.
    """

    layer: int
    array: str
    rows: tuple[int, ...] | None
    columns: tuple[int, ...] | None
    entries: int
    size: int
    whole: bool

    def in_words(self) -> str:
        """The location as a sentence."""
        if self.entries == self.size:
            return f"{self.array} is wrong in {'its only entry' if self.size == 1 else 'every entry'}"
        places = [_named(word, few) for word, few in (("row", self.rows), ("column", self.columns)) if few is not None]
        if self.entries == 1:
            return f"{self.array} is wrong in one entry alone: {', '.join(places)}"
        if self.whole:
            return f"{self.array} is wrong in {', '.join(places)} alone"
        return f"{self.array} is wrong in {', '.join((f'{self.entries} of {self.size} entries', *places))}"


def locate(correct: CorrectPass, layer: int, name: str, given: Array) -> Location:
    """Where ``given``, (n, k) for dW or (n, 1) for db, differs from the right array by more than its rounding.

    Any other array is one number, which is wrong.
    """
    of_dW = name == "dW"
    right = (correct.gradient.W if of_dW else correct.gradient.b)[layer]
    array = f"{name}{layer}"
    if given.shape != right.shape or name not in ("dW", "db"):
        return Location(layer, array, None, None, given.size, given.size, whole=True)
    dZ, A = np.abs(correct.ws.dZ[layer]), np.abs(correct.ws.A[layer - 1])
    sums = dZ @ A.T if of_dW else dZ.sum(axis=1, keepdims=True)
    mask = wrong_entries(given, right, sums)
    by_row, by_column = np.asarray(mask.any(axis=1)), np.asarray(mask.any(axis=0))
    rows, columns = _some(by_row), _some(by_column) if of_dW else None
    full = by_row.sum() * by_column.sum()
    return Location(layer, array, rows, columns, int(mask.sum()), mask.size, whole=bool(mask.sum() == full))


def wrong_entries(given: Array, right: Array, sums: Array) -> Array:
    """Which entries differ by more than rounding, (n, k); the largest difference is always one of them.

    Rounding is also what is both within the tolerance and negligible beside the largest difference.
    """
    kind = given.dtype.str[1:]
    difference = np.abs(given - right)
    rounding = OF_SUMS.get(kind, OF_SUMS["f8"]) * (sums + 0.01 * sums.max())
    negligible = min(tolerance_of(given) * np.abs(right).max(), NEGLIGIBLE * difference.max())
    allowed = np.maximum(rounding, negligible)
    return np.asarray(~(difference <= allowed) | (difference == difference.max()))


def listed(numbers: Iterable[int]) -> str:
    """Numbers in a row, with "and" before the last."""
    words = [str(number) for number in numbers]
    if len(words) > MOST_LISTED:
        return ", ".join(words[:MOST_LISTED]) + ", …"
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _named(word: str, few: Sequence[int]) -> str:
    if len(few) > MOST_LISTED:
        return f"{len(few)} {word}s, {listed(few)}"
    return f"{word}{'s' * (len(few) > 1)} {listed(few)}"


def _some(wrong: Array) -> tuple[int, ...] | None:
    """The places that are wrong, None where all are."""
    return None if wrong.all() else tuple(int(place) for place in np.flatnonzero(wrong))
