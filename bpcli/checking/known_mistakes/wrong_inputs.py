"""Wrong inputs of a layer: what people multiply dZ by, where A of the layer below belongs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.checking.known_mistakes.correct_pass import CorrectPass
from bpcli.checking.known_mistakes.derivatives import Wrong


def wrong_inputs(correct: CorrectPass, layer: int) -> Iterator[Wrong]:
    """Other inputs, (n_{l-1}, m), with words; some may equal the right ones."""
    ws, below = correct.ws, layer - 1
    A = ws.A[below]
    if below:
        Z = ws.Z[below]
        yield "the layer below is taken before its activation, Z, for A", Z
        yield "the layer below is taken through its activation twice", correct.activated(below, A)
        yield "the derivative of the layer below stands for its A", correct.through(below, np.ones_like(A))
        without = Z - correct.parameters.b[below]
        yield "the layer below is taken without its bias", correct.activated(below, without)
        yield "dZ of the layer below stands for its A", ws.dZ[below]
    for other in range(correct.layers + 1):
        if other != below and ws.A[other].shape == A.shape:
            name = "X" if other == 0 else f"A of layer {other}"
            yield f"{name} stands for A of the layer below, the inputs", ws.A[other]
    yield from _of_other_examples(A)


def _of_other_examples(A: np.ndarray) -> Iterator[Wrong]:
    """The right inputs at other examples, or what they add up to."""
    for words, order in (("after", np.roll(A, -1, axis=1)), ("before", np.roll(A, 1, axis=1))):
        yield f"dZ of each example meets the inputs of the example {words}", order
    yield "dZ of each example meets the inputs of the examples in reverse order", A[:, ::-1]
    total = np.broadcast_to(A.sum(axis=1, keepdims=True), A.shape)
    yield "the sums of dZ and of the inputs over the examples are multiplied, not the products summed", total
    yield "the inputs are centred, their means subtracted", A - A.mean(axis=1, keepdims=True)
    yield "the inputs are left out, 1 for each", np.ones_like(A)
    yield "the inputs are squared", A * A
