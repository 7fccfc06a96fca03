"""The Jacobian of the outputs: each row is an example's own gradient, by another way."""

from __future__ import annotations

import numpy as np
import pytest

from bpcli.nn.activations import ACTIVATIONS, first_values
from bpcli.nn.heads import join
from bpcli.nn.jacobian import output_jacobian
from bpcli.nn.losses import HalfSquaredError
from bpcli.nn.network import dense, initial

from .support import activation

M = 5


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_row_is_the_derivative_of_an_examples_output(name: str) -> None:
    """By the complex step, through the forward pass alone; hidden layers and output with the activation."""
    f = activation(name)
    network = dense((3, 4, 3, 2), (f, f), join(f, HalfSquaredError()))
    rng = np.random.default_rng(1)
    theta = initial(network, np.dtype(float), rng).theta + 0.3 * rng.random(network.layout.count)
    ws = network.workspace(M, np.float64)
    ws.X[...] = rng.normal(size=ws.X.shape)
    complex_ws = network.workspace(M, np.complex128)
    complex_ws.X[...] = ws.X
    parameters, J = network.parameters(theta), np.empty((M, theta.size))
    for k in range(2):
        network.forward(parameters, ws)
        output_jacobian(network, parameters, ws, k, J)
        for place in range(theta.size):
            tilted = theta.astype(complex)
            tilted[place] += 1e-30j
            network.forward(network.parameters(tilted), complex_ws)
            expected = complex_ws.A[-1][k].imag / 1e-30
            np.testing.assert_allclose(J[:, place], expected, rtol=1e-10, atol=1e-13)
    assert np.abs(J).max() > 0.0
    assert first_values(f, np.dtype(float)).size == len(f.owned)
