"""Wrong targets of the output layer that are found from the arrays given: smoothed, not scaled, of other examples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.checking.known_mistakes.guess import Guess
from bpcli.checking.known_mistakes.of_examples import numbers
from bpcli.checking.known_mistakes.wrong_arrays import WrongArrays, basis_of
from bpcli.checking.known_mistakes.wrong_outputs import shortcut_of
from bpcli.nn import Array

MOST_EXAMPLES = 200
"""Every order of no more examples can be found."""

MOST_TARGETS = 500
"""Every class of every example is tried where there are no more of them."""


def fitted_targets(wrong: WrongArrays) -> Iterator[Guess]:
    """Of the output layer; numbers in the targets are fitted where dZ is A − Y, but for a factor."""
    correct = wrong.correct
    if wrong.layer < correct.layers:
        return
    yield from _of_one_example(wrong)
    yield from _shuffled(wrong)
    if np.allclose(shortcut_of(correct), wrong.dZ, rtol=1e-12, atol=0):
        yield from _smoothed(wrong)
        yield from _not_scaled(wrong)


def _of_one_example(wrong: WrongArrays) -> Iterator[Guess]:
    """The target of one example is another class."""
    Y = wrong.correct.ws.Y
    if Y.ndim > 1:
        return
    n, m = wrong.dZ.shape
    if n * m > MOST_TARGETS:
        return
    digits = float(np.log10(n * m))
    for shift in range(1, n):
        shifted = (Y + shift) % n
        other = wrong.correct.output_error(shifted)
        for p in range(m):
            dZ = wrong.dZ.copy()
            dZ[:, p] = other[:, p]
            words = f"the target of one example, number {p}, is class {shifted[p]} in place of {Y[p]}"
            yield Guess(words, wrong.of_errors(dZ), 2, hypotheses=digits, final=True)


def _shuffled(wrong: WrongArrays) -> Iterator[Guess]:
    """The targets of the examples in any order, which dZ shows where the inputs leave no choice of it."""
    Y, m = wrong.correct.dense_targets, wrong.dZ.shape[1]
    if m > min(MOST_EXAMPLES, len(wrong.inputs)) or basis_of(wrong.inputs).shape[1] < m:
        return
    found = np.linalg.lstsq(wrong.inputs, wrong.given.T, rcond=None)[0].T
    places = np.arange(m)
    own = wrong.correct.ws.Y
    by_shift = np.stack([wrong.correct.output_error(np.roll(own, -shift, axis=-1)) for shift in range(m)])
    shifts = np.abs(by_shift - found).max(axis=1).argmin(axis=0)
    order = (places + shifts) % m
    if shifts.any() and not np.array_equal(Y[:, order], Y):
        words = f"the targets are those of other examples: those of {numbers(order)}"
        dZ = by_shift[shifts, :, places].T
        yield Guess(words, wrong.of_errors(dZ), 4, hypotheses=m * float(np.log10(m)), final=True)


def _smoothed(wrong: WrongArrays) -> Iterator[Guess]:
    """(1 − ε) Y + ε/n for Y."""
    Y = wrong.correct.dense_targets
    if len(Y) > 1 and np.isin(Y, (0, 1)).all():
        term = (Y - 1 / len(Y)) * wrong.correct.scale
        for words, dZ in _fitted(wrong, "the targets are smoothed, with ε = {:.6g}", term):
            yield Guess(words, wrong.of_errors(dZ), 4, 1, final=True)


def _not_scaled(wrong: WrongArrays) -> Iterator[Guess]:
    """s Y + t for Y."""
    Y, scale = wrong.correct.dense_targets, wrong.correct.scale
    words = "the targets are others, not scaled: {:.6g} and {:.6g} y are added to y"
    if not np.isin(Y, (0, 1)).all():
        for sentence, dZ in _fitted(wrong, words, np.full(Y.shape, -scale), -Y * scale):
            yield Guess(sentence, wrong.of_errors(dZ), 4, 2, final=True)


def _fitted(wrong: WrongArrays, words: str, *terms: Array) -> Iterator[tuple[str, Array]]:
    """The right dZ with the multiples of terms that fit best, which the words name."""
    columns = np.stack([wrong.sample.of(wrong.of_errors(term)) for term in terms], axis=1)
    rest = wrong.sample.entries - wrong.sample.of(wrong.right)
    if np.isfinite(columns).all():
        found = np.linalg.lstsq(columns, rest, rcond=None)[0]
        dZ = wrong.dZ + np.einsum("k,kij->ij", found, np.stack(terms))
        yield words.format(*found), dZ
