"""Which known mistakes give somebody's dW or db of a layer, up to a constant factor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from bpcli.checking.known_mistakes.candidates import (
    CandidateMistake,
    CorrectPass,
    candidate_mistakes,
    without_mistake,
)
from bpcli.checking.known_mistakes.factors import factor, is_close, meanings
from bpcli.nn import Array


@dataclass(frozen=True)
class ArrayMatch:
    """Words for the mistakes that give an array divided by ``c``, how many they are, and the candidate with the dZ."""

    words: str
    c: float
    candidate: CandidateMistake
    mistakes: int = 1


def joint_matches(correct: CorrectPass, layer: int, dW: Array, db: Array) -> Iterator[ArrayMatch]:
    """The mistakes that give dW, perhaps transposed, and db, both with the same factor."""
    for candidate, transposed, c in _multiples(correct, layer, dW):
        c_of_db = factor(db, candidate.db)
        if c_of_db is not None and is_close(c_of_db, c, db):
            yield _weight_match(candidate, candidate.words or "right", c, transposed=transposed)


def weight_matches(correct: CorrectPass, layer: int, dW: Array) -> Iterator[ArrayMatch]:
    """The mistakes that give dW, perhaps transposed.

    A dW of one entry is a multiple of any other, so its factor must have a meaning.
    """
    if not dW.any():
        yield ArrayMatch("dW is all zeros", 1.0, without_mistake(correct, layer))
    for candidate, transposed, c in _multiples(correct, layer, dW):
        if dW.size > 1 or meanings(c, dW, correct):
            yield _weight_match(candidate, _about("dW", candidate), c, transposed=transposed)


def bias_matches(correct: CorrectPass, layer: int, db: Array, of_dW: CandidateMistake) -> Iterator[ArrayMatch]:
    """The mistakes that give db: a wrong sum of the right dZ or of the one ``of_dW``, or the sum of another dZ.

    A db of one entry is a multiple of any other, so only that of the right dZ may have a factor, with a meaning.
    """
    right = without_mistake(correct, layer)
    if not db.any():
        yield ArrayMatch("db is all zeros", 1.0, right)
    for candidate in (right, of_dW):
        for words, array, largest_term in _wrong_sums(candidate.dZ, db):
            c = factor(db, array, largest_term)
            if c is not None and (db.size > 1 or c == 1):
                yield ArrayMatch(words, c, candidate)
    for candidate in candidate_mistakes(correct, layer):
        c = factor(db, candidate.db)
        if c is None or (c == 1 and not candidate.words):
            continue
        if db.size > 1 or c == 1 or (not candidate.words and meanings(c, db, correct)):
            yield ArrayMatch(_about("db", candidate), c, candidate, int(bool(candidate.words)))


def simplest(matches: Iterable[ArrayMatch], array: Array, correct: CorrectPass) -> list[ArrayMatch]:
    """The matches with the simplest factor, and of these the ones with the fewest mistakes.

    No factor is simpler than one with a meaning, and that is simpler than any other; of other factors only the
    first match is returned.
    """

    def rank(match: ArrayMatch) -> tuple[int, int]:
        return (0 if match.c == 1 else 1 if meanings(match.c, array, correct) else 2), match.mistakes

    ranked = sorted(((rank(match), match) for match in matches), key=itemgetter(0))
    best = [match for place, match in ranked if place == ranked[0][0]]
    return best[:1] if best and ranked[0][0][0] == 2 else best


def _multiples(correct: CorrectPass, layer: int, dW: Array) -> Iterator[tuple[CandidateMistake, bool, float]]:
    """The candidates of whose dW this one is a multiple, whether it is transposed, and the factor."""
    for candidate in candidate_mistakes(correct, layer):
        product = candidate.dW
        for array, transposed in ((dW, False), (dW.T, True))[: 1 + (dW.size > 1)]:
            c = factor(array, product)
            if c is not None and (c != 1 or transposed or candidate.words):
                yield candidate, transposed, c


def _weight_match(candidate: CandidateMistake, words: str, c: float, *, transposed: bool) -> ArrayMatch:
    """The match of a dW; ``words`` are for one that is not transposed."""
    if transposed:
        words = "dW is transposed" + (f", and {candidate.words}" if candidate.words else "")
    return ArrayMatch(words, c, candidate, bool(candidate.words) + transposed)


def _about(name: str, candidate: CandidateMistake) -> str:
    """A candidate's words as a sentence on dW or db alone."""
    words = candidate.words or "it is right"
    return f"{name} {words.removeprefix('it ')}" if words.startswith("it ") else f"{name}: {words}"


def _wrong_sums(dZ: Array, db: Array) -> Iterator[tuple[str, Array, float]]:
    """Sums of dZ that are no bias gradient, and the largest sum of absolute terms where the terms may cancel."""
    n, m = dZ.shape
    if m > 1:
        for array in (dZ, dZ.T):
            yield "db is not summed over the examples", array, 0.0
    if n > 1:
        words = "db is summed over the units, the wrong axis, instead of the examples"
        yield words, dZ.sum(axis=0)[:, None], float(np.abs(dZ).sum(axis=0).max())
    if n > 1 and db.size in (1, n):
        yield "db is summed over both axes", np.full(db.shape, dZ.sum()), float(np.abs(dZ).sum())
