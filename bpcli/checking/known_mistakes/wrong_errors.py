"""Wrong dZ of a layer, with one mistake each or two, its inputs and the layers above being right."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.checking.known_mistakes.correct_pass import CorrectPass
from bpcli.checking.known_mistakes.derivatives import Wrong, wrong_derivatives
from bpcli.checking.known_mistakes.guess import composed
from bpcli.checking.known_mistakes.wrong_outputs import (
    errors_of_wrong_targets,
    wrong_output_errors,
    wrong_shortcuts,
)

ONE, RARE, TWO = 2, 3, 4
"""The costs of a mistake, of a rare one, and of two."""


def wrong_errors(correct: CorrectPass, layer: int) -> Iterator[tuple[str, np.ndarray, int]]:
    """dZ of a layer with its mistake in words and the cost of that; some may equal the right dZ."""
    if layer == correct.layers:
        yield from ((words, dZ, ONE) for words, dZ in wrong_output_errors(correct))
        yield from ((words, dZ, RARE) for words, dZ in wrong_shortcuts(correct))
        for words, dZ, rare in errors_of_wrong_targets(correct):
            yield words, dZ, RARE if rare else ONE
    else:
        yield from _of_hidden_layer(correct, layer)
    for other in range(1, correct.layers + 1):
        if other != layer and correct.ws.dZ[other].shape == correct.ws.dZ[layer].shape:
            yield f"dZ is that of another layer, {other}", correct.ws.dZ[other], RARE


def _of_hidden_layer(correct: CorrectPass, layer: int) -> Iterator[tuple[str, np.ndarray, int]]:
    """A wrong derivative of the right dA, a wrong dA, or both."""
    derivatives = wrong_derivatives(correct, layer, correct.dA(layer))
    yield from ((words, dZ, ONE) for words, dZ in derivatives[:1])
    wrong_dA = list(_wrong_dA(correct, layer))
    yield from ((words, correct.through(layer, dA), ONE) for words, dA in wrong_dA)
    yield from ((words, dZ, ONE) for words, dZ in derivatives[1:])
    for words, dA in wrong_dA:
        for more, dZ in wrong_derivatives(correct, layer, dA):
            yield composed(words, more), dZ, TWO


def _wrong_dA(correct: CorrectPass, layer: int) -> Iterator[Wrong]:
    """dA of a hidden layer by another product than W_l+1ᵀ dZ_l+1."""
    ws, W = correct.ws, correct.parameters.W
    above, dZ = W[layer + 1], ws.dZ[layer + 1]
    yield "the error of the layer above is left out", above.T @ np.ones_like(dZ)
    if above.shape[0] == above.shape[1]:
        yield "W of the layer above is not transposed", above @ dZ
        yield "W of the layer above is left out", dZ
    yield "the derivative of the layer above is left out on the way down", above.T @ correct.dA(layer + 1)
    for other in range(1, correct.layers + 1):
        if other != layer + 1 and W[other].shape == above.shape:
            yield f"W of another layer, {other}, is used for the one above", W[other].T @ dZ
