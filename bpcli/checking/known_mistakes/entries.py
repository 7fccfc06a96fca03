"""The right arrays changed entry by entry: clipped, by their signs alone, zero or scaled at some places."""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose

import numpy as np

from bpcli.checking.known_mistakes.guess import Guess, composed
from bpcli.checking.known_mistakes.locations import listed, wrong_entries
from bpcli.checking.known_mistakes.wrong_arrays import WrongArrays
from bpcli.nn import Array

ADAMS_EPSILONS = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)


def changed_entries(wrong: WrongArrays) -> Iterator[Guess]:
    """One change of every entry, or of some."""
    right = wrong.right
    sizes = np.abs(right)
    yield Guess("it is the sign of the gradient, as in a first step of Adam", np.sign(right))
    for epsilon in ADAMS_EPSILONS:
        words = f"it is a first step of Adam, g/(|g| + ε) with ε = {epsilon:.0e}"
        yield Guess(words, right / (sizes + epsilon), 3)
    yield Guess("it is the size of the gradient, without its signs", sizes, 3)
    yield Guess("it is the square of the gradient", right * right, 3)
    if min((right > 0).sum(), (right < 0).sum()) > 1:
        yield Guess("its negative entries are zero", np.maximum(right, 0), 3)
        yield Guess("its positive entries are zero", np.minimum(right, 0), 3)
    yield from _clipped(wrong)
    yield from _zero_at_some_places(wrong)
    yield from _wrong_at_some_places(wrong)


def _clipped(wrong: WrongArrays) -> Iterator[Guess]:
    """Clipped to ±v, v being the largest entry given; perhaps after a factor."""
    v = float(np.abs(wrong.given).max())
    clipped = np.abs(wrong.given) >= v * (1 - 10 * wrong.tolerance)
    if clipped.sum() > 1 or wrong.given.size > clipped.sum():
        below = ~clipped & (np.abs(wrong.right) > wrong.tolerance * np.abs(wrong.right).max())
        yield Guess(f"it is clipped by value, to ±{v:.6g}", np.clip(wrong.right, -v, v), 3, 1, final=True)
        if below.any():
            ratio = float(np.median(wrong.given[below] / wrong.right[below]))
            words = composed(f"it is {ratio:.6g} times what it should be", f"it is clipped by value, to ±{v:.6g}")
            yield Guess(words, np.clip(ratio * wrong.right, -v, v), 5, 2, final=True)


def _zero_at_some_places(wrong: WrongArrays) -> Iterator[Guess]:
    """Zero in some entries, and right in the others, perhaps but for a factor."""
    zero = np.abs(wrong.given) <= wrong.tolerance * wrong.widths
    mask = zero & (np.abs(wrong.right) > wrong.tolerance * np.abs(wrong.right).max())
    if not mask.any() or mask.all():
        return
    where = _places(zero, mask, has_columns=wrong.weight_columns > 0)
    scattered = where.startswith("in")
    digits = mask.size * float(np.log10(2)) if scattered else 2.0
    yield Guess(f"it is zero {where}", np.where(mask, 0, wrong.right), 2 + 2 * scattered, hypotheses=digits)


def _wrong_at_some_places(wrong: WrongArrays) -> Iterator[Guess]:
    """Times a factor in some entries alone, or wrong in one."""
    mask = wrong_entries(wrong.given.astype(wrong.dtype), wrong.right, wrong.sums)
    if mask.all():
        return
    has_columns = wrong.weight_columns > 0
    where = _places(mask, mask, has_columns=has_columns)
    scattered = where.startswith("in")
    share = mask.size * float(np.log10(2)) if scattered else 2.0
    of_right, of_given = wrong.right[mask], wrong.given[mask]
    if of_right.all():
        c = float(np.median(of_given / of_right))
        turned = isclose(c, -1, rel_tol=1e-5)
        words = f"its sign is turned {where}" if turned else f"it is {c:.10g} times what it should be {where}"
        cost, free = 3 + 2 * scattered, int(not turned)
        yield Guess(words, np.where(mask, c * wrong.right, wrong.right), cost, free, hypotheses=share, final=True)
    if mask.sum() == 1:
        words = f"it is {of_given[0]:.6g} in place of {of_right[0]:.6g} {where}"
        yield Guess(words, np.where(mask, wrong.given, wrong.right), 4, 1, final=True)


def _places(marked: Array, mask: Array, *, has_columns: bool) -> str:
    """The entries of ``mask`` in words: as rows or columns marked as a whole, as one entry, or their number."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if marked[rows].all() and (mask.shape[1] > 1 or not has_columns):
        return f"at row{'s' * (len(rows) > 1)} {listed(rows)}"
    if marked[:, columns].all() and mask.shape[0] > 1:
        return f"at column{'s' * (len(columns) > 1)} {listed(columns)}"
    if mask.sum() == 1:
        return f"at one entry, row {rows[0]}, column {columns[0]}"
    return f"in {int(mask.sum())} of {mask.size} entries"


def factors_of_lines(wrong: WrongArrays) -> Iterator[Guess]:
    """A factor for each row, or for each column of dW; for the columns of dW_1 a shift of the inputs too."""
    right, given = wrong.right, wrong.given
    n, q = right.shape
    of_rows = _line_factors(given, right)
    words = f"each row has a factor of its own: {_numbers(of_rows)}"
    yield Guess(words, right * of_rows[:, None], 5, n, hypotheses=0.0, final=True)
    if wrong.has_db:
        return
    of_columns = _line_factors(given.T, right.T)
    about = "each column has a factor of its own, as if its input were not scaled" * (wrong.layer == 1)
    about = about or "each column has a factor of its own"
    yield Guess(f"{about}: {_numbers(of_columns)}", right * of_columns, 4, q, hypotheses=0.0, final=True)
    if wrong.layer == 1 and n > 2:
        yield _unscaled_inputs(wrong)


def _unscaled_inputs(wrong: WrongArrays) -> Guess:
    """dW_1 of inputs s x + t, with s and t of each column fitted."""
    right, db = wrong.right, wrong.correct.gradient.b[wrong.layer][:, 0]
    matrix, found = np.zeros_like(right), []
    for j in range(right.shape[1]):
        terms = np.stack((right[:, j], db), axis=1)
        (s, t), *_ = np.linalg.lstsq(terms, wrong.given[:, j], rcond=1e-12)
        matrix[:, j] = terms @ (s, t)
        found.append(f"{s:.6g} x {'+' if t >= 0 else '−'} {abs(t):.6g}")
    words = f"it is of inputs that are not scaled, s x + t for x: {', '.join(found[:5])}{', …' * (len(found) > 5)}"
    return Guess(words, matrix, 5, 2 * right.shape[1], hypotheses=0.0, final=True)


def _line_factors(given: Array, right: Array) -> Array:
    """The best factor of each row."""
    squares = (right * right).sum(axis=1)
    return np.asarray(np.where(squares > 0, (given * right).sum(axis=1) / np.where(squares > 0, squares, 1), 0.0))


def _numbers(values: Array) -> str:
    return ", ".join(f"{value:.6g}" for value in values[:6]) + ", …" * (len(values) > 6)
