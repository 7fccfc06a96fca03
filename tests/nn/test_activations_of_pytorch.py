"""Activations and their derivatives are those of PyTorch, for numbers up to ±1000."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, Activation, Elu, Gelu, LeakyRelu, PRelu, first_values
from bpcli.nn.workspace import layer_scratch

pytestmark = pytest.mark.slow

Function = Callable[[Any], Any]


def functions(torch: Any) -> dict[str, tuple[Activation, Function]]:
    """Every activation that PyTorch has, with its function there."""
    of = torch.nn.functional
    names: dict[str, Function] = {
        "identity": lambda z: z * 1,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": of.relu,
        "selu": of.selu,
        "gelu": of.gelu,
        "silu": of.silu,
        "mish": of.mish,
        "softplus": lambda z: of.softplus(z, threshold=40),
        "softsign": of.softsign,
        "relu6": of.relu6,
        "hard_tanh": of.hardtanh,
        "hard_sigmoid": of.hardsigmoid,
        "hard_swish": of.hardswish,
        "exponential": torch.exp,
        "softmax": lambda z: of.softmax(z, dim=0),
        "leaky_relu": of.leaky_relu,
        "elu": of.elu,
        "prelu": lambda z: of.prelu(z, torch.tensor([0.25], dtype=z.dtype)),
    }
    assert names.keys() == ACTIVATIONS.keys()
    others: dict[str, tuple[Activation, Function]] = {
        "elu 0.3": (Elu(0.3), lambda z: of.elu(z, 0.3)),
        "gelu by tanh": (Gelu("tanh"), lambda z: of.gelu(z, approximate="tanh")),
        "leaky_relu 0.2": (LeakyRelu(0.2), lambda z: of.leaky_relu(z, 0.2)),
        "prelu 1.5": (PRelu(1.5), lambda z: of.prelu(z, torch.tensor([1.5], dtype=z.dtype))),
    }
    return {name: (ACTIVATIONS[name](), function) for name, function in names.items()} | others


@pytest.mark.parametrize(("dtype", "relative"), [("float64", 2e-13), ("float32", 1e-5)])
def test_values_and_derivatives_are_pytorchs(dtype: str, relative: float) -> None:
    """Where PyTorch rounds 1 − a or an exponent, it has lost as many digits as the tolerance leaves."""
    torch = pytest.importorskip("torch")
    Z = np.array([*np.linspace(-12, 12, 481), *np.linspace(-1000, 1000, 81)], dtype).reshape(2, -1) + 0.001
    Z = Z.astype(dtype)
    dA = np.random.default_rng(0).normal(size=Z.shape).astype(dtype)
    for name, (f, function) in functions(torch).items():
        z = np.minimum(Z, 80) if name == "exponential" else Z
        A, dZ = both(f, z, dA)
        given = torch.tensor(z, requires_grad=True)
        values = function(given)
        values.backward(torch.tensor(dA))
        least = 1e-13 if dtype == "float64" else 2e-6
        coarse = max(relative, 1e-7) if name.startswith("hard_s") else relative  # PyTorch's 1/6 there is float32's
        np.testing.assert_allclose(A, values.detach().numpy(), rtol=relative, atol=least, err_msg=name)
        np.testing.assert_allclose(dZ, given.grad.numpy(), rtol=coarse, atol=least, err_msg=name)


def both(f: Activation, Z: Array, dA: Array) -> tuple[Array, Array]:
    """A and dZ."""
    own, scratch = first_values(f, Z.dtype), layer_scratch(Z.shape[0], Z.shape[1], Z.dtype)
    A, dZ = np.empty_like(Z), np.empty_like(Z)
    with np.errstate(over="ignore"):
        f.forward(Z, own, A, scratch)
        f.backward(dA, Z, A, own, dZ, np.empty_like(own), scratch)
    return A, dZ
