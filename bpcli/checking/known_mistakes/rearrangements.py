"""The right arrays with their entries at other places: rolled, exchanged, permuted, read in another order."""

from __future__ import annotations

from collections.abc import Iterator
from math import lgamma, log

import numpy as np

from bpcli.checking.known_mistakes.guess import Guess
from bpcli.checking.known_mistakes.locations import listed
from bpcli.checking.known_mistakes.wrong_arrays import WrongArrays
from bpcli.nn import Array

MOST_ROLLED = 64
"""Rows are rolled by every number up to that."""

MOST_DIFFERENCES = 4_000_000
"""Rows are compared entry by entry where that takes no more differences; otherwise by their inner products."""


def rearrangements(wrong: WrongArrays) -> Iterator[Guess]:
    """The right arrays with rows or columns elsewhere, with a common factor found from their size."""
    n, q = wrong.right.shape
    size = np.linalg.norm(wrong.right / wrong.widths)
    c = np.linalg.norm(wrong.given / wrong.widths) / size if size else 0.0
    for factor in (1.0, c, -c):
        given, right = wrong.given / wrong.widths / (factor or 1.0), wrong.right / wrong.widths
        if n > 1:
            yield from _moved(wrong.right, given, right, "row")
        if q > 1 and not wrong.has_db:
            for guess in _moved(wrong.right.T, given.T, right.T, "column"):
                yield Guess(guess.words, guess.whole.T, guess.cost, guess.parameters, guess.hypotheses)
    if n > 1 and q > 1 and wrong.name == "dW" and not wrong.turned:
        yield from _read_in_another_order(wrong.right)


def _moved(matrix: Array, given: Array, right: Array, word: str) -> Iterator[Guess]:
    """The rows of a matrix at other places: rolled or reversed, and where they fit best."""
    n = len(matrix)
    for by in range(1, n if n <= MOST_ROLLED else 2):
        yield from _in_words(matrix, [(row - by) % n for row in range(n)], word)
    yield from _in_words(matrix, list(range(n))[::-1], word)
    for sources in _sources(given, right):
        yield from _in_words(matrix, sources, word)


def _sources(given: Array, right: Array) -> tuple[list[int], list[int]]:
    """For each row given the one that is closest, its own if that is as close as any; then all as a permutation."""
    if len(given) ** 2 * given.shape[1] <= MOST_DIFFERENCES:
        distances = np.abs(given[:, None, :] - right[None, :, :]).max(axis=2)
    else:
        squares = (given**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)[None, :]
        distances = np.maximum(squares - 2 * given @ right.T, 0)
    closest = distances.argmin(axis=1)
    own = np.diag(distances) <= distances.min(axis=1) + 1e-12
    permutation, open_rows = list(range(len(given))), np.flatnonzero(~own)
    for row in open_rows:
        chosen = distances[row, open_rows].argmin()
        permutation[row] = int(open_rows[chosen])
        open_rows = np.delete(open_rows, chosen)
    return [row if own[row] else int(source) for row, source in enumerate(closest)], permutation


def _in_words(right: Array, sources: list[int], word: str) -> Iterator[Guess]:
    """The rows taken from ``sources``, in words; nothing where each is its own."""
    n = len(sources)
    moved = [row for row in range(n) if sources[row] != row]
    if not moved:
        return
    matrix = right[sources]
    if sorted(sources) != list(range(n)):
        if len(moved) == 1:
            words = f"its {word} {moved[0]} holds what belongs in {word} {sources[moved[0]]}"
            yield Guess(words, matrix, 3, hypotheses=2 * log(n) / log(10))
        return
    digits = lgamma(n + 1) / log(10) if len(moved) > 2 else 2 * log(n) / log(10)
    shift = -sources[0] % n
    if len(moved) == 2:
        yield Guess(f"its {word}s {listed(moved)} are exchanged", matrix, 2, hypotheses=min(digits, 3))
    elif sources == [(row - shift) % n for row in range(n)]:
        by = shift if shift <= n // 2 else shift - n
        yield Guess(f"its {word}s are rolled by {by}", matrix, 2, hypotheses=min(digits, 3))
    elif sources == list(range(n))[::-1]:
        yield Guess(f"its {word}s are in reverse order", matrix, 2, hypotheses=1)
    else:
        words = f"its {word}s are permuted (units in another order): it has {word}s {listed(sources)}"
        yield Guess(words, matrix, 3, hypotheses=digits)


def _read_in_another_order(right: Array) -> Iterator[Guess]:
    """A matrix written row by row and read column by column, turned, or of one triangle."""
    n, q = right.shape
    yield Guess("it is written row by row and read column by column", right.reshape(-1, order="F").reshape(n, q), 3)
    yield Guess("it is written row by row and read column by column", right.reshape(-1).reshape(n, q, order="F"), 3)
    yield Guess("its rows and columns are in reverse order", right[::-1, ::-1], 3)
    yield Guess("it has the entries below its diagonal alone", np.tril(right), 3)
    yield Guess("it has the entries above its diagonal alone", np.triu(right), 3)
    if n == q:
        yield Guess("its symmetric part alone is given, (dW + dWᵀ)/2", (right + right.T) / 2, 3)
        yield Guess("it has the entries of its diagonal alone", np.diag(np.diag(right)), 3)
