"""Layers: a dense layer applies its activation, and nothing is drawn for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.activations import Activation, Identity, Sigmoid, Tanh, first_values
from bpcli.nn.heads import join
from bpcli.nn.initializers import Glorot, Initializer, Zeros
from bpcli.nn.layers import LAYERS, Dense
from bpcli.nn.losses import HalfSquaredError
from bpcli.nn.network import Network
from bpcli.nn.workspace import Scratch

from .support import activations, output_scratch

every_activation = pytest.mark.parametrize("f", activations().values(), ids=activations())


def batch(n: int = 4, m: int = 5) -> tuple[Array, Array, Scratch]:
    """Z, dA and buffers for them."""
    rng = np.random.default_rng(0)
    Z, dA = rng.normal(size=(n, m)), rng.normal(size=(n, m))
    return Z, dA, output_scratch(Z).layer


@every_activation
def test_a_dense_layer_applies_its_activation(f: Activation) -> None:
    Z, _, scratch = batch()
    A, expected = np.empty_like(Z), np.empty_like(Z)
    own = first_values(f, Z.dtype)
    Dense(4, f).forward(Z, own, A, None, scratch)
    f.forward(Z, own, expected, scratch)
    np.testing.assert_array_equal(A, expected)


@every_activation
def test_backward_of_a_dense_layer_is_that_of_its_activation(f: Activation) -> None:
    Z, dA, scratch = batch()
    A, dZ, expected = np.empty_like(Z), np.empty_like(Z), np.empty_like(Z)
    own = first_values(f, Z.dtype)
    d_own, expected_own = np.empty_like(own), np.empty_like(own)
    f.forward(Z, own, A, scratch)
    Dense(4, f).backward(dA, Z, A, own, None, dZ, d_own, scratch)
    f.backward(dA, Z, A, own, expected, expected_own, scratch)
    np.testing.assert_array_equal(dZ, expected)
    np.testing.assert_array_equal(d_own, expected_own)


def test_a_dense_layer_draws_nothing_without_dropout() -> None:
    assert [Dense(4, Tanh(), dropout=rate).noisy for rate in (0.0, 0.1)] == [False, True]


def test_dense_weights_start_as_glorots_unless_another_initializer_is_named() -> None:
    made: list[Initializer] = [Dense(4, Tanh()).initializer, Dense(4, Tanh(), Zeros()).initializer]
    assert made == [Glorot(), Zeros()]


def test_dense_is_a_kind_of_layer() -> None:
    assert LAYERS["dense"] is Dense


@dataclass(frozen=True)
class Shifted:
    """A = f(Z) + noise in training, f(Z) outside."""

    units: int
    activation: Activation
    initializer: Initializer

    noisy: ClassVar[bool] = True
    before: ClassVar[str] = "<z>"
    after: ClassVar[str] = "<a> + <noise>"
    constraint: ClassVar[str] = ""

    def draw(self, noise: Array, rng: np.random.Generator) -> None:
        noise[...] = rng.random(noise.shape)

    def constrain(self, W: Array, spare: Array, column: Array) -> None:
        raise AssertionError("it states no constraint")

    def forward(self, Z: Array, own: Array, out: Array, noise: Array | None, scratch: Scratch) -> None:
        self.activation.forward(Z, own, out, scratch)
        if noise is not None:
            np.add(out, noise, out)

    def backward(
        self,
        dA: Array,
        Z: Array,
        A: Array,
        own: Array,
        noise: Array | None,
        out: Array,
        d_own: Array,
        scratch: Scratch,
    ) -> None:
        self.activation.backward(dA, Z, A, own, out, d_own, scratch)


def noisy_network() -> Network:
    """A plain layer, one with noise, and the output."""
    layers = (Dense(3, Tanh()), Shifted(4, Identity(), Glorot()), Dense(2, Sigmoid()))
    return Network(2, layers, join(Sigmoid(), HalfSquaredError()))


def test_a_workspace_has_noise_for_noisy_layers_and_for_training_alone() -> None:
    network = noisy_network()
    training, inference = (
        network.workspace(5, np.float64, training=training, noisy=training) for training in (True, False)
    )
    assert [None if noise is None else noise.shape for noise in training.noise] == [None, None, (4, 5), None]
    assert inference.noise == [None, None, None, None]


def test_noise_is_drawn_for_training_and_absent_from_inference() -> None:
    network, rng = noisy_network(), np.random.default_rng(2)
    parameters = network.parameters(rng.normal(size=3 * 3 + 4 * 4 + 2 * 5))
    found = []
    for training in (True, False):
        ws = network.workspace(5, np.float64, training=training, noisy=training)
        ws.X[...] = 1
        if training:
            network.draw(ws.noise, np.random.default_rng(3))
        network.forward(parameters, ws)
        found.append(ws.A[2] - ws.Z[2])
    np.testing.assert_allclose(found[0], np.random.default_rng(3).random((4, 5)), rtol=1e-12)
    np.testing.assert_array_equal(found[1], np.zeros((4, 5)))
