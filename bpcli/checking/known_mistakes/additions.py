"""Something added to the arrays of a layer: λ W, λ sign W, db in dW, the gradient of another layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isclose

import numpy as np

from bpcli.checking.known_mistakes.guess import Guess, composed, is_composed
from bpcli.checking.known_mistakes.meanings import is_nice, likeliest, meanings
from bpcli.checking.known_mistakes.wrong_arrays import WrongArrays
from bpcli.nn import Array

LEAST_PART = 1e-7
"""A part that is smaller, relative to the other, is none; parts of which less is left cancel each other."""

OF_CHOSEN = 4
"""Decimal digits of the number of multiples in two digits that people may choose."""


def added_terms(wrong: WrongArrays) -> Iterator[tuple[str, Array]]:
    """What may be added, each with its words, in which {} stands for its factor."""
    correct, layer = wrong.correct, wrong.layer
    W, b = correct.parameters.W[layer], correct.parameters.b[layer]
    dW, db = correct.gradient.W[layer], correct.gradient.b[layer]
    if wrong.weight_columns:
        yield "λ W is added (weight decay, L2) with λ = {}", wrong.side_by_side(W, 0 * b)
        yield "λ sign(W) is added (L1) with λ = {}", wrong.side_by_side(np.sign(W), 0 * b)
    if wrong.has_db:
        yield "λ W and λ b are added (weight decay of b too) with λ = {}", wrong.side_by_side(W, b)
    if not wrong.has_db:
        yield "db is added to each column of dW, {} times", np.broadcast_to(db, dW.shape)
    for other in range(1, correct.layers + 1):
        if other != layer and correct.gradient.W[other].shape == dW.shape:
            right = wrong.side_by_side(correct.gradient.W[other], correct.gradient.b[other])
            yield f"the gradient of layer {other} is added, {{}} times", right
    yield "a constant is added to each entry, {}", np.ones_like(wrong.right)


def with_additions(wrong: WrongArrays, guesses: Iterable[Guess]) -> Iterator[Guess]:
    """Guesses of one mistake with a multiple of each term added, as they are or with a factor of their own."""
    terms = [(words, term, wrong.sample.of(term)) for words, term in added_terms(wrong) if term.any()]
    for guess in guesses:
        sampled = wrong.sample.of(guess.matrix)
        if is_composed(guess.words) or not np.isfinite(sampled).all() or not sampled.any():
            continue
        for words, term, other in terms:
            yield from _added(wrong, guess, 1.0, sampled, words, term, other)
            yield from _scaled(wrong, guess, sampled, words, term, other)


def _added(
    wrong: WrongArrays, guess: Guess, c: float, sampled: Array, words: str, term: Array, other: Array
) -> Iterator[Guess]:
    """c times a guess and the multiple of a term that fits; a multiple in two digits is chosen, not fitted."""
    rest = wrong.sample.fit_rest(c * sampled, other)
    if not _both_count(c * sampled, rest * other) or wrong.sample.rules_out(c * sampled + rest * other):
        return
    chosen = is_nice(rest, wrong)
    matrix = c * guess.whole + (float(f"{rest:.1e}") if chosen else rest) * term
    sentence = composed(guess.words, words.format(f"{rest:.6g}"))
    digits = guess.hypotheses + (OF_CHOSEN if chosen else 1)
    yield Guess(sentence, matrix, guess.cost + 3, 0 if chosen else 1, digits, final=True)


def _both_count(one: Array, other: Array) -> bool:
    """Whether neither part is negligible beside the other, or no number, and something is left of their sum."""
    parts = [float(np.abs(part).max()) for part in (one, other, one + other)]
    return bool(min(parts) > LEAST_PART * max(parts))


def _scaled(wrong: WrongArrays, guess: Guess, sampled: Array, words: str, term: Array, other: Array) -> Iterator[Guess]:
    """A factor of a guess, of those with a meaning or any, and a multiple of a term."""
    if not guess.words:
        for value, meaning in likeliest(meanings(wrong)).items():
            scaled = Guess(f"it is {value:.6g} times what it should be, {meaning}", guess.matrix, 2)
            yield from _added(wrong, scaled, value, sampled, words, term, other)
    c, rest = wrong.sample.fit(sampled, other)
    if not _both_count(c * sampled, rest * other) or wrong.sample.rules_out(c * sampled + rest * other):
        return
    matrix = c * guess.whole + rest * term
    if words.startswith("λ W") and isclose(rest, 1, rel_tol=1e-6) and c < 0 and not guess.words:
        updated = f"it is W already updated, W − η dW with η = {-c:.6g}, in place of the gradient"
        yield Guess(updated, matrix, 3, 1, final=True)
        return
    own = f"{guess.words + ',' if guess.words else 'it is'} {c:.6g} times what it should be"
    sentence = composed(own, words.format(f"{rest:.6g}"))
    yield Guess(sentence, matrix, guess.cost + 6, 2, guess.hypotheses + 1, final=True)
