"""Random networks, what the engine computes for them, and what it means to agree."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

import numpy as np

from bpcli.nn import Array, IndexArray
from bpcli.nn.activations import ACTIVATIONS, Activation
from bpcli.nn.heads import Head, join
from bpcli.nn.losses import Loss
from bpcli.nn.network import dense
from bpcli.nn.parameters import Layout, Parameters
from bpcli.nn.workspace import Scratch

from .scalars import Scalar, Table, Vector, to

TOLERANCE = 1e-12
"""How far two ways to compute may be apart, as a fraction of the largest entry."""

STEP = 1e-30
"""Of the complex step: its square is far below the last bit."""

DEPTHS = range(5)
"""Hidden layers."""

Key = TypeVar("Key", bound=Hashable)

LawOfOne = Callable[[int, int], None]
"""A test for the network of a depth and a seed."""

LawOfMany = Callable[[], None]
"""A test for all networks."""


# Random networks


@dataclass(frozen=True)
class Draw:
    """Layer sizes, parameters and examples as bp holds them."""

    sizes: tuple[int, ...]
    parameters: Parameters
    X: Array
    labels: Array
    """(n_L, m) of 0 and 1."""
    reals: Array
    """(n_L, m)."""
    classes: IndexArray
    """(m,) from 0."""

    @property
    def m(self) -> int:
        """The number of examples."""
        return int(self.X.shape[1])

    @property
    def L(self) -> int:
        """The output layer."""
        return len(self.sizes) - 1


def draw(
    depth: int, seed: int, *, outputs: int | None = None, examples: int | None = None, width: int | None = None
) -> Draw:
    """``depth`` hidden layers of 1 to 5 units; what is given is not drawn."""
    rng = np.random.default_rng((depth, seed))
    drawn = [int(n) for n in rng.integers(1, 6, depth + 2)]
    sizes = [width or n for n in drawn]
    if outputs is not None:
        sizes[-1] = outputs
    m = examples or int(rng.integers(1, 6))
    theta = rng.normal(0, 0.6, Layout(tuple(sizes)).count)
    return Draw(
        tuple(sizes),
        Parameters(Layout(tuple(sizes)), theta),
        X=rng.normal(0, 1, (sizes[0], m)),
        labels=rng.integers(0, 2, (sizes[-1], m)).astype(float),
        reals=rng.normal(0, 1, (sizes[-1], m)),
        classes=rng.integers(0, sizes[-1], m),
    )


def pick(names: Sequence[str], depth: int, seed: int) -> list[str]:
    """A function's name for each hidden layer, every one taking its turn."""
    return [names[(seed + l) % len(names)] for l in range(depth)]


def each_network(*, seeds: int, depths: Sequence[int] = DEPTHS) -> Callable[[LawOfOne], LawOfMany]:
    """Run the test for every depth and seed; a failure names both."""

    def decorate(law: LawOfOne) -> LawOfMany:
        def holds_for_every_network() -> None:
            for depth, seed in product(depths, range(seeds)):
                try:
                    law(depth, seed)
                except Exception as error:
                    error.add_note(f"depth {depth}, seed {seed}")
                    raise

        holds_for_every_network.__name__ = law.__name__
        return holds_for_every_network

    return decorate


# From bp's arrays to tables counted from 1


def weights(given: Draw) -> Table:
    """w[l, i, j] = W_l's entry at row i, column j."""
    layers = enumerate(given.parameters.W[1:], start=1)
    return {(l, i, j): float(W[i - 1, j - 1]) for l, W in layers for i in to(W.shape[0]) for j in to(W.shape[1])}


def biases(given: Draw) -> Table:
    """b[l, i]."""
    layers = enumerate(given.parameters.b[1:], start=1)
    return {(l, i): float(b[i - 1, 0]) for l, b in layers for i in to(b.shape[0])}


def columns(A: Array) -> dict[int, Vector]:
    """Each example's vector: v[k][i]."""
    return {k: {i: float(A[i - 1, k - 1]) for i in to(A.shape[0])} for k in to(A.shape[1])}


# From tables to bp's arrays; node 0, where a derivation has one, is left out


def grid(table: Table) -> Array:
    """The matrix of t[i, j], i and j from 1."""
    rows, cols = max(i for i, _ in table), max(j for _, j in table)
    return np.array([[table[i, j] for j in to(cols)] for i in to(rows)])


def column(values: Mapping[int, Scalar]) -> Array:
    """The column of v[i], i from 1."""
    return np.array([[values[i]] for i in to(len(values))])


def matrix(table: Table, l: int) -> Array:
    """The matrix of t[l, i, j] for one l."""
    return grid({key[1:]: value for key, value in table.items() if key[0] == l})


def vector(table: Table, l: int) -> Array:
    """The column of t[l, i] for one l."""
    return column({i: value for (at, i), value in table.items() if at == l and i > 0})


def across(tables: Mapping[int, Table], l: int) -> Array:
    """The matrix of t_k[l, i] for one l, example k in column k."""
    return grid({(i, k): value for k, table in tables.items() for (at, i), value in table.items() if at == l})


# What the engine computes


@dataclass(frozen=True)
class Recorded:
    """An activation that keeps every dA that its backward gets."""

    of: Activation
    seen: list[Array]

    @property
    def range(self) -> tuple[float, float]:
        """As of the activation."""
        return self.of.range

    @property
    def kinks(self) -> tuple[float, ...]:
        """As of the activation."""
        return self.of.kinks

    @property
    def usual_initializer(self) -> str:
        """As of the activation."""
        return self.of.usual_initializer

    @property
    def owned(self) -> Mapping[str, float]:
        """As of the activation."""
        return self.of.owned

    @property
    def elementwise(self) -> bool:
        """As of the activation."""
        return self.of.elementwise

    @property
    def formula(self) -> str:
        """As of the activation."""
        return self.of.formula

    @property
    def derivative(self) -> str:
        """As of the activation."""
        return self.of.derivative

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        """As of the activation."""
        self.of.forward(Z, own, out, scratch)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        """As of the activation."""
        self.seen.append(dA.copy())
        self.of.backward(dA, Z, A, own, out, d_own, scratch)


@dataclass(frozen=True)
class Run:
    """Everything of one pass forward and back, by layer; entry 0 is X in A and empty elsewhere."""

    loss: float
    Z: list[Array]
    A: list[Array]
    dA: list[Array]  # noqa: N815
    dZ: list[Array]  # noqa: N815
    dW: list[Array]  # noqa: N815
    db: list[Array]


def run(
    given: Draw, hidden: Sequence[str], output: str, loss: Loss, Y: Array, *, head: Callable[..., Head] = join
) -> Run:
    """Forward and backward; dA_L by the loss alone, the other dA as the activations receive them."""
    seen: list[Array] = []
    recorded = tuple(Recorded(ACTIVATIONS[name](), seen) for name in hidden)
    network = dense(given.sizes, recorded, head(ACTIVATIONS[output](), loss))
    ws = network.workspace(given.m, np.float64)
    ws.X[...], ws.Y[...] = given.X, Y
    gradient = Parameters(Layout(given.sizes), np.full_like(given.parameters.theta, np.nan))
    network.forward(given.parameters, ws)
    scale = float(network.scale(given.m))
    value = float(np.add.reduce(network.terms(ws))) * scale
    network.backward(given.parameters, gradient, ws, scale)
    last = np.empty_like(ws.A[-1])
    loss.backward(ws.A[-1], ws.Y, scale, last, ws.output)
    dA = [last[:0], *reversed(seen), last]
    return Run(value, ws.Z, ws.A, dA, ws.dZ, gradient.W, gradient.b)


# Agreement


def distance(actual: Any, expected: Any) -> float:
    """The largest difference as a fraction of the largest entry expected."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.shape != expected.shape:
        raise AssertionError(f"shapes {actual.shape} and {expected.shape}")
    if not actual.size:
        return 0.0
    error, largest = float(np.abs(actual - expected).max()), float(np.abs(expected).max())
    if np.isnan(error) or np.isnan(largest):
        return np.inf
    return error / largest if largest else (np.inf if error else 0.0)


def agree(actual: Any, expected: Any) -> None:
    """Hold that numbers or arrays are the same but for rounding."""
    apart = distance(actual, expected)
    if apart > TOLERANCE:
        raise AssertionError(f"{apart:.1e} of the largest entry apart:\n{actual}\nexpected\n{expected}")


def same(actual: Mapping[Any, Scalar], expected: Mapping[Any, Scalar]) -> None:
    """Hold that two tables have the same keys and, but for rounding, the same numbers."""
    if actual.keys() != expected.keys():
        raise AssertionError(f"keys {sorted(map(str, actual.keys() ^ expected.keys()))} are in one table only")
    agree([actual[key] for key in expected], list(expected.values()))


def differ(actual: Any, expected: Any) -> None:
    """Hold that numbers or arrays are apart by more than any rounding: a tenth of a percent."""
    apart = distance(actual, expected)
    if apart < 1e-3:
        raise AssertionError(f"only {apart:.1e} of the largest entry apart")


# Derivatives along the imaginary axis


def tilted(at: Mapping[Key, Scalar], key: Key) -> dict[Key, Scalar]:
    """The table with a tiny imaginary part at one entry."""
    return {**at, key: at[key] + STEP * 1j}


def slope(value: Scalar) -> float:
    """The derivative by the tilted entry."""
    return value.imag / STEP


def slopes(values: Mapping[Key, Scalar]) -> dict[Key, float]:
    """The derivative of every entry."""
    return {key: slope(value) for key, value in values.items()}
