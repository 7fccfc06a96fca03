"""The simplest known mistakes that give the wrong arrays of a layer, together or each for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from bpcli.checking.known_mistakes.additions import with_additions
from bpcli.checking.known_mistakes.correct_pass import CorrectPass
from bpcli.checking.known_mistakes.entries import changed_entries, factors_of_lines
from bpcli.checking.known_mistakes.fitted_errors import fitted_errors
from bpcli.checking.known_mistakes.guesses import guesses, pairs_of_mistakes, sums_for_biases
from bpcli.checking.known_mistakes.meanings import is_everywhere, meanings, of_a_free_factor
from bpcli.checking.known_mistakes.of_examples import sums_over_examples, sums_over_sets, weights_of_examples
from bpcli.checking.known_mistakes.products import right_errors_with_other_inputs
from bpcli.checking.known_mistakes.rearrangements import rearrangements
from bpcli.checking.known_mistakes.wrong_arrays import Explanation, Guess, WrongArrays, simplest, views
from bpcli.nn import Array

OF_MEANING, OF_FACTOR, OF_TRANSPOSITION = 2, 3, 2
"""What a factor costs that has a meaning, one that has none, and a transposed dW."""

MOST_MEANINGS = 3
"""The most meanings of a factor that are named."""

SIMPLE = 4
"""Where an explanation of that cost is found, no further ones are computed."""

Family = Callable[[WrongArrays], Iterator[Guess]]


def explain(
    correct: CorrectPass, file: Mapping[str, Array], layer: int, given: Mapping[str, Array]
) -> list[Explanation]:
    """The simplest explanations of a layer's wrong arrays ``given``, dW (n, k) and db (n, 1) or either.

    ``file`` has the arrays of all layers. The result is empty where no known mistake gives these numbers.
    """
    found: list[Explanation] = []
    for wrong in views(correct, file, layer, given):
        if wrong.turned and found and min(one.cost for one in found) <= OF_TRANSPOSITION:
            break
        found += [_of_view(wrong, one) for one in _explanations(wrong)]
    return simplest(found, wrong.noise) if found else []


def _of_view(wrong: WrongArrays, one: Explanation) -> Explanation:
    """An explanation of the arrays as they were given, with the one that is wrong as its subject."""
    if wrong.turned:
        words = one.words.removeprefix("it is right")
        also = f", and {words}" if words and words == one.words else words
        return Explanation(f"dW is transposed{also}", one.cost + OF_TRANSPOSITION, one.error)
    if not wrong.name:
        return Explanation(one.words.replace("it is right, but", "right, but"), one.cost, one.error)
    about = f"{wrong.name} {one.words[3:]}" if one.words.startswith("it ") else f"{wrong.name}: {one.words}"
    return Explanation(about, one.cost, one.error)


def _explanations(wrong: WrongArrays) -> list[Explanation]:
    """The simplest explanations of the arrays as they lie."""
    if not wrong.given.any():
        return [Explanation("it is all zeros", 0, 0.0)]
    if wrong.misshapen:
        return simplest(_explained(wrong, sums_for_biases(wrong)), wrong.noise)
    found: list[Explanation] = []
    for families in ((guesses, sums_over_examples, _of_biases, changed_entries, rearrangements), (fitted_errors,)):
        found += _explained(wrong, (guess for family in families for guess in family(wrong)))
    if not found or min(one.cost for one in found) > SIMPLE:
        found += _explained(wrong, sums_over_sets(wrong))
        found += _explained(wrong, weights_of_examples(wrong))
        found += _explained(wrong, factors_of_lines(wrong))
        found += _explained(wrong, (more for guess in guesses(wrong) for more in with_additions(wrong, guess)))
    if not found:
        found += _explained(wrong, pairs_of_mistakes(wrong))
        found += _explained(wrong, right_errors_with_other_inputs(wrong))
    return simplest(found, wrong.noise)


def _of_biases(wrong: WrongArrays) -> Iterator[Guess]:
    """Wrong sums for db alone."""
    return sums_for_biases(wrong) if wrong.name == "db" else iter(())


def _explained(wrong: WrongArrays, tried: Iterable[Guess]) -> list[Explanation]:
    """The explanations among guesses, each tried with a factor."""
    known = [(1.0, ""), *meanings(wrong)]
    return [one for guess in tried for one in _with_factors(wrong, guess, known)]


def _with_factors(wrong: WrongArrays, guess: Guess, known: list[tuple[float, str]]) -> Iterator[Explanation]:
    """The guess as it is, with each factor that has a meaning, and with any other."""
    if guess.final:
        error = wrong.error(guess.matrix)
        if wrong.decides(error, guess):
            yield Explanation(guess.words, guess.cost, error)
        return
    c = 1.0 if wrong.is_rounding else float(wrong.fit(guess.matrix)[0])
    if not np.isfinite(c) or not c or not wrong.error(c * guess.matrix) <= wrong.tolerance:
        return
    fitting: dict[float, list[str]] = {}
    for value, words in known:
        if abs(c / value - 1) <= 100 * wrong.tolerance and wrong.decides(wrong.error(value * guess.matrix), guess):
            fitting.setdefault(value, []).append(words)
    for value, meant in fitting.items():
        cost = guess.cost + OF_MEANING * (value != 1)
        words = _in_words(guess, value, ", or ".join(meant[:MOST_MEANINGS]))
        yield Explanation(words, cost, wrong.error(value * guess.matrix))
    error = wrong.error(c * guess.matrix)
    met_below = not guess.words and wrong.correct.layers > 1 and is_everywhere(wrong, c)
    if not fitting and wrong.decides(error, guess, 0 if met_below else 1):
        yield Explanation(_in_words(guess, c, of_a_free_factor(wrong, c)), guess.cost + OF_FACTOR, error)


def _in_words(guess: Guess, c: float, meaning: str) -> str:
    """The mistake, and the factor with what it means."""
    if c == 1:
        return guess.words
    return f"{guess.words or 'it is right'}, but {meaning}: {number(c)} times what it should be"


def number(c: float) -> str:
    """A factor in as many digits as tell it from 1, six at least."""
    digits = 6 if abs(c - 1) > 1e-4 else min(17, 2 - int(np.log10(abs(c - 1) or 1e-16)) + 2)
    return f"{c:.{digits}g}"
