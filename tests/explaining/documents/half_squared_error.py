"""Half squared error: sigmoid units under half the mean squared error, and three modes of update.

Its notation: layers 0 … L, n[l] neurons each; w[l, j, k] leads from neuron k of
layer l − 1 to neuron j of layer l, b[l, j] is the bias; z[l, j] before
activation, a[l, j] after, a[0, k] the input; d[l, j] is the error δ; y[j] what
the output should be. C is the cost of one training example; a batch has the
average of its examples' gradients.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .scalars import Scalar, Table, Vector, exp, to

Sizes = tuple[int, ...]


def sigma(x: Scalar) -> Scalar:
    """The sigmoid function."""
    return 1 / (1 + exp(-x))


def sigma_slope(x: Scalar) -> Scalar:
    """σ(x)(1 − σ(x))."""
    return sigma(x) * (1 - sigma(x))


def pre_activation(n: Sizes, w: Table, b: Table, a: Table, l: int, j: int) -> Scalar:
    """z^l_j = Σ_k w^l_jk a^l-1_k + b^l_j."""
    return sum(w[l, j, k] * a[l - 1, k] for k in to(n[l - 1])) + b[l, j]


def onward(n: Sizes, w: Table, b: Table, a: Table, first: int) -> tuple[Table, Table]:
    """z and a of the layers from ``first`` on, given the a before them."""
    z, a = Table(), Table(a)
    for l in range(first, len(n)):
        for j in to(n[l]):
            z[l, j] = pre_activation(n, w, b, a, l, j)
            a[l, j] = sigma(z[l, j])
    return z, a


def forward(n: Sizes, w: Table, b: Table, x: Vector) -> tuple[Table, Table]:
    """z and a of one example; a^0 = x."""
    return onward(n, w, b, {(0, k): x[k] for k in to(n[0])}, first=1)


def cost_of_outputs(n: Sizes, a: Table, y: Vector) -> Scalar:
    """C = (1/n_L) Σ ½(a^L_j − y_j)²."""
    L = len(n) - 1
    return sum((a[L, j] - y[j]) ** 2 / 2 for j in to(n[L])) / n[L]


def C(n: Sizes, w: Table, b: Table, x: Vector, y: Vector) -> Scalar:
    """The cost of one example."""
    return cost_of_outputs(n, forward(n, w, b, x)[1], y)


@dataclass(frozen=True)
class Gradient:
    """∂C/∂a, δ, ∂C/∂w and ∂C/∂b of one example."""

    da: Table
    d: Table
    dw: Table
    db: Table


def gradient(n: Sizes, w: Table, b: Table, x: Vector, y: Vector) -> Gradient:
    """The sections on the error and on gradients."""
    L = len(n) - 1
    z, a = forward(n, w, b, x)
    da: Table = {(L, j): (a[L, j] - y[j]) / n[L] for j in to(n[L])}
    d: Table = {(L, j): da[L, j] * sigma_slope(z[L, j]) for j in to(n[L])}
    for l in range(L - 1, 0, -1):
        for j in to(n[l]):
            da[l, j] = sum(w[l + 1, q, j] * d[l + 1, q] for q in to(n[l + 1]))
            d[l, j] = da[l, j] * sigma_slope(z[l, j])
    dw: Table = {(l, j, k): d[l, j] * a[l - 1, k] for l, j, k in w}
    db: Table = {(l, j): d[l, j] * 1 for l, j in b}
    return Gradient(da, d, dw, db)


@dataclass(frozen=True)
class Data:
    """Training examples i = 1 … N."""

    x: dict[int, Vector]
    y: dict[int, Vector]


def average_gradient(n: Sizes, w: Table, b: Table, data: Data, batch: Sequence[int]) -> tuple[Table, Table]:
    """The mean of the batch's gradients."""
    each = [gradient(n, w, b, data.x[i], data.y[i]) for i in batch]
    dw = {key: sum(one.dw[key] for one in each) / len(batch) for key in w}
    db = {key: sum(one.db[key] for one in each) / len(batch) for key in b}
    return dw, db


def update(n: Sizes, w: Table, b: Table, data: Data, batch: Sequence[int], eta: float) -> tuple[Table, Table]:
    """W − η ∇W and b − η ∇b, every layer's δ from the weights before the update."""
    dw, db = average_gradient(n, w, b, data, batch)
    return {key: w[key] - eta * dw[key] for key in w}, {key: b[key] - eta * db[key] for key in b}


def walk(n: Sizes, w: Table, b: Table, data: Data, batches: Iterable[Sequence[int]], eta: float) -> tuple[Table, Table]:
    """One update after another."""
    for batch in batches:
        w, b = update(n, w, b, data, batch, eta)
    return w, b


def stochastic(n: Sizes, w: Table, b: Table, data: Data, order: Sequence[int], eta: float) -> tuple[Table, Table]:
    """An epoch of stochastic gradient descent: an update after each example."""
    return walk(n, w, b, data, [[i] for i in order], eta)


def batch(n: Sizes, w: Table, b: Table, data: Data, eta: float) -> tuple[Table, Table]:
    """An epoch of batch gradient descent: one update by the average over all examples."""
    return update(n, w, b, data, list(data.x), eta)


def mini_batch(
    n: Sizes, w: Table, b: Table, data: Data, order: Sequence[int], size: int, eta: float
) -> tuple[Table, Table]:
    """An epoch of mini-batch gradient descent: ``order`` cut into batches, the last one maybe short."""
    return walk(n, w, b, data, [order[s : s + size] for s in range(0, len(order), size)], eta)
