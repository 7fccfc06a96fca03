"""The arrays of a layer as the sum over some of the examples, or over all of them, weighted."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from bpcli.checking.known_mistakes.guess import Guess, Product
from bpcli.checking.known_mistakes.wrong_arrays import WrongArrays
from bpcli.nn import Array

MOST_ENUMERATED = 2_000_000
"""Every set of examples is tried where the sums over all of them have no more entries together."""

MOST_EXAMPLES = 200
"""Weights are fitted to no more examples than that."""

MOST_LEFT_OUT = 100
"""Of more examples only the first and the last are left out or counted twice, and only halves are tried."""

MOST_IN_SETS = 13
"""Up to so many examples every set of them is tried."""

LARGEST_PART = 12
"""A weight with a denominator up to this is written as a fraction."""


def sums_over_examples(wrong: WrongArrays) -> Iterator[Guess]:
    """One example alone, one left out or counted twice, the first and the last ones; each may be averaged anew."""
    m = wrong.dZ.shape[1]
    digits = float(np.log10(max(m, 2)))
    living = [p for p in range(m if m > 1 else 0) if wrong.dZ[:, p].any()]
    few = m <= MOST_LEFT_OUT
    for p in living:
        alone = Product(wrong.dZ[:, p : p + 1], wrong.inputs[:, p : p + 1])
        yield Guess(f"it is of one example, number {p}, instead of the sum over all", alone, hypotheses=digits)
        if few or p in (0, m - 1):
            yield from _with_and_without(wrong, p, np.eye(1, m, p)[0], digits)
    for count in range(2, m - 1) if few else (m // 2, m - m // 2):
        first = np.arange(m) < count
        yield from _averaged(wrong, f"it is of the first {count} examples alone", first, digits)
        yield from _averaged(wrong, f"it is of the last {count} examples alone", first[::-1], digits)


def _with_and_without(wrong: WrongArrays, p: int, one: Array, digits: float) -> Iterator[Guess]:
    which = "the last example" if p == len(one) - 1 else "the first example" if p == 0 else "an example"
    yield from _averaged(wrong, f"{which} is left out, number {p}", 1 - one, digits)
    yield Guess(f"{which} is counted twice, number {p}", wrong.weighted(1 + one), hypotheses=digits)
    yield Guess(f"{which} is subtracted, number {p}", wrong.weighted(1 - 2 * one), 5, hypotheses=digits)


def _averaged(wrong: WrongArrays, words: str, chosen: Array, digits: float) -> Iterator[Guess]:
    """The chosen examples, divided by m as all are, or by their own number."""
    count = int(chosen.sum())
    yield Guess(words, wrong.weighted(chosen), hypotheses=digits)
    if wrong.correct.network.head.loss.examples == "mean" and count:
        matrix = wrong.weighted(chosen * (len(chosen) / count))
        yield Guess(f"{words}, and the mean is taken over the {count} that remain", matrix, hypotheses=digits)


def one_wrong_example(wrong: WrongArrays) -> Iterator[Guess]:
    """All examples are right but one, whose dZ is fitted."""
    n, m = wrong.dZ.shape
    rest = wrong.given - wrong.right
    for p in range(m if 1 < m <= MOST_EXAMPLES else 0):
        inputs = wrong.inputs[:, p] / wrong.widths
        square = float(inputs @ inputs)
        if square:
            dZ = wrong.dZ.copy()
            dZ[:, p] += (rest / wrong.widths) @ inputs / square
            words = f"one example, number {p}, is wrong, and all others are right"
            yield Guess(words, wrong.of_errors(dZ), 6, n, hypotheses=float(np.log10(m)), final=True)


def sums_over_sets(wrong: WrongArrays) -> Iterator[Guess]:
    """The sum over the set of examples that comes closest, of a batch so small that every set can be tried."""
    m = wrong.dZ.shape[1]
    living = [p for p in range(m) if wrong.dZ[:, p].any()]
    if not 1 < len(living) <= MOST_IN_SETS or wrong.given.size * 2 ** len(living) > MOST_ENUMERATED:
        return
    chosen = (np.arange(2 ** len(living))[:, None] >> np.arange(len(living))) & 1
    scaled = wrong.inputs[:, living] / wrong.widths[:, None]
    terms = np.einsum("ip,jp->pij", wrong.dZ[:, living], scaled).reshape(len(living), -1)
    target = (wrong.given / wrong.widths).reshape(-1)
    averaged = wrong.correct.network.head.loss.examples == "mean"
    for mean in (False, True) if averaged else (False,):
        divisors = np.maximum(chosen.sum(axis=1, keepdims=True), 1) / len(living) if mean else 1.0
        best = int(np.abs(chosen @ terms / divisors - target).max(axis=1).argmin())
        kept = [p for p, one in zip(living, chosen[best], strict=True) if one]
        left_out = [p for p in living if p not in kept]
        if not kept or not left_out:
            continue
        words = f"examples {numbers(np.array(left_out))} are left out"
        also = f", and the mean is taken over the {len(kept)} that remain" * mean
        matrix = wrong.weighted(np.isin(np.arange(m), kept) * (m / len(kept) if mean else 1.0))
        yield Guess(words + also, matrix, 3, hypotheses=0.31 * m, final=True)


def weights_of_examples(wrong: WrongArrays) -> Iterator[Guess]:
    """Weights of the examples, fitted: 0 and 1, fractions, one for each class, or any that leave equations over."""
    terms = _terms(wrong)
    if not terms.size:
        return
    living = np.flatnonzero(np.abs(terms).max(axis=0) > 0)
    fitted, _, rank, _ = np.linalg.lstsq(terms[:, living], (wrong.given / wrong.widths).reshape(-1), rcond=1e-8)
    if rank < len(living):
        yield from _weights_of_classes(wrong)
        return
    weights = np.zeros(terms.shape[1])
    weights[living] = fitted
    yield from _in_words(wrong, weights, living)
    yield from _weights_of_classes(wrong)


def _terms(wrong: WrongArrays) -> Array:
    """What each example adds, one column for each, (n q, m); nothing where there are too many or only one."""
    n, m = wrong.dZ.shape
    q = len(wrong.inputs)
    if not 1 < m <= MOST_EXAMPLES or m >= n * q or n * q * m > 4_000_000:
        return np.empty((0, 0))
    scaled = wrong.inputs / wrong.widths[:, None]
    return np.asarray(np.einsum("ip,jp->ijp", wrong.dZ, scaled).reshape(n * q, m))


def _in_words(wrong: WrongArrays, weights: Array, living: Array) -> Iterator[Guess]:
    """Fitted weights as simple ones, and as they are."""
    m = len(weights)
    simple = np.array([float(Fraction(w).limit_denominator(LARGEST_PART)) for w in weights])
    counts = set(np.round(weights[living], 6))
    if np.abs(simple - weights).max() < 1e-5 * np.abs(weights).max():
        matrix, kept = wrong.weighted(simple), np.flatnonzero(simple)
        digits = m * float(np.log10(max(2, len(counts)))) + 1
        if set(simple[living]) == {0.0, 1.0} and len(kept) > 1:
            words = f"examples {numbers(np.setdiff1d(living, kept))} are left out"
            yield Guess(words, matrix, 3, hypotheses=digits, final=True)
        elif len(counts) > 1:
            yield Guess(f"the examples are weighted, by {numbers(simple)}", matrix, 4, hypotheses=digits, final=True)
    yield from _common_factor(wrong, weights, living)
    if len(counts) > 1:
        words = f"the examples are weighted, by {numbers(weights)}"
        yield Guess(words, wrong.weighted(weights), 5, len(living), final=True)


def _common_factor(wrong: WrongArrays, weights: Array, living: Array) -> Iterator[Guess]:
    """Some examples with one weight, the others with none."""
    kept = living[np.abs(weights[living]) > 1e-6 * np.abs(weights).max()]
    value = float(np.median(weights[kept])) if len(kept) else 0.0
    if 0 < len(kept) < len(living) and np.allclose(weights[kept], value, rtol=1e-6):
        left_out = numbers(np.setdiff1d(living, kept))
        m, plain = len(weights), np.zeros(len(weights))
        plain[kept] = 1
        words, factor = f"examples {left_out} are left out", value
        if np.isclose(value, m / len(kept), rtol=1e-6):
            words, factor = f"{words}, and the mean is taken over the {len(kept)} that remain", m / len(kept)
        elif not np.isclose(value, 1):
            words = f"{words}, and the others are {value:.6g} times what they should be"
        yield Guess(words, wrong.weighted(factor * plain), 4, int(value != 1), hypotheses=0.3 * m, final=True)


def _weights_of_classes(wrong: WrongArrays) -> Iterator[Guess]:
    """One weight for each class."""
    Y = wrong.correct.dense_targets
    classes = np.argmax(Y, axis=0) if len(Y) > 1 else Y[0]
    present = np.unique(classes)
    if not 1 < len(present) < min(Y.shape[1], 50) or not np.isin(Y, (0, 1)).all():
        return
    terms = [wrong.weighted(classes == one) for one in present]
    found = wrong.sample.fit(*(wrong.sample.of(term) for term in terms))
    if np.isfinite(found).all() and not np.allclose(found, found[0], rtol=1e-6):
        matrix = wrong.weighted(found[np.searchsorted(present, classes)])
        words = f"the examples are weighted by their class: {numbers(found)} for {numbers(present)}"
        yield Guess(words, matrix, 4, len(terms), hypotheses=0.0, final=True)


def numbers(values: Array) -> str:
    """Numbers in a row, the first ten of them."""
    words = [f"{value:.6g}" for value in values[:10]]
    return ", ".join(words) + ", …" * (len(values) > 10)
