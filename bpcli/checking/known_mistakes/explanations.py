"""The simplest known mistakes that give the wrong arrays of a layer, together or each for itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from bpcli.checking.known_mistakes.additions import with_additions
from bpcli.checking.known_mistakes.correct_pass import CorrectPass
from bpcli.checking.known_mistakes.entries import changed_entries, factors_of_lines
from bpcli.checking.known_mistakes.evidence import Evidence
from bpcli.checking.known_mistakes.fitted_errors import fitted_errors
from bpcli.checking.known_mistakes.fitted_targets import fitted_targets
from bpcli.checking.known_mistakes.guess import Explanation, Guess, composed, is_composed, simplest
from bpcli.checking.known_mistakes.guesses import guesses, pairs_of_mistakes, sums_for_biases
from bpcli.checking.known_mistakes.meanings import Meaning, is_everywhere, meanings, of_a_free_factor
from bpcli.checking.known_mistakes.mistakes import Mistakes
from bpcli.checking.known_mistakes.of_examples import (
    one_wrong_example,
    sums_over_examples,
    sums_over_sets,
    weights_of_examples,
)
from bpcli.checking.known_mistakes.precision import right_but_rounded
from bpcli.checking.known_mistakes.products import right_errors_with_other_inputs
from bpcli.checking.known_mistakes.rearrangements import rearrangements
from bpcli.checking.known_mistakes.rounded_away import is_rounded_away, multiple_of_right, zero_in_words
from bpcli.checking.known_mistakes.wrong_arrays import WrongArrays, views
from bpcli.nn import Array

OF_MEANING, OF_FACTOR, OF_TRANSPOSITION = 2, 3, 2
"""What a factor costs that has a meaning, one that has none, and a transposed dW."""

OF_MEANINGS = 1.3
"""Decimal digits of the number of factors with a meaning."""

MOST_MEANINGS = 3
"""The most meanings of a factor that are named; beside another mistake only the likeliest is."""

MOST_EXAMPLES = 64
"""Something is added to the sum over some of the examples where there are no more of them."""

SIMPLE = 4
"""Where an explanation of that cost is found, no further ones are computed."""


def explain(
    correct: CorrectPass, file: Mapping[str, Array], layer: int, given: Mapping[str, Array], mistakes: Mistakes
) -> list[Explanation]:
    """The simplest explanations of a layer's wrong arrays ``given``, dW (n, k) and db (n, 1) or either.

    ``file`` has the arrays of all layers. The result is empty where no known mistake gives these numbers.
    """
    found: list[Explanation] = []
    for wrong in views(correct, file, layer, given):
        if wrong.turned and found and min(one.cost for one in found) <= OF_TRANSPOSITION:
            break
        explanations = _explanations(wrong, mistakes)
        found += [_of_view(wrong, one) for one in explanations if not (wrong.turned and is_composed(one.words))]
    return simplest(found, wrong.noise) if found else []


def _of_view(wrong: WrongArrays, one: Explanation) -> Explanation:
    """An explanation of the arrays as they were given, with the one that is wrong as its subject."""
    if wrong.turned:
        words = one.words.removeprefix("it is right")
        turned = composed("dW is transposed", words) if words == one.words else f"dW is transposed{words}"
        return Explanation(turned, one.cost + OF_TRANSPOSITION, one.error)
    if not wrong.name:
        return Explanation(one.words.replace("it is right, but", "right, but"), one.cost, one.error)
    about = f"{wrong.name} {one.words[3:]}" if one.words.startswith("it ") else f"{wrong.name}: {one.words}"
    return Explanation(about, one.cost, one.error)


def _explanations(wrong: WrongArrays, mistakes: Mistakes) -> list[Explanation]:
    """The simplest explanations of the arrays as they lie."""
    if not wrong.given.any():
        return [Explanation("it is all zeros", 0, 0.0)]
    rounded = right_but_rounded(wrong.given, wrong.right, wrong.sums, wrong.dtype)
    if rounded and not wrong.turned:
        return [Explanation(f"it is right, but in {rounded}", 1, 0.0)]
    evidence = Evidence(wrong)
    if wrong.misshapen:
        return simplest(_explained(evidence, sums_for_biases(wrong, mistakes)), wrong.noise)
    if is_rounded_away(wrong):
        return _rounded_away(evidence)
    found = _explained(evidence, _single_mistakes(wrong, mistakes))
    if min((one.cost for one in found), default=np.inf) > SIMPLE and not wrong.is_rounding:
        found += _explained(evidence, _compositions(wrong, mistakes))
    if not found:
        found = _explained(evidence, _last_resorts(wrong, mistakes))
    return simplest(found, wrong.noise)


def _rounded_away(evidence: Evidence) -> list[Explanation]:
    """The explanation of arrays that are smaller than the rounding of the right ones."""
    wrong = evidence.wrong
    c = multiple_of_right(evidence)
    if c:
        return [Explanation(_in_words(Guess("", wrong.right), c, of_a_free_factor(wrong, c)), OF_FACTOR, 0.0)]
    return [Explanation(zero_in_words(wrong), 1, 0.0)]


def _single_mistakes(wrong: WrongArrays, mistakes: Mistakes) -> Iterator[Guess]:
    """One mistake, or one change of the right arrays."""
    yield from guesses(wrong, mistakes)
    if wrong.name == "db":
        yield from sums_for_biases(wrong, mistakes)
    for family in (sums_over_examples, changed_entries, rearrangements, fitted_errors, fitted_targets):
        yield from family(wrong)


def _compositions(wrong: WrongArrays, mistakes: Mistakes) -> Iterator[Guess]:
    """Something added to one mistake, or several numbers fitted."""
    yield from with_additions(wrong, guesses(wrong, mistakes))
    if wrong.dZ.shape[1] <= MOST_EXAMPLES:
        yield from with_additions(wrong, sums_over_examples(wrong))
    for family in (sums_over_sets, weights_of_examples, factors_of_lines, one_wrong_example):
        yield from family(wrong)


def _last_resorts(wrong: WrongArrays, mistakes: Mistakes) -> Iterator[Guess]:
    """Two mistakes, or one right factor of dW beside an unknown one."""
    yield from pairs_of_mistakes(wrong, mistakes)
    yield from right_errors_with_other_inputs(wrong)


def _explained(evidence: Evidence, tried: Iterable[Guess]) -> list[Explanation]:
    """The explanations among guesses, each tried with a factor unless it is final."""
    known = [(1.0, ""), *meanings(evidence.wrong)]
    found: list[Explanation] = []
    for guess in tried:
        found += _as_it_is(evidence, guess) if guess.final else _with_factors(evidence, guess, known)
    return found


def _as_it_is(evidence: Evidence, guess: Guess) -> Iterator[Explanation]:
    """The guess without a factor, if the evidence decides for it."""
    wrong = evidence.wrong
    if not wrong.sample.rules_out(wrong.sample.of(guess.matrix)):
        error = wrong.error(guess.whole)
        if evidence.decides(error, guess):
            yield Explanation(guess.words, guess.cost, error)


def _with_factors(evidence: Evidence, guess: Guess, known: list[Meaning]) -> Iterator[Explanation]:
    """The guess with each factor that has a meaning, 1 among them, and if none fits with any other."""
    wrong = evidence.wrong
    sampled = wrong.sample.of(guess.matrix)
    c = 1.0 if wrong.is_rounding else wrong.sample.factor(sampled)
    if not np.isfinite(c) or not c or wrong.sample.rules_out(c * sampled):
        return
    fitting: dict[float, list[str]] = {}
    for value, words in known:
        digits = 0.0 if value == 1 else OF_MEANINGS
        if abs(c / value - 1) <= 100 * wrong.tolerance and evidence.decides(
            wrong.error(value * guess.whole), guess, hypotheses=digits
        ):
            fitting.setdefault(value, []).append(words)
    for value, meant in fitting.items():
        words = _in_words(guess, value, ", or ".join(meant[: 1 if guess.words else MOST_MEANINGS]))
        yield Explanation(words, guess.cost + OF_MEANING * (value != 1), wrong.error(value * guess.whole))
    error = wrong.error(c * guess.whole)
    if not fitting and evidence.decides(error, guess, 0 if _is_met_below(wrong, guess, c) else 1):
        yield Explanation(_in_words(guess, c, of_a_free_factor(wrong, c)), guess.cost + OF_FACTOR, error)


def _is_met_below(wrong: WrongArrays, guess: Guess, c: float) -> bool:
    """Whether c is no free number, because the layers below have it too."""
    return not guess.words and wrong.correct.layers > 1 and is_everywhere(wrong, c)


def _in_words(guess: Guess, c: float, meaning: str) -> str:
    """The mistake, and the factor with what it means."""
    if c == 1:
        return guess.words
    return f"{guess.words or 'it is right'}, but {meaning}: {number(c)} times what it should be"


def number(c: float) -> str:
    """A factor in as many digits as tell it from 1, six at least."""
    digits = 6 if abs(c - 1) > 1e-4 else min(17, 2 - int(np.log10(abs(c - 1) or 1e-16)) + 2)
    return f"{c:.{digits}g}"
