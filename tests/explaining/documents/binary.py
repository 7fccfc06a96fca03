"""The binary derivation: sigmoid units under binary cross-entropy, for one object and for a batch.

Its notation: layers 0 … L, n[l] units each; w[l, i, j] leads from unit j of
layer l − 1 to unit i of layer l, b[l, i] is the bias; z[l, i] before
activation, a[l, i] after, a[0, i] the input; objects k = 1 … N with inputs
x[k][i] and labels y[k][i]. The derivation has one output and N = 1; here the
outputs add up and F is its own mean over the N objects.
"""

from __future__ import annotations

from dataclasses import dataclass

from .scalars import Scalar, Table, Vector, exp, log, to

Sizes = tuple[int, ...]


def sigma(x: Scalar) -> Scalar:
    """σ(x) = 1/(1 + e^-x)."""
    return 1 / (1 + exp(-x))


def sigma_prime(x: Scalar) -> Scalar:
    """σ′(x) = σ(x)(1 − σ(x))."""
    return sigma(x) * (1 - sigma(x))


def pre_activation(n: Sizes, w: Table, b: Table, a: Table, l: int, i: int) -> Scalar:
    """z_l = W_l · a_l-1 + b_l, its i-th entry."""
    return sum(w[l, i, j] * a[l - 1, j] for j in to(n[l - 1])) + b[l, i]


def onward(n: Sizes, w: Table, b: Table, a: Table, first: int) -> tuple[Table, Table]:
    """The z and a of the layers from ``first`` on, given the a before them."""
    z, a = Table(), Table(a)
    for l in range(first, len(n)):
        for i in to(n[l]):
            z[l, i] = pre_activation(n, w, b, a, l, i)
            a[l, i] = sigma(z[l, i])
    return z, a


def forward(n: Sizes, w: Table, b: Table, x: Vector) -> tuple[Table, Table]:
    """The z and a of every layer for one object."""
    return onward(n, w, b, {(0, i): x[i] for i in to(n[0])}, first=1)


def single_loss(y: Scalar, p: Scalar) -> Scalar:
    """−y ln p − (1 − y) ln(1 − p)."""
    return -y * log(p) - (1 - y) * log(1 - p)


def F(n: Sizes, w: Table, b: Table, x: dict[int, Vector], y: dict[int, Vector]) -> Scalar:
    """−(1/N) Σ_k [y_k ln p_k + (1 − y_k) ln(1 − p_k)], p_k = a_L(x_k), outputs added up."""
    N, L = len(x), len(n) - 1
    total: Scalar = 0
    for k in to(N):
        _, a = forward(n, w, b, x[k])
        for i in to(n[L]):
            total += y[k][i] * log(a[L, i]) + (1 - y[k][i]) * log(1 - a[L, i])
    return -total / N


def dF_da_L(y: Scalar, a: Scalar) -> Scalar:
    """−y/a_L + (1 − y)/(1 − a_L)."""
    return -y / a + (1 - y) / (1 - a)


@dataclass(frozen=True)
class Gradient:
    """∂F/∂a, ∂F/∂z, ∂F/∂W and ∂F/∂b by layer and unit."""

    da: Table
    dz: Table
    dw: Table
    db: Table


def gradient_of_one(n: Sizes, w: Table, b: Table, x: Vector, y: Vector) -> Gradient:
    """The derivation's own formulas, for N = 1."""
    L = len(n) - 1
    z, a = forward(n, w, b, x)
    da: Table = {(L, i): dF_da_L(y[i], a[L, i]) for i in to(n[L])}
    dz: Table = {(L, i): a[L, i] - y[i] for i in to(n[L])}
    for l in range(L - 1, 0, -1):
        for i in to(n[l]):
            da[l, i] = sum(w[l + 1, q, i] * dz[l + 1, q] for q in to(n[l + 1]))
            dz[l, i] = da[l, i] * (sigma(z[l, i]) * (1 - sigma(z[l, i])))
    dw: Table = {(l, i, j): dz[l, i] * a[l - 1, j] for l, i, j in w}
    db: Table = {(l, i): dz[l, i] for l, i in b}
    return Gradient(da, dz, dw, db)


def gradient(
    n: Sizes, w: Table, b: Table, x: dict[int, Vector], y: dict[int, Vector]
) -> tuple[dict[int, Gradient], Table, Table]:
    """Each object's own gradient, then ∂F/∂W and ∂F/∂b of the batch: their means."""
    N = len(x)
    each = {k: gradient_of_one(n, w, b, x[k], y[k]) for k in to(N)}
    dw = {key: sum(each[k].dw[key] for k in to(N)) / N for key in w}
    db = {key: sum(each[k].db[key] for k in to(N)) / N for key in b}
    return each, dw, db
