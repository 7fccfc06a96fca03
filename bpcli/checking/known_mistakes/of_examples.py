"""The arrays of a layer as the sum over some of the examples, or over all of them, weighted."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from bpcli.checking.known_mistakes.wrong_arrays import Guess, WrongArrays
from bpcli.nn import Array

MOST_ENUMERATED = 2_000_000
"""Every set of examples is tried where the sums over all of them have no more entries together."""

MOST_EXAMPLES = 200
"""Weights are fitted to no more examples than that."""

MOST_IN_SETS = 13
"""Up to so many examples every set of them is tried."""

LARGEST_PART = 12
"""A weight with a denominator up to this is written as a fraction."""


def sums_over_examples(wrong: WrongArrays) -> Iterator[Guess]:
    """One example alone, one left out or counted twice, the first and the last ones; each may be averaged anew."""
    m = wrong.dZ.shape[1]
    digits = float(np.log10(max(m, 2)))
    living = [p for p in range(m if m > 1 else 0) if wrong.dZ[:, p].any()]
    for p in living:
        one = _part(wrong, [p])
        yield Guess(f"it is of one example, number {p}, instead of the sum over all", one, hypotheses=digits)
        yield from _with_and_without(wrong, p, one, digits)
    for count in range(2, m - 1):
        first, last = list(range(count)), list(range(m - count, m))
        yield from _averaged(wrong, f"it is of the first {count} examples alone", _part(wrong, first), count)
        yield from _averaged(wrong, f"it is of the last {count} examples alone", _part(wrong, last), count)


def _with_and_without(wrong: WrongArrays, p: int, one: Array, digits: float) -> Iterator[Guess]:
    m = wrong.dZ.shape[1]
    which = "the last example" if p == m - 1 else "the first example" if p == 0 else "an example"
    yield from _averaged(wrong, f"{which} is left out, number {p}", wrong.right - one, m - 1)
    yield Guess(f"{which} is counted twice, number {p}", wrong.right + one, hypotheses=digits)
    yield Guess(f"{which} is subtracted, number {p}", wrong.right - 2 * one, 3, hypotheses=digits)


def _part(wrong: WrongArrays, chosen: list[int]) -> Array:
    """What the chosen examples add to the right arrays."""
    return np.asarray(wrong.dZ[:, chosen] @ wrong.inputs[:, chosen].T)


def _averaged(wrong: WrongArrays, words: str, part: Array, count: int) -> Iterator[Guess]:
    """A part of the examples, divided by m as all are, or by their own number."""
    m = wrong.dZ.shape[1]
    digits = float(np.log10(m))
    yield Guess(words, part, hypotheses=digits)
    if wrong.correct.network.head.loss.examples == "mean" and count:
        yield Guess(f"{words}, and the mean is taken over the {count} others", part * (m / count), hypotheses=digits)


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
        words = f"examples {_listed(np.array(left_out))} are left out"
        also = f", and the mean is taken over the {len(kept)} others" * mean
        matrix = _part(wrong, kept) * (m / len(kept) if mean else 1)
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
        matrix, kept = _weighted(wrong, simple), np.flatnonzero(simple)
        digits = m * float(np.log10(max(2, len(counts)))) + 1
        if set(simple[living]) == {0.0, 1.0} and len(kept) > 1:
            words = f"examples {_listed(np.setdiff1d(living, kept))} are left out"
            yield Guess(words, matrix, 3, hypotheses=digits, final=True)
        elif len(counts) > 1:
            yield Guess(f"the examples are weighted, by {_listed(simple)}", matrix, 4, hypotheses=digits, final=True)
    yield from _common_factor(wrong, weights, living)
    if len(counts) > 1:
        words = f"the examples are weighted, by {_listed(weights)}"
        yield Guess(words, _weighted(wrong, weights), 5, len(living), final=True)


def _common_factor(wrong: WrongArrays, weights: Array, living: Array) -> Iterator[Guess]:
    """Some examples with one weight, the others with none."""
    kept = living[np.abs(weights[living]) > 1e-6 * np.abs(weights).max()]
    value = float(np.median(weights[kept])) if len(kept) else 0.0
    if 0 < len(kept) < len(living) and np.allclose(weights[kept], value, rtol=1e-6):
        left_out = _listed(np.setdiff1d(living, kept))
        m, plain = len(weights), np.zeros(len(weights))
        plain[kept] = 1
        words, factor = f"examples {left_out} are left out", value
        if np.isclose(value, m / len(kept), rtol=1e-6):
            words, factor = f"{words}, and the mean is taken over the {len(kept)} others", m / len(kept)
        elif not np.isclose(value, 1):
            words = f"{words}, and the others are {value:.6g} times what they should be"
        yield Guess(words, factor * _weighted(wrong, plain), 4, int(value != 1), hypotheses=0.3 * m, final=True)


def _weights_of_classes(wrong: WrongArrays) -> Iterator[Guess]:
    """One weight for each class."""
    Y = wrong.correct.dense_targets
    classes = np.argmax(Y, axis=0) if len(Y) > 1 else Y[0]
    present = np.unique(classes)
    if not 1 < len(present) < min(Y.shape[1], 50) or not np.isin(Y, (0, 1)).all():
        return
    terms = [_part(wrong, list(np.flatnonzero(classes == one))) for one in present]
    weights = wrong.fit(*terms)
    if np.isfinite(weights).all() and not np.allclose(weights, weights[0], rtol=1e-6):
        matrix = np.asarray(sum(weight * term for weight, term in zip(weights, terms, strict=True)))
        words = f"the examples are weighted by their class: {_listed(weights)} for {_listed(present)}"
        yield Guess(words, matrix, 4, len(terms), hypotheses=0.0, final=True)


def _weighted(wrong: WrongArrays, weights: Array) -> Array:
    return np.asarray((wrong.dZ * weights) @ wrong.inputs.T)


def _listed(numbers: Array) -> str:
    """Numbers in a row, the first ten of them."""
    words = [f"{number:.6g}" for number in numbers[:10]]
    return ", ".join(words) + ", …" * (len(numbers) > 10)
