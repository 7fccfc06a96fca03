"""The arrays of a layer after each known mistake in its backward pass, or in the forward pass before it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.checking.known_mistakes.wrong_arrays import Guess, WrongArrays
from bpcli.checking.known_mistakes.wrong_errors import ONE, RARE, TWO, wrong_errors
from bpcli.checking.known_mistakes.wrong_forward import wrong_passes
from bpcli.checking.known_mistakes.wrong_inputs import wrong_inputs
from bpcli.nn import Array

MOST_NUMBERS = 20_000_000
"""Pairs of mistakes are tried where their arrays have no more numbers than that together."""


def guesses(wrong: WrongArrays) -> Iterator[Guess]:
    """The right arrays first, then those of one mistake each in dZ or the inputs."""
    correct, layer = wrong.correct, wrong.layer
    yield Guess("", wrong.right, 0)
    for words, dZ, cost in wrong_errors(correct, layer):
        yield Guess(words, wrong.of_errors(dZ), cost)
    if wrong.weight_columns:
        for words, inputs in wrong_inputs(correct, layer):
            yield Guess(words, wrong.of_errors(wrong.dZ, inputs))
        yield from _of_other_layers(wrong)
    if layer == correct.layers:
        for words, other in wrong_passes(correct):
            yield Guess(words, wrong.of_errors(other.ws.dZ[layer], other.ws.A[layer - 1]), RARE)


def _of_other_layers(wrong: WrongArrays) -> Iterator[Guess]:
    """The arrays of another layer, and the parameters themselves, where gradients belong."""
    correct, layer = wrong.correct, wrong.layer
    for other in range(1, correct.layers + 1):
        if other != layer and correct.gradient.W[other].shape == correct.gradient.W[layer].shape:
            matrix = wrong.side_by_side(correct.gradient.W[other], correct.gradient.b[other])
            yield Guess(f"it is that of another layer, {other}", matrix)
    parameters = wrong.side_by_side(correct.parameters.W[layer], correct.parameters.b[layer])
    yield Guess("it is the parameters, W or b, in place of their gradient", parameters)


def pairs_of_mistakes(wrong: WrongArrays) -> Iterator[Guess]:
    """The arrays of a wrong dZ with wrong inputs."""
    correct, layer = wrong.correct, wrong.layer
    errors = [found for found in wrong_errors(correct, layer) if found[2] < TWO]
    inputs = list(wrong_inputs(correct, layer)) if wrong.weight_columns else []
    if len(errors) * len(inputs) * wrong.given.size > MOST_NUMBERS:
        return
    for words, dZ, _ in errors:
        for more, others in inputs:
            yield Guess(f"{words}, and {more}", wrong.of_errors(dZ, others), TWO + 1, hypotheses=3.5)


def sums_for_biases(wrong: WrongArrays) -> Iterator[Guess]:
    """Sums of dZ that are no bias gradient, where db has as many entries as they."""
    entries = len(wrong.given)
    for words, array in _wrong_sums(wrong.dZ, entries):
        yield Guess(words, array, ONE)
    if not wrong.misshapen:
        yield from _from_other_arrays(wrong)
    for also, dZ, cost in wrong_errors(wrong.correct, wrong.layer):
        for words, array in _wrong_sums(dZ, entries):
            yield Guess(f"{words}, and {also}", array, ONE + cost)


def _wrong_sums(dZ: Array, entries: int) -> Iterator[tuple[str, Array]]:
    """The sums of a dZ that have so many entries, as columns."""
    n, m = dZ.shape
    if entries == n * m and m > 1:
        yield "it is not summed over the examples", dZ.reshape(-1, 1)
        yield "it is not summed over the examples", dZ.T.reshape(-1, 1)
    if entries == m and n > 1:
        words = "it is summed over the units, the wrong axis, instead of the examples"
        yield words, dZ.sum(axis=0)[:, None]
    if n > 1 and entries in (1, n):
        yield "it is summed over both axes", np.full((entries, 1), dZ.sum())


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
