"""Wrong dZ of a hidden layer with one number in it, which is fitted: a slope, a threshold, a learning rate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.checking.known_mistakes.guess import Guess
from bpcli.checking.known_mistakes.wrong_arrays import WrongArrays
from bpcli.nn import Array
from bpcli.nn.activations import Identity, LeakyRelu, Relu

MOST_THRESHOLDS = 4000
"""Thresholds are tried where a layer has no more units times examples."""


def fitted_errors(wrong: WrongArrays) -> Iterator[Guess]:
    """Of a hidden layer, with the layers above right."""
    if wrong.layer == wrong.correct.layers:
        return
    yield from _updated_weights(wrong)
    activation = wrong.correct.network.activations[wrong.layer - 1]
    if isinstance(activation, Relu | LeakyRelu):
        yield from _other_slope(wrong)
        yield from _thresholds(wrong, activation.slope if isinstance(activation, LeakyRelu) else 0.0)
    if not isinstance(activation, Identity):
        yield from _share_of_derivative(wrong)


def _updated_weights(wrong: WrongArrays) -> Iterator[Guess]:
    """dA by W − η dW of the layer above."""
    correct, layer = wrong.correct, wrong.layer
    term = correct.through(layer, correct.gradient.W[layer + 1].T @ correct.ws.dZ[layer + 1])
    yield from _fitted(wrong, "W of the layer above is already updated, W − η dW with η = {}", wrong.dZ, -term)


def _other_slope(wrong: WrongArrays) -> Iterator[Guess]:
    """The derivative of a leaky ReLU of another slope."""
    correct, layer = wrong.correct, wrong.layer
    dA, Z = correct.dA(layer), correct.ws.Z[layer]
    yield from _fitted(wrong, "ReLU's derivative has the slope {} where z is negative", dA * (Z > 0), dA * (Z <= 0))


def _share_of_derivative(wrong: WrongArrays) -> Iterator[Guess]:
    """f′ + s for f′: a constant added to the derivative, as some do against saturation."""
    words = "a constant, {}, is added to the activation's derivative"
    yield from _fitted(wrong, words, wrong.dZ, wrong.correct.dA(wrong.layer))


def _fitted(wrong: WrongArrays, words: str, dZ: Array, term: Array) -> Iterator[Guess]:
    """The arrays of dZ and of a multiple of a term, which is fitted."""
    fixed, free = (wrong.sample.of(wrong.of_errors(one)) for one in (dZ, term))
    value = wrong.sample.fit_rest(fixed, free)
    if np.isfinite(value):
        yield Guess(words.format(f"{value:.6g}"), wrong.of_errors(dZ + value * term), 3, 1, final=True)


def _thresholds(wrong: WrongArrays, slope: float) -> Iterator[Guess]:
    """The gate opened at another z than 0: the best of all thresholds that give another dZ."""
    correct, layer = wrong.correct, wrong.layer
    dA, Z = correct.dA(layer), correct.ws.Z[layer]
    if Z.size > MOST_THRESHOLDS:
        return
    for sign in (1, -1):
        order = np.argsort(np.where(sign * Z > 0, sign * Z, np.inf), axis=None)[: int((sign * Z > 0).sum())]
        matrix, best = wrong.right.copy(), (np.inf, 0.0, wrong.right)
        for place in order:
            i, p = divmod(int(place), Z.shape[1])
            matrix[i] -= sign * (1 - slope) * dA[i, p] * wrong.inputs[:, p]
            error = wrong.error(matrix)
            if error < best[0]:
                best = (error, float(Z[i, p]), matrix.copy())
        if best[0] < np.inf:
            side = "above" if sign > 0 else "below"
            words = f"ReLU's derivative has a shifted threshold, {side} 0: about z > {best[1]:.3g}"
            yield Guess(words, best[2], 3, hypotheses=float(np.log10(Z.size + 1)) + 1, final=True)
