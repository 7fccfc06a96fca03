"""Biswas: any hidden activation, softmax output, average sparse categorical cross-entropy.

His notation: layers 0 … L, n[i] units each, p = n[L]; W[k, i, j] leads from
unit j of layer k − 1 to unit i of layer k, b[k, i] is the bias; a[k, i] the
*pre*-activation, h[k, i] the activation, h[0, j] the input; g of each hidden
layer; ℓ the true class, from 1. For one data-point (5.1), for the whole X with
examples as columns (5.2), and for the thin network (4.1). G[k, i] stands for
∂𝓛/∂a_ki; in 5.2 every table has the example as its last index.
"""

from __future__ import annotations

from dataclasses import dataclass

from .scalars import Function, Scalar, Table, Vector, exp, log, to

Sizes = tuple[int, ...]
Hidden = dict[int, Function]
"""g_k by layer, k = 1 … L − 1."""


def logistic(z: Scalar) -> Scalar:
    """6.1: 1/(1 + e^-z)."""
    return 1 / (1 + exp(-z))


def tanh(z: Scalar) -> Scalar:
    """6.1: (e^z − e^-z)/(e^z + e^-z)."""
    return (exp(z) - exp(-z)) / (exp(z) + exp(-z))


LOGISTIC = Function(logistic, lambda z: logistic(z) * (1 - logistic(z)))
TANH = Function(tanh, lambda z: 1 - tanh(z) ** 2)
RELU = Function(lambda z: z if z.real > 0 else 0.0, lambda z: 1.0 if z.real > 0 else 0.0)
IDENTITY = Function(lambda z: z, lambda z: 1.0)


def one_if(condition: bool) -> int:  # noqa: FBT001 - the indicator function
    """The indicator 𝟙."""
    return 1 if condition else 0


def softmax(a: Vector) -> Vector:
    """exp(a_i)/Σ exp(a_i′)."""
    total = sum(exp(a[i]) for i in a)
    return {i: exp(a[i]) / total for i in a}


# 5.1: one data-point


def onward(n: Sizes, W: Table, b: Table, g: Hidden, h: Table, first: int) -> tuple[Table, Table, Vector]:
    """a, h and ŷ of the layers from ``first`` on, given the h before them."""
    L = len(n) - 1
    a, h = Table(), Table(h)
    for k in range(first, L + 1):
        for i in to(n[k]):
            a[k, i] = b[k, i] + sum(W[k, i, j] * h[k - 1, j] for j in to(n[k - 1]))
            if k < L:
                h[k, i] = g[k].value(a[k, i])
    return a, h, softmax({i: a[L, i] for i in to(n[L])})


def forward(n: Sizes, W: Table, b: Table, g: Hidden, x: Vector) -> tuple[Table, Table, Vector]:
    """a, h and ŷ for one data-point."""
    return onward(n, W, b, g, {(0, j): x[j] for j in to(n[0])}, first=1)


def loss(y_hat: Vector, l: int) -> Scalar:
    """𝓛(θ) = −log ŷ_ℓ."""
    return -log(y_hat[l])


@dataclass(frozen=True)
class Gradient:
    """∇h, ∇a, ∇W and ∇b; ∇h for the hidden layers."""

    dh: Table
    da: Table
    dW: Table  # noqa: N815
    db: Table


def gradient(n: Sizes, W: Table, b: Table, g: Hidden, x: Vector, l: int) -> Gradient:
    """The four lines of 5.1."""
    L = len(n) - 1
    a, h, y_hat = forward(n, W, b, g, x)
    dh: Table = {}
    da: Table = {(L, i): -(one_if(i == l) - y_hat[i]) for i in to(n[L])}
    for k in range(L - 1, 0, -1):
        for j in to(n[k]):
            dh[k, j] = sum(W[k + 1, i, j] * da[k + 1, i] for i in to(n[k + 1]))
            da[k, j] = dh[k, j] * g[k].slope(a[k, j])
    dW: Table = {(k, i, j): da[k, i] * h[k - 1, j] for k, i, j in W}
    db: Table = {(k, i): da[k, i] for k, i in b}
    return Gradient(dh, da, dW, db)


# 5.2: the whole X


@dataclass(frozen=True)
class Forward:
    """A_k, H_k and Ŷ: A[k, i, c] of unit i for example c, Y_hat[i, c]."""

    A: Table
    H: Table
    Y_hat: Table


def forward_all(n: Sizes, W: Table, b: Table, g: Hidden, X: Table) -> Forward:
    """H_0 = X, A_k = W_k H_k-1 + b_k 1ᵀ, H_k = g_k(A_k), Ŷ = softmax(A_L); X[j, c]."""
    L = len(n) - 1
    m = max(c for _, c in X)
    A: Table = {}
    H: Table = {(0, j, c): X[j, c] for j in to(n[0]) for c in to(m)}
    Y_hat: Table = {}
    for c in to(m):
        for k in to(L):
            for i in to(n[k]):
                A[k, i, c] = sum(W[k, i, j] * H[k - 1, j, c] for j in to(n[k - 1])) + b[k, i] * 1
                if k < L:
                    H[k, i, c] = g[k].value(A[k, i, c])
        column = softmax({i: A[L, i, c] for i in to(n[L])})
        Y_hat.update({(i, c): column[i] for i in to(n[L])})
    return Forward(A, H, Y_hat)


def one_hot(p: int, labels: dict[int, int]) -> Table:
    """E[i, c]: 1 where i is the class of example c."""
    return {(i, c): one_if(i == labels[c]) for i in to(p) for c in labels}


def average_loss(Y_hat: Table, labels: dict[int, int]) -> Scalar:
    """§3: L = (1/m) Σ −log ŷ_ℓ."""
    return sum(-log(Y_hat[labels[c], c]) for c in labels) / len(labels)


def gradient_all(n: Sizes, W: Table, b: Table, g: Hidden, X: Table, labels: dict[int, int]) -> Gradient:
    """The four backward lines of 5.2."""
    L, m = len(n) - 1, len(labels)
    run = forward_all(n, W, b, g, X)
    E = one_hot(n[L], labels)
    dH: Table = {}
    dA: Table = {(L, i, c): (run.Y_hat[i, c] - E[i, c]) / m for i in to(n[L]) for c in to(m)}
    for k in range(L - 1, 0, -1):
        for j in to(n[k]):
            for c in to(m):
                dH[k, j, c] = sum(W[k + 1, i, j] * dA[k + 1, i, c] for i in to(n[k + 1]))
                dA[k, j, c] = dH[k, j, c] * g[k].slope(run.A[k, j, c])
    dW: Table = {(k, i, j): sum(dA[k, i, c] * run.H[k - 1, j, c] for c in to(m)) for k, i, j in W}
    db: Table = {(k, i): sum(dA[k, i, c] for c in to(m)) for k, i in b}
    return Gradient(dH, dA, dW, db)


# 4.1: the thin network, one unit in every layer


@dataclass(frozen=True)
class Thin:
    """W_k11, b_k1 and the activations of layers 1 … L, the last one O; ŷ = h_L1."""

    W: Vector
    b: Vector
    g: Hidden

    @property
    def L(self) -> int:
        """The output layer."""
        return len(self.W)

    def forward(self, x: Scalar) -> tuple[Vector, Vector]:
        """a_k1 and h_k1, h_01 = x."""
        a: Vector = {}
        h: Vector = {0: x}
        for k in to(self.L):
            a[k] = self.W[k] * h[k - 1] + self.b[k]
            h[k] = self.g[k].value(a[k])
        return a, h

    def loss(self, x: Scalar) -> Scalar:
        """−log ŷ."""
        return -log(self.forward(x)[1][self.L])

    def factors(self, x: Scalar, k: int) -> list[Scalar]:
        """The chain from the loss to W_k11: ∂𝓛/∂ŷ, ∂ŷ/∂a_L1, then ∂a/∂h, ∂h/∂a by turns, at last ∂a_k1/∂W_k11."""
        a, h = self.forward(x)
        chain: list[Scalar] = [-1 / h[self.L], self.g[self.L].slope(a[self.L])]
        for layer in range(self.L, k, -1):
            chain += [self.W[layer], self.g[layer - 1].slope(a[layer - 1])]
        return [*chain, h[k - 1]]

    def derivative(self, x: Scalar, k: int) -> Scalar:
        """∂𝓛/∂W_k11: the product of the chain."""
        product: Scalar = 1
        for factor in self.factors(x, k):
            product *= factor
        return product
