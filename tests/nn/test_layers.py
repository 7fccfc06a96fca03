"""Layers: a dense layer applies its activation, and nothing is drawn for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.activations import Activation, Identity, Sigmoid, Softmax, Tanh, first_values
from bpcli.nn.gradient_check import Probe, complex_step
from bpcli.nn.heads import join
from bpcli.nn.initializers import Glorot, Initializer, Zeros
from bpcli.nn.layers import LAYERS, Dense, build_layer, describe_layer, limit_rows
from bpcli.nn.losses import BinaryCrossEntropy, HalfSquaredError
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


# Dropout.


def dropped(f: Activation, rate: float = 0.5) -> tuple[Probe, Array]:
    """A network whose two hidden layers drop units, with a drawn mask in each, and θ."""
    layers = (Dense(6, f, dropout=rate), Dense(5, f, dropout=rate / 2), Dense(2, Sigmoid()))
    net = Network(3, layers, join(Sigmoid(), BinaryCrossEntropy()))
    rng = np.random.default_rng(8)
    noise: list[Array | None] = [None, np.empty((6, 7)), np.empty((5, 7)), None]
    net.draw(noise, rng)
    Y = rng.integers(0, 2, (2, 7)).astype(float)
    theta = rng.normal(0, 0.8, net.layout.count)
    return Probe(net, rng.normal(size=(3, 7)), Y, noise=noise), theta


def disagreement(probe: Probe, theta: Array) -> float:
    """How far backward is from the complex step, relative to the largest derivative."""
    right = complex_step(probe, theta, range(theta.size))
    return float(np.abs(probe.gradient(theta) - right).max() / np.abs(right).max())


@every_activation
def test_the_gradient_is_right_under_a_fixed_mask(f: Activation) -> None:
    probe, theta = dropped(f)
    assert disagreement(probe, theta) < 1e-13
    mask = probe.noise[1]
    assert mask is not None
    assert set(np.unique(mask).tolist()) == {0.0, 2.0}


@pytest.mark.parametrize("f", [Tanh(), Softmax()], ids=str)
@pytest.mark.parametrize("slip", ["no mask", "no scale", "f of the dropped"])
def test_a_mistake_in_backward_under_a_mask_is_found(slip: str, f: Activation, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(
        self: Dense, dA: Array, Z: Array, A: Array, own: Array, noise: Any, out: Array, d_own: Array, scratch: Scratch
    ) -> None:
        if noise is not None and slip != "no mask":
            np.multiply(dA, noise > 0 if slip == "no scale" else noise, dA)
        given = A if noise is None or slip == "f of the dropped" else scratch.kept
        assert given is not None
        self.activation.backward(dA, Z, given, own, out, d_own, scratch)

    monkeypatch.setattr(Dense, "backward", wrong)
    assert disagreement(*dropped(f)) > 1e-3


def test_dropped_units_are_0_and_the_others_enlarged() -> None:
    Z, _, scratch = batch()
    noise, A, f = np.where(np.eye(4, 5), 0, 4.0), np.empty_like(Z), np.tanh(Z)
    layer, nothing = Dense(4, Tanh(), dropout=0.75), np.empty(0)
    layer.forward(Z, nothing, A, noise, replace(scratch, kept=np.empty_like(Z)))
    np.testing.assert_array_equal(A, np.where(np.eye(4, 5), 0, 4 * f))
    layer.forward(Z, nothing, A, None, scratch)
    np.testing.assert_array_equal(A, f)


def test_dropout_leaves_the_mean_of_the_next_layer() -> None:
    layer, rng, m = Dense(30, Tanh(), dropout=0.4), np.random.default_rng(6), 20_000
    f, w, mask = rng.normal(size=30), rng.normal(size=30), np.empty((30, m))
    layer.draw(mask, rng)
    drawn = w @ (f[:, None] * mask)
    assert abs(drawn.mean() - w @ f) <= 5 * drawn.std() / np.sqrt(m)


# The length of weights.


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_that_are_too_long_are_shortened_and_the_others_keep_their_bits(dtype: str) -> None:
    W = np.array([[3, 4, 0], [0.3, 0.4, 0], [0, 0, 0], [0, -7, 0], [0, 0, 1]], dtype)
    before = W.copy()
    limit_rows(W, 1.0, np.full_like(W, np.nan), np.full((5, 1), np.nan, dtype))
    shortened = np.array([[0.6, 0.8, 0], [0, -1, 0]])
    np.testing.assert_allclose(W[[0, 3]], shortened, rtol=1e-6 if dtype == "float32" else 1e-15)
    np.testing.assert_array_equal(W[[1, 2, 4]], before[[1, 2, 4]])


def test_only_layers_with_a_limit_are_changed() -> None:
    layers = (Dense(3, Tanh(), max_norm=0.5), Dense(3, Tanh()), Dense(2, Sigmoid()))
    net = Network(2, layers, join(Sigmoid(), HalfSquaredError()))
    parameters, spare = (net.parameters(np.full(net.layout.count, value)) for value in (3.0, np.nan))
    net.constrain(parameters, spare)
    np.testing.assert_allclose(np.linalg.norm(parameters.W[1], axis=1), [0.5] * 3)
    rest = [*parameters.b[1:], *parameters.W[2:]]
    assert all((array == 3).all() for array in rest)


def test_a_layer_is_described_with_its_dropout_and_its_limit() -> None:
    for layer in (Dense(3, Tanh(), dropout=0.5, max_norm=2.0), Dense(3, Tanh(), max_norm=2.0), Dense(3, Tanh())):
        assert build_layer(describe_layer(layer), 3) == layer
    assert describe_layer(Dense(3, Tanh())) == {"name": "tanh"}
