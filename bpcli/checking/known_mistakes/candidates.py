"""The known mistakes in the backward pass of one layer, and the dZ, dW and db that each of them gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, Identity, Relu, Sigmoid, Softmax
from bpcli.nn.gradient_check import Probe, rounding
from bpcli.nn.heads import Composed, join
from bpcli.nn.losses import LOSSES, HalfSquaredError
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace
from bpcli.streams import stream


@dataclass(frozen=True)
class CorrectPass:
    """One batch after a correct forward and backward pass in float64, and the ``gradient`` of its loss."""

    network: Network
    parameters: Parameters
    ws: Workspace
    gradient: Parameters

    @property
    def layers(self) -> int:
        """L, the number of layers."""
        return len(self.network.layers)

    @cached_property
    def rounding(self) -> Parameters:
        """How far rounding in float64 may change each gradient."""
        bounds = rounding(Probe(self.network, self.ws.X, self.ws.Y), self.parameters.theta, stream(0, "gradient check"))
        return Parameters(self.network.sizes, bounds)


def correct_pass(network: Network, parameters: Parameters, ws: Workspace) -> CorrectPass:
    """Run the batch in ``ws``, X (n_0, m) and Y, forward and backward."""
    gradient = Parameters(network.sizes, np.empty_like(parameters.theta))
    network.forward(parameters, ws)
    network.backward(parameters, gradient, ws, network.scale(ws.m))
    return CorrectPass(network, parameters, ws, gradient)


@dataclass(frozen=True)
class CandidateMistake:
    """A mistake in words, empty for none: the dZ (n_l, m) that it gives, and the layer's ``inputs`` (n_{l-1}, m)."""

    words: str
    dZ: Array  # noqa: N815 - ∂L/∂Z, as everywhere
    inputs: Array

    @property
    def dW(self) -> Array:
        """dZ Aᵀ, (n_l, n_{l-1}), A being the inputs."""
        return np.asarray(self.dZ @ self.inputs.T)

    @property
    def db(self) -> Array:
        """The sum of dZ over the examples, (n_l, 1)."""
        return np.asarray(self.dZ.sum(axis=1, keepdims=True))


def without_mistake(correct: CorrectPass, layer: int) -> CandidateMistake:
    """The correct backward pass of a layer."""
    return CandidateMistake("", correct.ws.dZ[layer], correct.ws.A[layer - 1])


def candidate_mistakes(correct: CorrectPass, layer: int) -> Iterator[CandidateMistake]:
    """The layer without a mistake, then with one mistake each; the layers above it are right."""
    ws, right = correct.ws, without_mistake(correct, layer)
    yield right
    for words, dZ in _wrong_dZ(correct, layer):
        yield CandidateMistake(words, dZ, right.inputs)
    if layer > 1:
        yield CandidateMistake("the layer below is taken before its activation, Z, for A", right.dZ, ws.Z[layer - 1])
    for example in range(ws.m if ws.m > 1 else 0):
        alone = np.zeros_like(right.dZ)
        alone[:, example] = right.dZ[:, example]
        words = f"it is of one example, number {example}, instead of the sum over all"
        yield CandidateMistake(words, alone, right.inputs)


def _wrong_dZ(correct: CorrectPass, layer: int) -> Iterator[tuple[str, Array]]:
    """dZ of a layer with one mistake each.

    The missing derivative comes first, as the likeliest mistake; derivatives that give the same dZ count once.
    """
    distinct = [correct.ws.dZ[layer]]
    derivatives = []
    for words, dZ in _wrong_derivatives(correct, layer):
        if not any(np.allclose(dZ, other, rtol=1e-12, atol=0) for other in distinct):
            distinct.append(dZ)
            derivatives.append((words, dZ))
    yield from derivatives[:1]
    yield from _wrong_losses(correct) if layer == correct.layers else _wrong_dA(correct, layer)
    yield from derivatives[1:]


def _wrong_derivatives(correct: CorrectPass, layer: int) -> Iterator[tuple[str, Array]]:
    """dZ of a layer with a wrong derivative of its activation; some may equal the right dZ."""
    network, ws = correct.network, correct.ws
    activation, Z, A, scratch = network.activations[layer - 1], ws.Z[layer], ws.A[layer], ws.scratch[layer]
    dA, activated_twice, dZ = _dA(correct, layer), np.empty_like(A), np.empty_like(A)
    composed = layer == correct.layers and isinstance(network.head, Composed)
    shortcut = composed and isinstance(network.head.loss, HalfSquaredError)
    yield "the activation's derivative is missing" + ", as in the shortcut A − Y of another pair" * shortcut, dA
    activation.forward(A, activated_twice, scratch)
    activation.backward(dA, A, activated_twice, dZ, scratch)
    yield "the activation's derivative is taken at A, where it needs Z", dZ.copy()
    activation.backward(dA, Z, Z, dZ, scratch)
    yield "the activation's derivative is computed from Z by the formula that needs A", dZ.copy()
    for name, other in ACTIVATIONS.items():
        if other not in (type(activation), Identity):
            its_A = np.maximum(A, 0) if other is Relu else A  # ReLU's A is never below 0
            other().backward(dA, Z, its_A, dZ, scratch)
            diagonal = isinstance(activation, Softmax) and other is Sigmoid
            words = f"the derivative is that of another activation, {name}"
            yield "softmax's derivative is taken as diagonal, a(1 − a)" if diagonal else words, dZ.copy()


def _wrong_dA(correct: CorrectPass, layer: int) -> Iterator[tuple[str, Array]]:
    """dZ of a hidden layer from a wrong dA."""
    ws, W, dZ = correct.ws, correct.parameters.W[layer + 1], np.empty_like(correct.ws.dZ[layer])
    wrong = {"the error of the layer above is left out": W.T @ np.ones_like(ws.dZ[layer + 1])}
    if W.shape[0] == W.shape[1]:
        wrong["W of the layer above is not transposed"] = W @ ws.dZ[layer + 1]
    for words, dA in wrong.items():
        correct.network.activations[layer - 1].backward(dA, ws.Z[layer], ws.A[layer], dZ, ws.scratch[layer])
        yield words, dZ.copy()


def _dA(correct: CorrectPass, layer: int) -> Array:
    """The right dA of a layer, (n_l, m)."""
    network, ws = correct.network, correct.ws
    if layer < correct.layers:
        return np.asarray(correct.parameters.W[layer + 1].T @ ws.dZ[layer + 1])
    dA = np.empty_like(ws.A[layer])
    network.head.loss.backward(ws.A[layer], ws.Y, network.scale(ws.m), dA, ws.output)
    return dA


def _wrong_losses(correct: CorrectPass) -> Iterator[tuple[str, Array]]:
    """dZ_L of the shortcut A − Y where it does not hold, and of every other loss."""
    network, ws = correct.network, correct.ws
    A, Z = ws.A[-1], ws.Z[-1]
    dense = np.eye(A.shape[0])[:, ws.Y] if ws.Y.ndim == 1 else ws.Y
    scale = network.scale(ws.m)
    if isinstance(network.head, Composed):
        yield "the shortcut A − Y is used, which belongs to another pair of output and loss", (A - dense) * scale
    for name, other in LOSSES.items():
        if other is type(network.head.loss):
            continue
        loss = other()
        Y = np.argmax(dense, axis=0) if loss.targets.class_indices else dense
        dZ = np.empty_like(A)
        join(network.head.activation, loss).backward(Z, A, Y, scale, np.empty_like(A), dZ, ws.output)
        yield f"it is the gradient of another loss, {name}", dZ
