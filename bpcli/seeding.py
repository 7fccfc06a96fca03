"""The states from which NumPy's bit generators start, for many keys at once.

``numpy.random.SeedSequence`` takes a few µs to turn a key into a state, which is as long as an epoch of a small
network. Here the same arithmetic is done on arrays, for keys that differ in their last number alone.
The algorithm is that of O'Neill (2015, *Developing a seed_seq alternative*), as NumPy has it: NumPy promises that
it stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

POOL, WORD = 4, 0xFFFFFFFF
"""The words that a key is mixed into, and the largest word, of 32 bits."""

ABSORBING, ABSORBING_FACTOR = 0x43B0D7E5, 0x931E8875
"""What words are hashed with on their way into the pool: the first number, and what each next is multiplied by."""

GIVING, GIVING_FACTOR = 0x8B51F9DD, 0x58F38DED
"""The same for words on their way out."""

LEFT, RIGHT = np.uint32(0xCA01F9DD), np.uint32(0x4973F715)
"""What the two words that are mixed are multiplied by."""

HALF = np.uint32(16)
"""Half the bits of a word."""

Words = NDArray[np.uint32]


class Seed:
    """The state that a bit generator of NumPy's starts from, already known: (4,) uint64."""

    def __init__(self, state: NDArray[np.uint64]) -> None:
        self._state = state

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[np.uint64]:
        """The state, which is what PCG64 asks for."""
        assert (n_words, dtype) == (POOL, np.uint64), "only PCG64 starts from it"
        return self._state


ISeedSequence.register(Seed)


def states(beginning: Sequence[int], last: range) -> NDArray[np.uint64]:
    """``SeedSequence((*beginning, number)).generate_state(4, uint64)`` of every number of ``last``, a row for each.

    These numbers must not differ but in their lowest 32 bits.
    """
    low, *high = _words(last.start)
    assert low + len(last) - 1 <= WORD, "all have the same higher words"
    numbers = np.arange(low, low + len(last), dtype=np.uint32)
    before = [word for key in beginning for word in _words(key)]
    pool = _mixed([*_filled(before, numbers), numbers, *_filled(high, numbers)])
    found = np.empty((len(numbers), 2 * POOL), "<u4")
    for k, constants in zip(range(2 * POOL), _constants(GIVING, GIVING_FACTOR), strict=False):
        found[:, k] = _hashed(pool[k % POOL], *constants)
    return found.view("<u8").astype(np.uint64)


def _words(number: int) -> list[int]:
    """A number in words, the lowest first; 0 has one."""
    words = [number & WORD]
    while number := number >> 32:
        words.append(number & WORD)
    return words


def _filled(words: list[int], like: Words) -> list[Words]:
    """Each of the words, in an array as long as another."""
    return [np.full_like(like, word) for word in words]


def _mixed(words: list[Words]) -> list[Words]:
    """The pool that words are mixed into."""
    constants = _constants(ABSORBING, ABSORBING_FACTOR)
    empty = np.zeros_like(words[0])
    pool = [_hashed(word, *next(constants)) for word in [*words, *[empty] * POOL][:POOL]]
    for source in range(POOL):
        for goal in range(POOL):
            if source != goal:
                pool[goal] = _joined(pool[goal], _hashed(pool[source], *next(constants)))
    for word in words[POOL:]:
        pool = [_joined(one, _hashed(word, *next(constants))) for one in pool]
    return pool


def _constants(first: int, factor: int) -> Iterator[tuple[np.uint32, np.uint32]]:
    """What each next word is hashed with: a number before it is multiplied, and one to multiply by."""
    while True:
        after = first * factor & WORD
        yield np.uint32(first), np.uint32(after)
        first = after


def _hashed(word: Words, before: np.uint32, after: np.uint32) -> Words:
    word = (word ^ before) * after
    return word ^ (word >> HALF)


def _joined(left: Words, right: Words) -> Words:
    word: Words = LEFT * left - RIGHT * right
    return word ^ (word >> HALF)
