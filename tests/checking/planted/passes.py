"""Random networks with a correct forward and backward pass, written out in plain NumPy."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bpcli import choices
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.heads import join
from bpcli.nn.losses import LOSSES, Loss
from bpcli.nn.network import Network, dense
from bpcli.nn.parameters import Layout, Parameters

SLOPE = 0.01

Gradient = dict[str, Array]


def activate(name: str, Z: Array) -> Array:
    powers = np.exp(Z - Z.max(axis=0))
    found: dict[str, Array] = {
        "identity": Z,
        "sigmoid": 1 / (1 + np.exp(-Z)),
        "tanh": np.tanh(Z),
        "relu": Z * (Z > 0),
        "leaky_relu": np.where(Z > 0, Z, SLOPE * Z),
        "softmax": powers / powers.sum(axis=0),
    }
    return found[name]


def pull(name: str, dA: Array, Z: Array, A: Array | None = None) -> Array:
    """dZ of dA; ``A`` other than f(Z) makes it wrong."""
    A = activate(name, Z) if A is None else A
    found: dict[str, Array] = {
        "identity": dA,
        "sigmoid": dA * A * (1 - A),
        "tanh": dA * (1 - A**2),
        "relu": dA * (Z > 0),
        "leaky_relu": dA * np.where(Z > 0, 1, SLOPE),
        "softmax": A * (dA - (A * dA).sum(axis=0)),
    }
    return found[name]


def loss_slope(name: str, A: Array, Y: Array) -> Array:
    """dA of a loss, undivided; Y in columns, one-hot for classes."""
    if name == "cross_entropy":
        return np.asarray(-Y / A)
    if name == "binary_cross_entropy":
        return np.asarray(-Y / A + (1 - Y) / (1 - A))
    return np.asarray(A - Y)


@dataclass
class Pass:
    """One batch with all of its arrays; lists are by layer, with A[0] = X and nothing at the other zeros."""

    sizes: tuple[int, ...]
    names: tuple[str, ...]
    loss: str
    outputs: str
    examples: str
    W: list[Array]
    b: list[Array]
    X: Array
    Y: Array
    Z: list[Array] = field(default_factory=list)
    A: list[Array] = field(default_factory=list)
    dA: list[Array] = field(default_factory=list)  # noqa: N815 - ∂L/∂A, as everywhere
    dZ: list[Array] = field(default_factory=list)  # noqa: N815

    def __post_init__(self) -> None:
        self.Z, self.A = self.forward()
        none = np.empty((0, self.m))
        self.dA, self.dZ = [none] * (self.last + 1), [none] * (self.last + 1)
        self.dA[-1] = loss_slope(self.loss, self.A[-1], self.Y) * self.scale
        for l in range(self.last, 0, -1):
            self.dZ[l] = self.pulled(l, self.dA[l])
            self.dA[l - 1] = self.W[l].T @ self.dZ[l]
        if self.canonical:
            self.dZ[-1] = (self.A[-1] - self.Y) * self.scale
            self.dA[-2] = self.W[-1].T @ self.dZ[-1]
        self.right = self.below(self.last, self.dZ[-1])

    @property
    def m(self) -> int:
        return int(self.X.shape[1])

    @property
    def last(self) -> int:
        return len(self.names)

    @property
    def scale(self) -> float:
        return (1 / self.m if self.examples == "mean" else 1.0) * (
            1 / self.sizes[-1] if self.outputs == "mean" else 1.0
        )

    @property
    def canonical(self) -> bool:
        return (self.names[-1], self.loss) in {
            ("softmax", "cross_entropy"),
            ("sigmoid", "binary_cross_entropy"),
            ("identity", "half_squared_error"),
        }

    @property
    def network(self) -> Network:
        of: Loss = choices.build(LOSSES, {"name": self.loss, "outputs": self.outputs, "examples": self.examples})
        kinds = [ACTIVATIONS[name]() for name in self.names]
        return dense(self.sizes, tuple(kinds[:-1]), join(kinds[-1], of))

    @property
    def parameters(self) -> Parameters:
        pairs = zip(self.W[1:], self.b[1:], strict=True)
        return Parameters(Layout(self.sizes), np.concatenate([one.reshape(-1) for pair in pairs for one in pair]))

    def forward(self, **changes: list[Array]) -> tuple[list[Array], list[Array]]:
        W, b = changes.get("W", self.W), changes.get("b", self.b)
        Z, A = [np.empty((0, self.X.shape[1]))], [self.X]
        for l, name in enumerate(self.names, start=1):
            Z.append(W[l] @ A[-1] + b[l])
            A.append(activate(name, Z[-1]))
        return Z, A

    def pulled(self, l: int, dA: Array) -> Array:
        return pull(self.names[l - 1], dA, self.Z[l])

    def below(self, layer: int, dZ: Array) -> Gradient:
        """The gradients of a layer with this dZ and of those below, which follow from it; above it they are right."""
        found = {}
        for l in range(self.last, 0, -1):
            error = self.dZ[l] if l > layer else dZ
            found[f"dW{l}"], found[f"db{l}"] = error @ self.A[l - 1].T, error.sum(axis=1)
            if 1 < l <= layer:
                dZ = self.pulled(l - 1, self.W[l].T @ dZ)
        return found

    def but(self, **arrays: Array) -> Gradient:
        """The right gradients but for these."""
        return {**self.right, **arrays}


class Limits(NamedTuple):
    """The most layers, units in each, and examples of a pass."""

    layers: int = 4
    units: int = 8
    examples: int = 12


def random_pass(rng: np.random.Generator, limits: Limits) -> Pass:
    """A network of any activations, loss and reductions, and at least one layer, unit and example."""
    while True:
        found = _drawn(rng, limits)
        if all(np.abs(dZ).max() > 1e-4 for dZ in found.dZ[1:]):
            return found


def _drawn(rng: np.random.Generator, limits: Limits) -> Pass:
    depth, m = int(rng.integers(1, limits.layers + 1)), int(rng.integers(1, limits.examples + 1))
    widths = rng.integers(1, limits.units + 1, depth + 1)
    sizes = tuple(int(n) for n in (widths if rng.random() < 0.8 else np.full_like(widths, widths[0])))
    loss = str(rng.choice(["cross_entropy", "binary_cross_entropy", "half_squared_error"]))
    outputs = {"cross_entropy": ["softmax", "sigmoid"], "binary_cross_entropy": ["sigmoid", "softmax"]}
    any_output = ["identity", "sigmoid", "tanh", "softmax"]
    names = [str(rng.choice(["identity", "sigmoid", "tanh", "relu", "leaky_relu", "softmax"])) for _ in range(depth)]
    names[-1] = str(rng.choice(outputs.get(loss, any_output), p=[0.7, 0.3] if loss in outputs else None))
    names = ["sigmoid" if name == "softmax" and n == 1 else name for name, n in zip(names, sizes[1:], strict=True)]
    W = [np.empty((0, 0))] + [rng.normal(0, 1.3 / np.sqrt(k), (n, k)) for k, n in pairwise(sizes)]
    b = [np.empty((0, 1))] + [rng.normal(0, 0.4, (n, 1)) for n in sizes[1:]]
    X, n = rng.normal(0, 1, (sizes[0], m)), sizes[-1]
    Y = rng.normal(0, 1, (n, m))
    if loss == "cross_entropy" or (loss == "binary_cross_entropy" and n > 1 and rng.random() < 0.5):
        Y = np.eye(n)[:, rng.integers(0, n, m)]
    elif loss == "binary_cross_entropy":
        Y = rng.integers(0, 2, (n, m)).astype(float)
    reductions = [str(rng.choice(["sum", "mean"])) for _ in range(2)]
    return Pass(sizes, tuple(names), loss, reductions[0], reductions[1], W, b, X, Y)
