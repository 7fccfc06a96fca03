"""Brawer: K sigmoid outputs under summed cross-entropy, the bias a node of every layer.

His notation: layers 1 … L, layer 1 the inputs; nodes 0 … s[l] of layer l, node
0 the bias node; theta[l, j, k] leads from node k of layer l to node j of layer
l + 1, its column 0 the biases, its row 0 the constants of (6); z[l, k] is the
value of a node *before* h^l; samples i = 1 … m with x[i][k], x[i][0] = 1, and
y[i][k], k = 1 … K.
"""

from __future__ import annotations

from dataclasses import dataclass

from .scalars import Function, Scalar, Table, Vector, exp, log, to


def sigmoid(z: Scalar) -> Scalar:
    """Equation (2)."""
    return 1 / (1 + exp(-z))


SIGMOID = Function(sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z)))
"""(2) with (15a)."""

LINEAR = Function(lambda z: z, lambda z: 1.0)
"""Level 1 of (3) and (15a)."""


@dataclass(frozen=True)
class Net:
    """s_l and h^l with its derivative Ψ^l, each by layer from 1."""

    s: dict[int, int]
    levels: dict[int, Function]

    @property
    def L(self) -> int:
        """The number of layers, the inputs' among them."""
        return len(self.s)

    def h(self, l: int, z: Scalar) -> Scalar:
        """h^l(z): (3), or a function of the level's own."""
        return self.levels[l].value(z)

    def Psi(self, l: int, z: Scalar) -> Scalar:
        """Ψ^l(z), equation (15)."""
        return self.levels[l].slope(z)

    def C(self, l: int, j: int, k: int) -> Scalar:
        """C^l_j,k, equation (7)."""
        return 1 / self.h(l, 1.0) if k == 0 else 1.0


def sigmoid_net(*s: int) -> Net:
    """Level 1 linear, every other level sigmoid: (3)."""
    sizes = dict(enumerate(s, start=1))
    return Net(sizes, {l: LINEAR if l == 1 else SIGMOID for l in sizes})


def nodes(n: int) -> range:
    """0 … n: every node, the bias node first."""
    return range(n + 1)


def bias_rows(net: Net) -> Table:
    """θ^l_0,k, equation (6)."""
    return {(l, 0, k): 1.0 if k == 0 else 0.0 for l in to(net.L - 1) for k in nodes(net.s[l])}


def varied(theta: Table) -> list[tuple[int, int, int]]:
    """The (l, p, q) of the weights that may be varied: p > 0."""
    return [(l, p, q) for l, p, q in theta if p > 0]


def summand(net: Net, theta: Table, z: Table, l: int, j: int, k: int) -> Scalar:
    """Term k of (5): θ^(l-1)_j,k h^(l-1)(z^(l-1)_k) C^(l-1)_j,k."""
    return theta[l - 1, j, k] * net.h(l - 1, z[l - 1, k]) * net.C(l - 1, j, k)


def node(net: Net, theta: Table, z: Table, l: int, j: int) -> Scalar:
    """z^l_j from the layer before, l > 1: equation (5)."""
    return sum(summand(net, theta, z, l, j, k) for k in nodes(net.s[l - 1]))


def forward(net: Net, theta: Table, x: Vector) -> Table:
    """Equation (5) for every node of every layer."""
    z: Table = {(1, j): x[j] for j in nodes(net.s[1])}
    for l in range(2, net.L + 1):
        for j in nodes(net.s[l]):
            z[l, j] = node(net, theta, z, l, j)
    return z


def I(p: int, q: int) -> int:  # noqa: E743
    """Equation (9)."""
    return 1 if p == q else 0


def J(net: Net, theta: Table, x: dict[int, Vector], y: dict[int, Vector]) -> Scalar:
    """Equation (18), y with its output's index."""
    m, L = len(x), net.L
    total: Scalar = 0
    for i in to(m):
        z = forward(net, theta, x[i])
        for k0 in to(net.s[L]):
            h = net.h(L, z[L, k0])
            total += y[i][k0] * log(h) + (1 - y[i][k0]) * log(1 - h)
    return -total / m


def M(net: Net, theta: Table, z: Table, l: int, j: int, k: int) -> Scalar:
    """M^l_j,k, equation (31)."""
    return theta[l, j, k] * net.C(l, j, k) * net.Psi(l, z[l, k])


def delta(net: Net, theta: Table, z: Table, y: Vector) -> Table:
    """δ^l_p for l = L … 2 and p = 0 … s_l: (42), then (43)."""
    L = net.L
    d: Table = {}
    for p in nodes(net.s[L]):
        d[L, p] = (net.h(L, z[L, p]) - y[p]) * (1 - I(p, 0)) if p > 0 else 0.0
    for l in range(L - 1, 1, -1):
        for p in nodes(net.s[l]):
            back = sum(d[l + 1, k] * theta[l, k, p] for k in to(net.s[l + 1]))
            d[l, p] = back * net.Psi(l, z[l, p]) * (1 - I(p, 0))
    return d


def gradient(net: Net, theta: Table, x: dict[int, Vector], y: dict[int, Vector]) -> Table:
    """∂J/∂θ^l_p,q for every p > 0: equation (44), the samples counted from 1."""
    m = len(x)
    z = {i: forward(net, theta, x[i]) for i in to(m)}
    d = {i: delta(net, theta, z[i], y[i]) for i in to(m)}
    return {
        (l, p, q): sum(d[i][l + 1, p] * net.C(l, 1, q) * net.h(l, z[i][l, q]) for i in to(m)) / m
        for l, p, q in varied(theta)
    }
