"""Biswas, result by result, and the engine against all of it.

His a is bp's Z, his h bp's A; layers, weights and biases are bp's own. What 5.1
has for one data-point, bp computes with m = 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import pytest

from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.heads import Composed
from bpcli.nn.losses import CrossEntropy
from bpcli.nn.workspace import Workspace

from . import biswas
from .biswas import one_if
from .scalars import Function, Scalar, Table, Vector, exp, log, to
from .support import (
    STEP,
    Draw,
    Run,
    agree,
    biases,
    column,
    columns,
    differ,
    draw,
    each_network,
    grid,
    matrix,
    pick,
    run,
    same,
    slope,
    slopes,
    tilted,
    vector,
    weights,
)

HIDDEN = {
    "relu": biswas.RELU,
    "sigmoid": biswas.LOGISTIC,
    "tanh": biswas.TANH,
    "identity": biswas.IDENTITY,
}


@dataclass(frozen=True)
class Given:
    """A random network in both notations, and what the engine makes of it."""

    drawn: Draw
    run: Run
    g: biswas.Hidden
    W: Table
    b: Table
    X: Table
    labels: dict[int, int]

    @property
    def n(self) -> biswas.Sizes:
        return self.drawn.sizes

    @property
    def L(self) -> int:
        return self.drawn.L

    @property
    def m(self) -> int:
        return self.drawn.m

    @property
    def p(self) -> int:
        return self.n[self.L]

    @property
    def x(self) -> Vector:
        """The first data-point."""
        return {j: self.X[j, 1] for j in to(self.n[0])}

    @property
    def l(self) -> int:  # noqa: E743
        """Its true class."""
        return self.labels[1]

    @cached_property
    def one(self) -> tuple[Table, Table, Vector]:
        """a, h and ŷ of the first data-point."""
        return biswas.forward(self.n, self.W, self.b, self.g, self.x)

    @cached_property
    def gradient(self) -> biswas.Gradient:
        return biswas.gradient(self.n, self.W, self.b, self.g, self.x, self.l)

    @cached_property
    def whole(self) -> biswas.Forward:
        return biswas.forward_all(self.n, self.W, self.b, self.g, self.X)

    @cached_property
    def gradient_of_all(self) -> biswas.Gradient:
        return biswas.gradient_all(self.n, self.W, self.b, self.g, self.X, self.labels)

    def loss(self, W: Table, b: Table) -> Scalar:
        """−log ŷ_ℓ of the first data-point."""
        return biswas.loss(biswas.forward(self.n, W, b, self.g, self.x)[2], self.l)

    def average_loss(self, W: Table, b: Table) -> Scalar:
        return biswas.average_loss(biswas.forward_all(self.n, W, b, self.g, self.X).Y_hat, self.labels)

    def loss_of_a(self, a: Table, k: int) -> Scalar:
        """The loss as a function of layer k's a."""
        if k == self.L:
            return biswas.loss(biswas.softmax({i: a[k, i] for i in to(self.p)}), self.l)
        return self.loss_of_h({(k, i): self.g[k].value(a[k, i]) for i in to(self.n[k])}, k)

    def loss_of_h(self, h: Table, k: int) -> Scalar:
        """The loss as a function of layer k's h."""
        return biswas.loss(biswas.onward(self.n, self.W, self.b, self.g, h, k + 1)[2], self.l)

    @cached_property
    def da(self) -> Table:
        """∂𝓛/∂a_ki by the forward pass alone."""
        a = self.one[0]
        return {(k, i): slope(self.loss_of_a(tilted(a, (k, i)), k)) for k, i in a}

    @cached_property
    def dh(self) -> Table:
        """∂𝓛/∂h_ki of the hidden layers by the forward pass alone."""
        h = self.one[1]
        return {(k, i): slope(self.loss_of_h(tilted(h, (k, i)), k)) for k, i in h if k > 0}


@cache
def given(
    depth: int, seed: int, examples: int | None = None, width: int | None = None, outputs: int | None = None
) -> Given:
    drawn = draw(depth, seed, outputs=outputs or 2 + seed % 3, examples=examples, width=width)
    names = pick(list(HIDDEN), depth, seed)
    made = run(drawn, names, "softmax", CrossEntropy(), drawn.classes)
    g = {k: HIDDEN[name] for k, name in enumerate(names, start=1)}
    X: Table = {(j, c): v[j] for c, v in columns(drawn.X).items() for j in v}
    labels = {c: int(y) + 1 for c, y in enumerate(drawn.classes, start=1)}
    return Given(drawn, made, g, weights(drawn), biases(drawn), X, labels)


def single(depth: int, seed: int) -> Given:
    """One data-point."""
    return given(depth, seed, examples=1)


every = each_network(seeds=3)
with_a_hidden_layer = each_network(seeds=3, depths=[1, 2, 3, 4])


# The engine computes the derivation


@each_network(seeds=8)
def test_forward_gives_every_A_and_H_of_the_whole_X(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for k in to(net.L):
        agree(net.run.Z[k], matrix(net.whole.A, k))
    for k in to(net.L - 1):
        agree(net.run.A[k], matrix(net.whole.H, k))
    agree(net.run.A[-1], grid(net.whole.Y_hat))


@each_network(seeds=8)
def test_backward_gives_every_gradient_by_A_and_H(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for k in to(net.L):
        agree(net.run.dZ[k], matrix(net.gradient_of_all.da, k))
    for k in to(net.L - 1):
        agree(net.run.dA[k], matrix(net.gradient_of_all.dh, k))


@each_network(seeds=8)
def test_backward_gives_every_gradient_by_W_and_b(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for k in to(net.L):
        agree(net.run.dW[k], matrix(net.gradient_of_all.dW, k))
        agree(net.run.db[k], vector(net.gradient_of_all.db, k))


@every
def test_gradient_for_one_data_point_is_the_slope_of_its_loss(depth: int, seed: int) -> None:
    net = single(depth, seed)
    same(net.gradient.dW, {key: slope(net.loss(tilted(net.W, key), net.b)) for key in net.W})
    same(net.gradient.db, {key: slope(net.loss(net.W, tilted(net.b, key))) for key in net.b})


@each_network(seeds=2)
def test_gradient_for_the_whole_X_is_the_slope_of_the_average_loss(depth: int, seed: int) -> None:
    net = given(depth, seed)
    same(net.gradient_of_all.dW, {key: slope(net.average_loss(tilted(net.W, key), net.b)) for key in net.W})
    same(net.gradient_of_all.db, {key: slope(net.average_loss(net.W, tilted(net.b, key))) for key in net.b})


@every
def test_section_2_pre_activations_activations_and_output(depth: int, seed: int) -> None:
    net = single(depth, seed)
    a, h, y_hat = net.one
    assert {j: h[0, j] for j in to(net.n[0])} == net.x
    for k in to(net.L):
        agree(net.run.Z[k], vector(a, k))
    for k in to(net.L - 1):
        agree(net.run.A[k], column({i: net.g[k].value(a[k, i]) for i in to(net.n[k])}))
    agree(net.run.A[-1], column(y_hat))


@each_network(seeds=8)
def test_section_3_average_sparse_categorical_cross_entropy(depth: int, seed: int) -> None:
    net = given(depth, seed)
    picked = [net.run.A[-1][net.labels[c] - 1, c - 1] for c in to(net.m)]
    agree(net.run.loss, sum(-np.log(y_hat) for y_hat in picked) / net.m)
    agree(net.run.loss, net.average_loss(net.W, net.b))
    agree(in_two_steps(net).loss, net.average_loss(net.W, net.b))


def in_two_steps(net: Given) -> Run:
    """The engine without its shortcut for the softmax under cross-entropy."""
    names = {g: name for name, g in HIDDEN.items()}
    hidden = [names[net.g[k]] for k in to(net.L - 1)]
    return run(net.drawn, hidden, "softmax", CrossEntropy(), net.drawn.classes, head=Composed)


# Sections 4.1 and 4.2: the chain


def thin(L: int, seed: int) -> tuple[biswas.Thin, Draw, Run]:
    """One unit in every layer, the output logistic: with a softmax it could only be 1."""
    drawn = draw(L - 1, seed, width=1, examples=1)
    hidden = pick(list(HIDDEN), L - 1, seed)
    made = run(drawn, hidden, "sigmoid", CrossEntropy(), drawn.classes)
    g = {k: HIDDEN[name] for k, name in enumerate([*hidden, "sigmoid"], start=1)}
    W: Vector = {k: float(drawn.parameters.W[k][0, 0]) for k in to(L)}
    b: Vector = {k: float(drawn.parameters.b[k][0, 0]) for k in to(L)}
    return biswas.Thin(W, b, g), drawn, made


@pytest.mark.parametrize("L", range(1, 6))
@pytest.mark.parametrize("seed", range(4))
def test_section_4_1_the_thin_networks_chain_has_the_slope_of_the_loss_as_product(L: int, seed: int) -> None:
    net, drawn, made = thin(L, seed)
    x = float(drawn.X[0, 0])
    agree(made.loss, net.loss(x))
    products = {k: net.derivative(x, k) for k in to(L)}
    same(products, {k: slope(biswas.Thin(tilted(net.W, k), net.b, net.g).loss(x)) for k in to(L)})
    agree([made.dW[k][0, 0] for k in to(L)], list(products.values()))
    assert [len(net.factors(x, k)) for k in to(L)] == [2 * (L - k) + 3 for k in to(L)]


@pytest.mark.parametrize("L", range(1, 6))
@pytest.mark.parametrize("seed", range(4))
def test_section_4_1_every_factor_of_the_chain_is_the_slope_of_one_step(L: int, seed: int) -> None:
    net, drawn, made = thin(L, seed)
    x = float(drawn.X[0, 0])
    a, h = net.forward(x)
    steps = [slope(-log(h[L] + STEP * 1j)), slope(net.g[L].value(a[L] + STEP * 1j))]
    for k in range(L, 1, -1):
        steps.append(slope(net.W[k] * (h[k - 1] + STEP * 1j) + net.b[k]))
        steps.append(slope(net.g[k - 1].value(a[k - 1] + STEP * 1j)))
    steps.append(slope((net.W[1] + STEP * 1j) * h[0] + net.b[1]))
    agree(net.factors(x, 1), steps)
    for k in to(L):
        agree(made.dZ[k], [[np.prod(steps[: 2 * (L - k) + 2])]])


@pytest.mark.parametrize("depth", range(1, 5))
@pytest.mark.parametrize("seed", range(2))
def test_section_4_1_under_a_softmax_the_chain_has_a_path_through_each_output(depth: int, seed: int) -> None:
    net = given(depth, seed, examples=1, width=1, outputs=2)
    a, h, y_hat = net.one
    paths = [-1 / y_hat[net.l] * slope(biswas.softmax(logits(net, i))[net.l]) * net.W[net.L, i, 1] for i in to(2)]
    rest = net.g[net.L - 1].slope(a[net.L - 1, 1])
    for k in range(net.L - 1, 1, -1):
        rest *= net.W[k, 1, 1] * net.g[k - 1].slope(a[k - 1, 1])
    agree(sum(paths) * rest * h[0, 1], slope(net.loss(tilted(net.W, (1, 1, 1)), net.b)))
    agree(net.run.dW[1], [[sum(paths) * rest * h[0, 1]]])


def logits(net: Given, i: int | None = None) -> Vector:
    """a_L of the first data-point, with a tilt of its i-th entry."""
    a_L = {j: net.one[0][net.L, j] for j in to(net.p)}
    return a_L if i is None else tilted(a_L, i)


@with_a_hidden_layer
def test_section_4_2_in_a_wide_network_the_chain_is_a_product_of_jacobians(depth: int, seed: int) -> None:
    net = single(depth, seed)
    agree(chained(net), slope(net.loss(tilted(net.W, (1, 1, 1)), net.b)))
    agree(net.run.dW[1][0, 0], chained(net))


def chained(net: Given) -> Scalar:
    """∂𝓛/∂ŷ · ∂ŷ/∂a_L · ∂a_L/∂h_L-1 · … · ∂a_1/∂W_111, each factor a matrix of slopes."""
    a, h, y_hat = net.one
    row = np.array([-one_if(i == net.l) / y_hat[net.l] for i in to(net.p)])
    row = row @ grid({(i, j): slope(biswas.softmax(logits(net, j))[i]) for i in to(net.p) for j in to(net.p)})
    for k in range(net.L, 1, -1):
        row = row @ matrix(net.W, k)
        g_slopes = [net.g[k - 1].slope(a[k - 1, j]) for j in to(net.n[k - 1])]
        row = row @ np.diag(g_slopes)
    by_weight = np.array([one_if(i == 1) * h[0, 1] for i in to(net.n[1])])
    return complex(row @ by_weight).real


# Section 4.3.1: output units


@every
def test_section_4_3_1_loss_of_one_data_point(depth: int, seed: int) -> None:
    net = single(depth, seed)
    agree(net.run.loss, biswas.loss(net.one[2], net.l))


@every
def test_section_4_3_1_derivative_by_an_output_is_minus_the_indicator_over_the_true_one(depth: int, seed: int) -> None:
    net = single(depth, seed)
    y_hat = net.one[2]
    found = {i: -one_if(i == net.l) / y_hat[net.l] for i in to(net.p)}
    same(found, {i: slope(biswas.loss(tilted(y_hat, i), net.l)) for i in to(net.p)})
    agree(net.run.dA[-1], column(found))


@every
def test_section_4_3_1_gradient_by_the_outputs_is_a_one_hot_vector_over_the_true_output(depth: int, seed: int) -> None:
    net = single(depth, seed)
    E = biswas.one_hot(net.p, {1: net.l})
    assert sum(E.values()) == E[net.l, 1] == 1
    agree(net.run.dA[-1], column({i: -1 / net.one[2][net.l] * E[i, 1] for i in to(net.p)}))


@every
def test_section_4_3_1_chain_through_the_true_classs_output(depth: int, seed: int) -> None:
    net = single(depth, seed)
    y_hat = net.one[2]
    for i in to(net.p):
        by_output = slope(biswas.loss(tilted(y_hat, net.l), net.l))
        agree(by_output * slope(biswas.softmax(logits(net, i))[net.l]), net.da[net.L, i])
    agree(in_two_steps(net).dZ[-1], vector(net.da, net.L))
    total = sum(exp(v) for v in logits(net).values())
    agree(net.run.A[-1], column({i: exp(logits(net)[i]) / total for i in to(net.p)}))


@every
def test_section_4_3_1_quotient_rule_of_the_softmax_line_by_line(depth: int, seed: int) -> None:
    net = single(depth, seed)
    a, l = logits(net), net.l
    y_hat, total = biswas.softmax(a), sum(exp(v) for v in a.values())
    for i in to(net.p):
        minus = -1 / y_hat[l]
        by_softmax = minus * slope(biswas.softmax(logits(net, i))[l])
        d_top, d_total = slope(exp(tilted(a, i)[l])), slope(sum(exp(v) for v in tilted(a, i).values()))
        by_quotient = minus * (d_top / total - exp(a[l]) * d_total / total**2)
        by_exponentials = minus * (one_if(l == i) * exp(a[l]) / total - exp(a[l]) * exp(a[i]) / total**2)
        by_outputs = minus * (one_if(l == i) * y_hat[l] - y_hat[l] * y_hat[i])
        result = -(one_if(l == i) - y_hat[i])
        lines = [by_softmax, by_quotient, by_exponentials, by_outputs, result]
        agree(np.array(lines), np.full(5, net.da[net.L, i]))
    agree(in_two_steps(net).dZ[-1], vector(net.da, net.L))


@every
def test_section_4_3_1_derivative_by_a_pre_activation_of_the_output(depth: int, seed: int) -> None:
    net = single(depth, seed)
    same(
        {i: -(one_if(net.l == i) - net.one[2][i]) for i in to(net.p)},
        {i: net.da[net.L, i] for i in to(net.p)},
    )


@every
def test_section_4_3_1_gradient_by_the_outputs_pre_activations_is_output_minus_one_hot(depth: int, seed: int) -> None:
    net = single(depth, seed)
    e, y_hat = biswas.one_hot(net.p, {1: net.l}), net.one[2]
    agree(net.run.dZ[-1], column({i: -(e[i, 1] - y_hat[i]) for i in to(net.p)}))


# Section 4.3.2: hidden units


def test_section_4_3_2_chain_along_multiple_paths_adds_their_products() -> None:
    x = 0.7
    paths = [Function(lambda v: v**2, lambda v: 2 * v), Function(lambda v: exp(-v), lambda v: -exp(-v)), biswas.TANH]

    def outer(q: Vector) -> Scalar:
        return q[0] * q[1] + q[2] ** 3

    q = {i: path.value(x) for i, path in enumerate(paths)}
    direct = slope(outer({i: path.value(x + STEP * 1j) for i, path in enumerate(paths)}))
    agree(sum(slope(outer(tilted(q, i))) * path.slope(x) for i, path in enumerate(paths)), direct)


def test_section_4_3_2_example_with_two_paths() -> None:
    x = -0.4
    y = {1: biswas.logistic(x), 2: x**3}
    dy = {1: biswas.LOGISTIC.slope(x), 2: 3 * x**2}

    def z(v: Vector) -> Scalar:
        return v[1] / (2 + v[2])

    direct = slope(z({1: biswas.logistic(x + STEP * 1j), 2: (x + STEP * 1j) ** 3}))
    agree(sum(slope(z(tilted(y, i))) * dy[i] for i in (1, 2)), direct)


@with_a_hidden_layer
def test_section_4_3_2_derivative_by_a_hidden_unit_adds_over_the_next_layer(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for i in to(net.L - 1):
        found: Table = {(i, j): over_next(net, i, j) for j in to(net.n[i])}
        agree(net.run.dA[i], vector(found, i))
        agree(vector(found, i), vector(net.dh, i))


def over_next(net: Given, i: int, j: int) -> Scalar:
    """Σ_m ∂𝓛/∂a_i+1,m W_i+1,m,j, m = 1 … n_i+1."""
    return sum(net.da[i + 1, m] * net.W[i + 1, m, j] for m in to(net.n[i + 1]))


@with_a_hidden_layer
def test_section_4_3_2_the_sum_is_a_column_of_W_times_the_next_gradient(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for i in to(net.L - 1):
        for j in to(net.n[i]):
            by_engine = net.drawn.parameters.W[i + 1][:, j - 1] @ net.run.dZ[i + 1][:, 0]
            agree(by_engine, net.run.dA[i][j - 1, 0])
            agree(by_engine, over_next(net, i, j))


@with_a_hidden_layer
def test_section_4_3_2_gradient_by_a_hidden_layer_is_the_transposed_W_times_the_next(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for i in to(net.L - 1):
        next_a = vector(net.da, i + 1)
        product = net.drawn.parameters.W[i + 1].T @ next_a
        agree(product, vector(net.dh, i))
        agree(net.run.dA[i], product)


@with_a_hidden_layer
def test_section_4_3_2_derivative_by_a_pre_activation(depth: int, seed: int) -> None:
    net = single(depth, seed)
    a = net.one[0]
    for i in to(net.L - 1):
        found = column({j: net.dh[i, j] * net.g[i].slope(a[i, j]) for j in to(net.n[i])})
        agree(found, vector(net.da, i))


@with_a_hidden_layer
def test_section_4_3_2_gradient_by_the_pre_activations_of_a_hidden_layer(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for i in to(net.L - 1):
        slopes_of_g = column({j: net.g[i].slope(net.one[0][i, j]) for j in to(net.n[i])})
        agree(net.run.dA[i] * slopes_of_g, vector(net.da, i))
        agree(net.run.dZ[i], vector(net.da, i))


# Section 4.3.3: weights and biases


@every
def test_section_4_3_3_derivative_of_a_pre_activation_by_its_weight_is_the_activation_below(
    depth: int, seed: int
) -> None:
    net = single(depth, seed)
    h = net.one[1]
    for k, i, j in net.W:
        moved = biswas.forward(net.n, tilted(net.W, (k, i, j)), net.b, net.g, net.x)[0]
        agree(slope(moved[k, i]), h[k - 1, j])


@every
def test_section_4_3_3_derivative_by_a_weight(depth: int, seed: int) -> None:
    net = single(depth, seed)
    found = {(k, i, j): net.da[k, i] * net.one[1][k - 1, j] for k, i, j in net.W}
    same(found, {key: slope(net.loss(tilted(net.W, key), net.b)) for key in net.W})


@every
def test_section_4_3_3_gradient_by_W_has_row_i_and_column_j_where_W_has_them(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for k in to(net.L):
        assert net.run.dW[k].shape == (net.n[k], net.n[k - 1])
        by_slopes = grid(
            {(i, j): slope(net.loss(tilted(net.W, (k, i, j)), net.b)) for i in to(net.n[k]) for j in to(net.n[k - 1])}
        )
        agree(net.run.dW[k], by_slopes)


@pytest.mark.parametrize("seed", range(4))
def test_section_4_3_3_example_of_three_by_three(seed: int) -> None:
    net = given(2, seed, examples=1, width=3)
    h = net.one[1]
    for k in (1, 2):
        G = {i: net.da[k, i] for i in to(3)}
        written_out = [
            [G[1] * h[k - 1, 1], G[1] * h[k - 1, 2], G[1] * h[k - 1, 3]],
            [G[2] * h[k - 1, 1], G[2] * h[k - 1, 2], G[2] * h[k - 1, 3]],
            [G[3] * h[k - 1, 1], G[3] * h[k - 1, 2], G[3] * h[k - 1, 3]],
        ]
        agree(net.run.dW[k], written_out)
        agree(column(G) @ vector(h, k - 1).T, written_out)


@every
def test_section_4_3_3_a_pre_activation_is_bias_plus_weighted_sum(depth: int, seed: int) -> None:
    net = single(depth, seed)
    h = net.one[1]
    for k in to(net.L):
        found = column(
            {i: net.b[k, i] + sum(net.W[k, i, j] * h[k - 1, j] for j in to(net.n[k - 1])) for i in to(net.n[k])}
        )
        agree(net.run.Z[k], found)


@every
def test_section_4_3_3_derivative_by_a_bias_is_that_by_its_pre_activation(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for k, i in net.b:
        moved = biswas.forward(net.n, net.W, tilted(net.b, (k, i)), net.g, net.x)[0]
        assert slope(moved[k, i]) == 1
    same(net.da, {key: slope(net.loss(net.W, tilted(net.b, key))) for key in net.da})


@every
def test_section_4_3_3_gradient_by_the_biases_is_that_by_the_pre_activations(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for k in to(net.L):
        agree(net.run.db[k], vector(net.da, k))
        np.testing.assert_array_equal(net.run.db[k], net.run.dZ[k])


# Section 5.1: summary for a single data-point


@every
def test_section_5_1_gradient_by_W(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for k in to(net.L):
        found = grid(
            {(i, j): net.gradient.da[k, i] * net.one[1][k - 1, j] for i in to(net.n[k]) for j in to(net.n[k - 1])}
        )
        agree(net.run.dW[k], found)


@every
def test_section_5_1_gradient_by_b(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for k in to(net.L):
        agree(net.run.db[k], vector(net.gradient.da, k))


@every
def test_section_5_1_gradient_by_a_at_the_output(depth: int, seed: int) -> None:
    net = single(depth, seed)
    found = column({i: -(one_if(i == net.l) - net.one[2][i]) for i in to(net.p)})
    agree(net.run.dZ[-1], found)
    agree(found, vector(net.da, net.L))


@with_a_hidden_layer
def test_section_5_1_gradient_by_a_of_a_hidden_layer(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for k in to(net.L - 1):
        agree(net.run.dA[k], vector(net.gradient.dh, k))
        agree(net.run.dZ[k], vector(net.gradient.da, k))
        agree(vector(net.gradient.da, k), vector(net.da, k))


# Section 5.2: summary for the whole X


@every
def test_section_5_2_H_0_is_X(depth: int, seed: int) -> None:
    net = given(depth, seed)
    np.testing.assert_array_equal(net.run.A[0], matrix(net.whole.H, 0))
    np.testing.assert_array_equal(net.run.A[0], net.drawn.X)


@every
def test_section_5_2_A_is_W_H_plus_b_in_every_column(depth: int, seed: int) -> None:
    net = given(depth, seed)
    W, b = net.drawn.parameters.W, net.drawn.parameters.b
    for k in to(net.L):
        H = matrix(net.whole.H, k - 1)
        product = W[k] @ H + b[k] @ np.ones((1, net.m))
        agree(product, matrix(net.whole.A, k))
        agree(net.run.Z[k], product)


@with_a_hidden_layer
def test_section_5_2_H_is_g_of_A(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for k in to(net.L - 1):
        agree(
            net.run.A[k], grid({(i, c): net.g[k].value(net.whole.A[k, i, c]) for i in to(net.n[k]) for c in to(net.m)})
        )


@every
def test_section_5_2_outputs_are_the_softmax_of_each_column(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for c in to(net.m):
        y_hat = biswas.softmax({i: net.whole.A[net.L, i, c] for i in to(net.p)})
        agree(net.run.A[-1][:, c - 1], [y_hat[i] for i in to(net.p)])


@every
def test_section_5_2_gradient_by_W(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for k in to(net.L):
        dA = matrix(net.gradient_of_all.da, k)
        H = matrix(net.whole.H, k - 1)
        agree(dA @ H.T, matrix(net.gradient_of_all.dW, k))
        agree(net.run.dW[k], dA @ H.T)


@every
def test_section_5_2_gradient_by_b(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for k in to(net.L):
        dA = matrix(net.gradient_of_all.da, k)
        agree(dA @ np.ones((net.m, 1)), vector(net.gradient_of_all.db, k))
        agree(net.run.db[k], dA @ np.ones((net.m, 1)))


@every
def test_section_5_2_gradient_by_A_at_the_output(depth: int, seed: int) -> None:
    net = given(depth, seed)
    E = biswas.one_hot(net.p, net.labels)
    agree(
        net.run.dZ[-1], grid({(i, c): (net.whole.Y_hat[i, c] - E[i, c]) / net.m for i in to(net.p) for c in to(net.m)})
    )


@with_a_hidden_layer
def test_section_5_2_gradient_by_A_of_a_hidden_layer(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for k in to(net.L - 1):
        next_dA = matrix(net.gradient_of_all.da, k + 1)
        dH = net.drawn.parameters.W[k + 1].T @ next_dA
        agree(net.run.dA[k], dH)
        agree(
            net.run.dZ[k],
            dH * grid({(i, c): net.g[k].slope(net.whole.A[k, i, c]) for i in to(net.n[k]) for c in to(net.m)}),
        )


@every
def test_section_5_2_is_the_mean_of_5_1_over_the_data_points(depth: int, seed: int) -> None:
    net = given(depth, seed)
    each = {
        c: biswas.gradient(net.n, net.W, net.b, net.g, {j: net.X[j, c] for j in to(net.n[0])}, net.labels[c])
        for c in to(net.m)
    }
    same(net.gradient_of_all.dW, {key: sum(each[c].dW[key] for c in each) / net.m for key in net.W})
    same(net.gradient_of_all.db, {key: sum(each[c].db[key] for c in each) / net.m for key in net.b})


# Section 6.1: derivatives of activation functions

some_z = pytest.mark.parametrize("z", [-3.1, -0.6, 0.0, 0.2, 1.7, 3.0])


@some_z
def test_section_6_1_logistic_function_line_by_line(z: float) -> None:
    e = exp(-z)
    inner = slope(1 + exp(-(z + STEP * 1j)))
    g = biswas.logistic(z)
    lines = [
        (-1) / (1 + e) ** 2 * inner,
        (-1) / (1 + e) ** 2 * (-e),
        1 / (1 + e) * ((1 + e - 1) / (1 + e)),
        g * (1 - g),
    ]
    agree(np.array(lines), np.full(4, slope(biswas.logistic(z + STEP * 1j))))
    agree(unit("sigmoid", z)[1], slope(biswas.logistic(z + STEP * 1j)))


@some_z
def test_section_6_1_tanh_line_by_line(z: float) -> None:
    up, down = exp(z), exp(-z)
    total, difference = up + down, up - down
    by_quotient = (total * (up + down) - difference * (up - down)) / total**2
    lines = [
        by_quotient,
        (total**2 - difference**2) / total**2,
        1 - difference**2 / total**2,
        1 - biswas.tanh(z) ** 2,
    ]
    agree(np.array(lines), np.full(4, slope(biswas.tanh(z + STEP * 1j))))
    agree(unit("tanh", z)[1], slope(biswas.tanh(z + STEP * 1j)))


def unit(name: str, z: float) -> tuple[float, float]:
    """f(z) and f′(z) by the engine."""
    ws = Workspace((1, 1), 1, np.float64, class_indices=False)
    Z, f = np.array([[z]]), ACTIVATIONS[name]()
    f.forward(Z, np.empty(0), ws.A[1], ws.scratch[1])
    f.backward(np.ones((1, 1)), Z, ws.A[1], np.empty(0), ws.dZ[1], np.empty(0), ws.scratch[1])
    return float(ws.A[1][0, 0]), float(ws.dZ[1][0, 0])


# Slips


def test_slip_4_3_1_case_form_lacks_the_minus() -> None:
    net = single(1, 0)
    y_hat = net.one[2]
    right = slope(biswas.loss(tilted(y_hat, net.l), net.l))
    agree(-1 / y_hat[net.l], right)
    agree(net.run.dA[-1][net.l - 1, 0], right)
    differ(1 / y_hat[net.l], right)


def test_slip_5_2_the_recursion_starts_from_H_0_so_no_g_is_applied_to_X() -> None:
    net = given(1, 1)
    k, i = 1, 1
    from_A_0 = [
        sum(net.W[k, i, j] * net.g[1].value(net.X[j, c]) for j in to(net.n[0])) + net.b[k, i] for c in to(net.m)
    ]
    differ(from_A_0, net.run.Z[1][0])
    from_H_0 = [sum(net.W[k, i, j] * net.X[j, c] for j in to(net.n[0])) + net.b[k, i] for c in to(net.m)]
    agree(net.run.Z[1][0], from_H_0)


def test_slip_4_3_2_the_sum_over_paths_ends_with_the_next_layer_not_with_the_outputs() -> None:
    net = next(made for seed in range(20) if (made := given(2, seed, examples=1, outputs=2)).n[2] > 3)
    right = vector(net.dh, 1)
    agree(column({j: over_next(net, 1, j) for j in to(net.n[1])}), right)
    to_p = column({j: sum(net.da[2, m] * net.W[2, m, j] for m in to(net.p)) for j in to(net.n[1])})
    differ(to_p, right)


def test_slip_3_each_example_has_its_own_true_class_and_its_own_output() -> None:
    net = next(made for seed in range(20) if len(set((made := given(1, seed, examples=4)).labels.values())) > 1)
    Y_hat = net.whole.Y_hat
    agree(net.run.loss, sum(-log(Y_hat[net.labels[c], c]) for c in to(4)) / 4)
    differ(sum(-log(Y_hat[net.l, c]) for c in to(4)) / 4, net.run.loss)
    differ(sum(-log(Y_hat[net.labels[c], 1]) for c in to(4)) / 4, net.run.loss)


def test_slip_5_2_the_slope_is_that_of_the_layers_own_g() -> None:
    net = given(2, 2)
    assert net.g[1] is not net.g[2]
    right = net.run.dZ[1]
    own = grid({(i, c): net.g[1].slope(net.whole.A[1, i, c]) for i in to(net.n[1]) for c in to(net.m)})
    other = grid({(i, c): net.g[2].slope(net.whole.A[1, i, c]) for i in to(net.n[1]) for c in to(net.m)})
    agree(net.run.dA[1] * own, right)
    differ(net.run.dA[1] * other, right)


def test_slip_4_1_the_chain_has_two_factors_for_each_layer_whatever_the_depth() -> None:
    for L in (2, 3, 5):
        net, drawn, made = thin(L, 0)
        x = float(drawn.X[0, 0])
        assert len(net.factors(x, 1)) == 2 * L + 1
        agree(made.dW[1], [[net.derivative(x, 1)]])


def test_slip_4_2_single_entries_in_place_of_jacobians_are_wrong_in_a_wide_network() -> None:
    net = given(2, 1, examples=1, width=3)
    a, h, y_hat = net.one
    right = slope(net.loss(tilted(net.W, (1, 1, 1)), net.b))
    one_path = -1 / y_hat[net.l] * slope(biswas.softmax(logits(net, 1))[net.l])
    for k in range(net.L, 1, -1):
        one_path *= net.W[k, 1, 1] * net.g[k - 1].slope(a[k - 1, 1])
    differ(one_path * h[0, 1], right)
    agree(chained(net), right)


def test_slip_4_2_the_outputs_layer_reads_the_activations_before_it() -> None:
    net = given(2, 1, examples=1)
    h = net.one[1]
    assert {k for k, _ in h} == set(range(net.L))
    a_L = {
        i: sum(net.W[net.L, i, j] * h[net.L - 1, j] for j in to(net.n[net.L - 1])) + net.b[net.L, i] for i in to(net.p)
    }
    agree(net.run.A[-1], column(biswas.softmax(a_L)))


def test_slip_4_3_2_slopes_of_g_stand_in_a_column() -> None:
    net = given(1, 1, examples=1, width=3)
    slopes_of_g = np.array([net.g[1].slope(net.one[0][1, j]) for j in to(3)])
    dh = vector(net.dh, 1)
    assert (dh * slopes_of_g).shape == (3, 3)
    agree(net.run.dZ[1], dh * slopes_of_g[:, None])


def test_slip_5_1_5_2_the_product_with_W_comes_before_the_slope() -> None:
    net = given(2, 1, width=3)
    W, slopes_of_g = (
        net.drawn.parameters.W[2],
        grid({(i, c): net.g[1].slope(net.whole.A[1, i, c]) for i in to(3) for c in to(net.m)}),
    )
    agree(net.run.dZ[1], (W.T @ net.run.dZ[2]) * slopes_of_g)
    differ(W.T @ (net.run.dZ[2] * slopes_of_g), net.run.dZ[1])


@pytest.mark.parametrize("depth", range(3))
def test_slip_4_1_a_softmax_of_one_output_has_no_cost_and_no_gradient(depth: int) -> None:
    net = given(depth, 1, outputs=1)
    assert net.run.loss == 0
    assert net.average_loss(net.W, net.b) == 0
    assert not any(dW.any() for dW in net.run.dW[1:])
    assert set(net.gradient_of_all.dW.values()) == {0}


@pytest.mark.parametrize(("name", "slope_at_0"), [("relu", 0.0), ("identity", 1.0)])
def test_slip_6_1_derivatives_that_the_appendix_leaves_out(name: str, slope_at_0: float) -> None:
    g = HIDDEN[name]
    for z in (-2.0, -0.1, 0.3, 5.0):
        agree(g.slope(z), slope(g.value(z + STEP * 1j)))
        assert unit(name, z) == (g.value(z), g.slope(z))
    assert unit(name, 0.0) == (0.0, slope_at_0)
    assert g.slope(0.0) == slope_at_0


def test_slip_6_1_the_softmax_has_a_matrix_of_derivatives() -> None:
    net = single(1, 2)
    y_hat = net.one[2]
    for i in to(net.p):
        found = slopes(biswas.softmax(logits(net, i)))
        same(found, {l: y_hat[l] * (one_if(l == i) - y_hat[i]) for l in to(net.p)})


def test_slip_4_3_1_the_softmaxs_sum_has_an_index_of_its_own() -> None:
    net = single(1, 2)
    a = logits(net)
    bound_to_i = {i: exp(a[net.l]) / (net.p * exp(a[i])) for i in a}
    total = sum(exp(a[other]) for other in a)
    agree(net.run.A[-1][net.l - 1, 0], exp(a[net.l]) / total)
    differ(list(bound_to_i.values()), [net.one[2][net.l]] * net.p)


def test_slip_4_3_3_the_gradient_by_W_is_a_matrix_of_products_not_one_product() -> None:
    net = given(2, 1, examples=1, width=3)
    h = net.one[1]
    one_entry = net.da[1, 1] * h[0, 1]
    agree(net.run.dW[1][0, 0], one_entry)
    differ(np.full((3, 3), one_entry), net.run.dW[1])
