"""Wrong derivatives of an activation: the dZ that each makes of a dA."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.checking.known_mistakes.correct_pass import CorrectPass
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, Identity, LeakyRelu, Relu, Sigmoid, Softmax, first_values

Wrong = tuple[str, Array]
"""A mistake in words, and the array that it gives."""

SAMPLED = 64
"""So many entries tell two arrays apart, nearly always; only where they do not, all are compared."""


def wrong_derivatives(correct: CorrectPass, layer: int, dA: Array) -> list[Wrong]:
    """dZ of a layer with one wrong derivative each, the likeliest first; those that give the same dZ count once."""
    distinct = [correct.through(layer, dA)]
    places = np.linspace(0, dA.size - 1, min(dA.size, SAMPLED)).astype(int)
    samples = distinct[0].reshape(1, -1)[:, places]
    found = []
    for words, dZ in _all(correct, layer, dA):
        sample, near = dZ.reshape(1, -1)[:, places], 1e-12 * np.abs(dZ).max()
        alike = np.flatnonzero(np.abs(samples - sample).max(axis=1) <= near)
        if not any(np.abs(dZ - distinct[other]).max() <= near for other in alike):
            distinct.append(dZ)
            samples = np.concatenate((samples, sample))
            found.append((words, dZ))
    return found


def _all(correct: CorrectPass, layer: int, dA: Array) -> Iterator[Wrong]:
    """The same without a look at what they have in common."""
    yield "the activation's derivative is missing", dA
    yield from _at_other_places(correct, layer, dA)
    yield from _of_other_formulas(correct, layer, dA)
    if isinstance(correct.network.activations[layer - 1], Relu | LeakyRelu):
        yield from _wrong_gates(correct, layer, dA)
    yield from _of_other_activations(correct, layer, dA)
    yield from _at_other_layers(correct, layer, dA)


def _at_other_places(correct: CorrectPass, layer: int, dA: Array) -> Iterator[Wrong]:
    """The right derivative of something else than Z."""
    ws = correct.ws
    Z, A = ws.Z[layer], ws.A[layer]
    yield "the activation's derivative is applied twice", correct.through(layer, correct.through(layer, dA))
    at_A = correct.through(layer, dA, A, correct.activated(layer, A))
    yield "the activation's derivative is taken at A, where it needs Z", at_A
    yield "the activation's derivative is computed from Z by the formula that needs A", correct.through(layer, dA, Z, Z)
    without_bias = Z - correct.parameters.b[layer]
    at_product = correct.through(layer, dA, without_bias, correct.activated(layer, without_bias))
    yield "the activation's derivative is taken at Z without its bias", at_product


def _at_other_layers(correct: CorrectPass, layer: int, dA: Array) -> Iterator[Wrong]:
    """The right derivative at another layer's Z, with its A or with the A that follows from Z."""
    ws, Z = correct.ws, correct.ws.Z[layer]
    for other in range(1, correct.layers + 1):
        if other != layer and ws.Z[other].shape == Z.shape:
            words = f"the activation's derivative is taken at the Z and A of another layer, {other}"
            yield words, correct.through(layer, dA, ws.Z[other], ws.A[other])
            yield words, correct.through(layer, dA, ws.Z[other], correct.activated(layer, ws.Z[other]))


def _of_other_activations(correct: CorrectPass, layer: int, dA: Array) -> Iterator[Wrong]:
    """By the formula of another activation; a layer's own with other settings is none of these."""
    ws, activation = correct.ws, correct.network.activations[layer - 1]
    Z, A = ws.Z[layer], ws.A[layer]
    for name, other in ACTIVATIONS.items():
        if other not in (type(activation), Identity):
            its_A = np.maximum(A, 0) if other is Relu else A  # ReLU's A is never below 0
            own = first_values(other(), Z.dtype)
            dZ, d_own = np.empty_like(A), np.empty_like(own)
            other().backward(np.array(dA), Z, its_A, own, dZ, d_own, ws.scratch[layer])
            diagonal = isinstance(activation, Softmax) and other is Sigmoid
            words = f"the derivative is that of another activation, {name}"
            yield "softmax's derivative is taken as diagonal, a(1 − a)" if diagonal else words, dZ
            if not diagonal:
                forward_A, dZ = np.empty_like(A), np.empty_like(A)
                other().forward(Z, own, forward_A, ws.scratch[layer])
                other().backward(np.array(dA), Z, forward_A, own, dZ, d_own, ws.scratch[layer])
                yield words, dZ


def _of_other_formulas(correct: CorrectPass, layer: int, dA: Array) -> Iterator[Wrong]:
    """By a formula that is no derivative."""
    A = correct.ws.A[layer]
    softmax = isinstance(correct.network.activations[layer - 1], Softmax)
    of_itself = "softmax's derivative lacks its − a aᵀ" if softmax else "a stands for the activation's derivative"
    yield of_itself, dA * A
    yield "1 − a stands for the activation's derivative", dA * (1 - A)
    yield "a² stands for the activation's derivative", dA * A * A
    if softmax:
        mean = (dA * A).sum() / A.shape[1]
        yield "softmax's derivative takes its sum ⟨da, a⟩ over the whole batch", A * (dA - mean)
        over_examples = A * (dA - (dA * A).sum(axis=1, keepdims=True))
        yield "softmax's derivative takes its sum ⟨da, a⟩ over the examples, the wrong axis", over_examples
        yield "softmax's derivative has a plus for its minus, diag(a) + a aᵀ", A * (dA + (dA * A).sum(axis=0))


def _wrong_gates(correct: CorrectPass, layer: int, dA: Array) -> Iterator[Wrong]:
    """The derivative of a ReLU, open on another side than where z > 0."""
    Z, activation = correct.ws.Z[layer], correct.network.activations[layer - 1]
    slope = activation.slope if isinstance(activation, LeakyRelu) else 0.0
    yield "ReLU's derivative is 1 on the wrong side, where z is negative", dA * np.where(Z > 0, slope, 1)
    yield "ReLU's derivative looks at the sign of dA (δ), where it needs that of z", dA * np.where(dA > 0, 1, slope)
    gated = np.where((dA > 0) & (Z > 0), dA, slope * dA)
    yield "ReLU's derivative looks at the sign of dA (δ) as well as that of z, as in guided backpropagation", gated
    if slope:
        yield "the slope of the leaky ReLU is forgotten", dA * (Z > 0)
    yield "ReLU's derivative is the sign of z, −1 where z is negative", dA * np.sign(Z)
