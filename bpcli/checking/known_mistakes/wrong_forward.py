"""Wrong forward passes: other parameters, biases or activations, and a correct backward pass after them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpcli.checking.known_mistakes.correct_pass import CorrectPass, correct_pass
from bpcli.nn.activations import ACTIVATIONS, Activation, Identity
from bpcli.nn.network import Network, dense
from bpcli.nn.parameters import Parameters, layer_of

RATES = (1.0, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.003, 0.002, 0.001, 0.0001)
"""The learning rates with which an update is tried."""


def wrong_passes(correct: CorrectPass) -> Iterator[tuple[str, CorrectPass]]:
    """The batch after each wrong forward pass, with words for what is wrong in it."""
    network = correct.network
    for words, parameters in _wrong_parameters(correct):
        yield words, _pass_of(correct, network, parameters)
    for eta in RATES:
        words = f"it is the gradient after an update, at θ − η dθ with η = {eta:g}"
        yield words, _pass_of(correct, network, _updated(correct, eta))
    hidden = network.activations[:-1]
    for layer, activation in enumerate(hidden, start=1):
        for name, other in ACTIVATIONS.items():
            if other is not type(activation):
                words = f"the forward pass has another activation in layer {layer}, {name}"
                if other is Identity:
                    words = f"the forward pass leaves out the activation of layer {layer}"
                instead = _with(network, layer, other())
                yield words, _pass_of(correct, instead, _fitted(correct.parameters, instead))


def _wrong_parameters(correct: CorrectPass) -> Iterator[tuple[str, Parameters]]:
    """The parameters with a mistake in one layer, and without any bias."""
    layers = range(1, correct.layers + 1)
    for layer in layers:
        if correct.parameters.b[layer].any():
            changed = _copy(correct.parameters)
            changed.b[layer].fill(0)
            yield f"the forward pass leaves out b of layer {layer}", changed
            changed = _copy(correct.parameters)
            np.negative(correct.parameters.b[layer], changed.b[layer])
            yield f"the forward pass subtracts b of layer {layer}", changed
        if correct.parameters.W[layer].shape[0] == correct.parameters.W[layer].shape[1]:
            changed = _copy(correct.parameters)
            changed.W[layer][...] = correct.parameters.W[layer].T
            yield f"the forward pass takes the transpose of W of layer {layer}", changed
    without = _copy(correct.parameters)
    for layer in layers:
        without.b[layer].fill(0)
    yield "the forward pass leaves out every b", without


def _updated(correct: CorrectPass, eta: float) -> Parameters:
    """θ − η dθ."""
    return Parameters(correct.parameters.layout, correct.parameters.theta - eta * correct.gradient.theta)


def _copy(parameters: Parameters) -> Parameters:
    return Parameters(parameters.layout, parameters.theta.copy())


def _fitted(parameters: Parameters, network: Network) -> Parameters:
    """The parameters of a network that differs in activations; what these own has its first values."""
    fitted = network.parameters(np.empty(network.layout.count))
    known = parameters.named()
    for name, array in fitted.named().items():
        kind, layer = layer_of(name)
        array[...] = known[name] if name in known else network.activations[layer - 1].owned[kind]
    return fitted


def _with(network: Network, layer: int, activation: Activation) -> Network:
    """The network with another activation in a hidden layer."""
    hidden = list(network.activations[:-1])
    hidden[layer - 1] = activation
    return dense(network.sizes, tuple(hidden), network.head)


def _pass_of(correct: CorrectPass, network: Network, parameters: Parameters) -> CorrectPass:
    """The same batch through another network."""
    ws = network.workspace(correct.ws.m, np.float64)
    ws.X[...], ws.Y[...] = correct.ws.X, correct.ws.Y
    return correct_pass(network, parameters, ws)
