"""The general case: any cost c per output and any activation f, summed over examples.

Its notation: layers 0 … L, N[l] nodes each, a[0, n] the inputs, to which f is
not applied; w[l, n_l, n_l+1] leads from node n_l of layer l to node n_l+1 of
layer l + 1, so its first index is the *source*, and 0 as first index is the
bias; z[l, n], a[l, n] of one example; examples p = 1 … P; C adds c over outputs
and examples, without an average. D[n_L, l, n] stands for ∂c^p_n_L/∂z^p,l_n of
one example.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .scalars import Function, Scalar, Table, Vector, exp, log, to

Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Cost:
    """c(y, h) and ∂c/∂h."""

    value: Callable[[Scalar, Scalar], Scalar]
    slope: Callable[[Scalar, Scalar], Scalar]


def sigma(z: Scalar) -> Scalar:
    """The activation of its sections 2, 4 and 5."""
    return 1 / (1 + exp(-z))


SIGMOID = Function(sigma, lambda z: sigma(z) * (1 - sigma(z)))

LOG_LIKELIHOOD = Cost(
    lambda y, h: y * log(h) + (1 - y) * log(1 - h),
    lambda y, h: y / h - (1 - y) / (1 - h),
)
"""The c of section 2: to be maximised."""


@dataclass(frozen=True)
class Problem:
    """What a network computes with: N_l, f and c."""

    N: Sizes
    f: Function
    c: Cost

    @property
    def L(self) -> int:
        """The last layer."""
        return len(self.N) - 1


def node(problem: Problem, w: Table, a: Table, l: int, n: int) -> Scalar:
    """z^l+1_n from layer l: equation (1)."""
    return w[l, 0, n] + sum(w[l, n_l, n] * a[l, n_l] for n_l in to(problem.N[l]))


def activated(problem: Problem, z: Table, a: Table, l: int) -> None:
    """a^l = f(z^l)."""
    for n in to(problem.N[l]):
        a[l, n] = problem.f.value(z[l, n])


def onward(problem: Problem, w: Table, z: Table, a: Table, first: int) -> tuple[Table, Table]:
    """z and a of the layers after ``first``, whose a is given."""
    z, a = Table(z), Table(a)
    for l in range(first, problem.L):
        for n in to(problem.N[l + 1]):
            z[l + 1, n] = node(problem, w, a, l, n)
        activated(problem, z, a, l + 1)
    return z, a


def forward(problem: Problem, w: Table, x: Vector) -> tuple[Table, Table]:
    """z and a of one example."""
    return onward(problem, w, {}, {(0, n): x[n] for n in to(problem.N[0])}, first=0)


def costs(problem: Problem, a: Table, y: Vector) -> Vector:
    """c_n_L for each output of one example."""
    return {n_L: problem.c.value(y[n_L], a[problem.L, n_L]) for n_L in to(problem.N[problem.L])}


def C(problem: Problem, w: Table, x: dict[int, Vector], y: dict[int, Vector]) -> Scalar:
    """Equation (2)."""
    return sum(sum(costs(problem, forward(problem, w, x[p])[1], y[p]).values()) for p in to(len(x)))


def start(problem: Problem, z: Table, a: Table, y: Vector) -> Table:
    """∂c_n_L/∂z^L_n: c′f′ where n = n_L, and 0 for every other output."""
    L, outputs = problem.L, to(problem.N[problem.L])
    return {
        (n_L, L, n): problem.c.slope(y[n], a[L, n]) * problem.f.slope(z[L, n]) if n == n_L else 0.0
        for n_L in outputs
        for n in outputs
    }


def sum_over_next(problem: Problem, w: Table, D: Table, n_L: int, l: int, n: int) -> Scalar:
    """Σ w^l_n,n_l+1 ∂c_n_L/∂z^l+1_n_l+1: the sum inside the first line of (9)."""
    return sum(w[l, n, after] * D[n_L, l + 1, after] for after in to(problem.N[l + 1]))


def derivatives(problem: Problem, w: Table, z: Table, a: Table, y: Vector) -> Table:
    """D, from the last layer to the first: the first line of (9)."""
    N, L = problem.N, problem.L
    D = start(problem, z, a, y)
    for l in range(L - 1, 0, -1):
        for n_L in to(N[L]):
            for n in to(N[l]):
                D[n_L, l, n] = problem.f.slope(z[l, n]) * sum_over_next(problem, w, D, n_L, l, n)
    return D


def gradient(problem: Problem, w: Table, x: dict[int, Vector], y: dict[int, Vector]) -> Table:
    """∂C/∂w^l: the second and third line of (9)."""
    outputs = to(problem.N[problem.L])
    dC: Table = dict.fromkeys(w, 0.0)
    for p in to(len(x)):
        z, a = forward(problem, w, x[p])
        D = derivatives(problem, w, z, a, y[p])
        for l, n, after in w:
            along = sum(D[n_L, l + 1, after] for n_L in outputs)
            dC[l, n, after] += along if n == 0 else a[l, n] * along
    return dC


def closed_form(N: Sizes, w: Table, x: dict[int, Vector], y: dict[int, Vector]) -> Table:
    """Equation (17): one output, sigmoid, the output layer the second; w^0 only."""
    problem = Problem(N, SIGMOID, LOG_LIKELIHOOD)
    P = len(x)
    a = {p: forward(problem, w, x[p])[1] for p in to(P)}
    h = {p: a[p][2, 1] for p in to(P)}
    dC: Table = {}
    for n_1 in to(N[1]):
        share = {p: a[p][1, n_1] * (1 - a[p][1, n_1]) * (y[p][1] - h[p]) for p in to(P)}
        dC[0, 0, n_1] = w[1, n_1, 1] * sum(share[p] for p in to(P))
        for n_0 in to(N[0]):
            dC[0, n_0, n_1] = w[1, n_1, 1] * sum(a[p][0, n_0] * share[p] for p in to(P))
    return dC
