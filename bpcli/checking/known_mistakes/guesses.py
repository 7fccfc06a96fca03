"""The arrays of a layer after each known mistake in its backward pass, or in the forward pass before it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.checking.known_mistakes.guess import Guess, composed
from bpcli.checking.known_mistakes.mistakes import Mistakes
from bpcli.checking.known_mistakes.wrong_arrays import WrongArrays
from bpcli.checking.known_mistakes.wrong_errors import ONE, RARE, TWO
from bpcli.nn import Array


def guesses(wrong: WrongArrays, mistakes: Mistakes) -> Iterator[Guess]:
    """The right arrays first, then those of one mistake each in dZ or the inputs."""
    yield Guess("", wrong.right, 0, hypotheses=0.0)
    for words, dZ, cost in mistakes.errors:
        yield Guess(words, wrong.of_errors(dZ), cost)
    if wrong.weight_columns:
        for words, inputs in mistakes.inputs:
            yield Guess(words, wrong.of_errors(wrong.dZ, inputs))
        yield from _of_other_layers(wrong)
    for words, dZ, inputs in mistakes.passes:
        yield Guess(words, wrong.of_errors(dZ, inputs), RARE)


def _of_other_layers(wrong: WrongArrays) -> Iterator[Guess]:
    """The arrays of another layer, and the parameters themselves, where gradients belong."""
    correct, layer = wrong.correct, wrong.layer
    for other in range(1, correct.layers + 1):
        if other != layer and correct.gradient.W[other].shape == correct.gradient.W[layer].shape:
            matrix = wrong.side_by_side(correct.gradient.W[other], correct.gradient.b[other])
            yield Guess(f"it is that of another layer, {other}", matrix)
    parameters = wrong.side_by_side(correct.parameters.W[layer], correct.parameters.b[layer])
    yield Guess("it is the parameters, W or b, in place of their gradient", parameters)


def pairs_of_mistakes(wrong: WrongArrays, mistakes: Mistakes) -> Iterator[Guess]:
    """The arrays of a wrong dZ with wrong inputs."""
    errors = [found for found in mistakes.errors if found[2] < TWO]
    for words, dZ, _ in errors if wrong.weight_columns else ():
        for more, others in mistakes.inputs:
            yield Guess(composed(words, more), wrong.of_errors(dZ, others), TWO + 1, hypotheses=3.5)


def sums_for_biases(wrong: WrongArrays, mistakes: Mistakes) -> Iterator[Guess]:
    """Sums of dZ that are no bias gradient, where db has as many entries as they."""
    entries = len(wrong.given)
    yield from sums_over_axes(wrong)
    if not wrong.misshapen:
        yield from _from_other_arrays(wrong)
    for also, dZ, cost in (found for found in mistakes.errors if found[2] < TWO):
        for words, array, numbers in _wrong_sums(dZ, entries):
            yield Guess(composed(words, also), array, ONE + cost, numbers=numbers)


def sums_over_axes(wrong: WrongArrays) -> Iterator[Guess]:
    """Sums of the right dZ over other axes than the examples; a sum over both is one number everywhere."""
    uniform = float(np.ptp(wrong.given)) <= wrong.tolerance * float(np.abs(wrong.given).max())
    for words, array, numbers in _wrong_sums(wrong.dZ, len(wrong.given)):
        if uniform or numbers > 1:
            yield Guess(words, array, ONE, numbers=numbers)


def _wrong_sums(dZ: Array, entries: int) -> Iterator[tuple[str, Array, int]]:
    """The sums of a dZ that have so many entries, as columns, and how many of their numbers are different."""
    n, m = dZ.shape
    if entries == n * m and m > 1:
        yield "it is not summed over the examples", dZ.reshape(-1, 1), n * m
        yield "it is not summed over the examples", dZ.T.reshape(-1, 1), n * m
    if entries == m and n > 1:
        words = "it is summed over the units, the wrong axis, instead of the examples"
        yield words, dZ.sum(axis=0)[:, None], m
    if n > 1 and entries in (1, n):
        yield "it is summed over both axes", np.full((entries, 1), dZ.sum()), 1


def _from_other_arrays(wrong: WrongArrays) -> Iterator[Guess]:
    """A db that is made of something else than the sum of dZ."""
    correct, layer, dZ = wrong.correct, wrong.layer, wrong.dZ
    dW = correct.gradient.W[layer]
    yield Guess("it is the sum of dW over its columns", dW.sum(axis=1, keepdims=True), RARE)
    yield Guess("it is the sum of the squares of dZ", (dZ * dZ).sum(axis=1, keepdims=True), RARE)
    yield Guess("it is the sum of the sizes of dZ, without their signs", np.abs(dZ).sum(axis=1, keepdims=True), RARE)
    yield Guess("it is the largest dZ of all examples", dZ.max(axis=1, keepdims=True), RARE)
    yield Guess("it is b, in place of its gradient", correct.parameters.b[layer], ONE)
    yield Guess("it is the sum of A, in place of dZ", correct.ws.A[layer].sum(axis=1, keepdims=True), RARE)
    yield Guess("it adds up what came before, unit by unit", np.cumsum(dZ.sum(axis=1))[:, None], RARE)
    for other in range(1, correct.layers + 1):
        if other != layer and correct.gradient.b[other].shape == (len(dW), 1):
            yield Guess(f"it is that of another layer, {other}", correct.gradient.b[other])
