"""The general case's numbered equations, one test each, and the engine against all of it.

Its w^l is bp's W_l+1 transposed, with b_l+1 as row 0. What it sums over the
last layer's nodes n_L, bp has in one number: dZ_l is ± Σ over n_L of
∂c_n_L/∂z^l, the sign −1 where c is a likelihood to be maximised.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.losses import BinaryCrossEntropy, HalfSquaredError, Loss
from bpcli.nn.parameters import Layout, Parameters

from . import general
from .general import LOG_LIKELIHOOD, SIGMOID, Cost, Problem
from .scalars import FUNCTIONS, Scalar, Table, Vector, exp, log, to
from .support import (
    Draw,
    Run,
    across,
    agree,
    column,
    columns,
    differ,
    draw,
    each_network,
    grid,
    matrix,
    run,
    same,
    slope,
    slopes,
    tilted,
)

HALF_SQUARE = Cost(lambda y, h: (h - y) ** 2 / 2, lambda y, h: h - y)

COSTS = {
    "half square": HALF_SQUARE,
    "fourth power": Cost(lambda y, h: (h - y) ** 4, lambda y, h: 4 * (h - y) ** 3),
    "log cosh": Cost(
        lambda y, h: log((exp(h - y) + exp(y - h)) / 2),
        lambda y, h: (exp(h - y) - exp(y - h)) / (exp(h - y) + exp(y - h)),
    ),
}


@dataclass(frozen=True)
class Given:
    """A random network in both notations, and what the engine makes of it."""

    drawn: Draw
    run: Run
    sign: int
    """bp's loss is this times C."""
    problem: Problem
    w: Table
    x: dict[int, Vector]
    y: dict[int, Vector]

    @property
    def L(self) -> int:
        return self.problem.L

    @property
    def N(self) -> general.Sizes:
        return self.problem.N

    @property
    def P(self) -> int:
        return self.drawn.m

    @property
    def outputs(self) -> range:
        return to(self.N[self.L])

    @cached_property
    def za(self) -> dict[int, tuple[Table, Table]]:
        return {p: general.forward(self.problem, self.w, self.x[p]) for p in to(self.P)}

    def z(self, p: int) -> Table:
        return self.za[p][0]

    def a(self, p: int) -> Table:
        return self.za[p][1]

    @cached_property
    def D(self) -> dict[int, Table]:
        """∂c_n_L/∂z^l_n by the derivation's recursion."""
        return {p: general.derivatives(self.problem, self.w, self.z(p), self.a(p), self.y[p]) for p in to(self.P)}

    @cached_property
    def slopes(self) -> dict[int, Table]:
        """∂c_n_L/∂z^l_n by the forward pass alone."""
        return {p: self._slopes(p) for p in to(self.P)}

    def _slopes(self, p: int) -> Table:
        found: Table = {}
        for l, n in self.z(p):
            moved = self.after(p, l, tilted(self.z(p), (l, n)))
            found.update({(n_L, l, n): slope(moved[n_L]) for n_L in self.outputs})
        return found

    def after(self, p: int, l: int, z: Table) -> Vector:
        """Every output's c as a function of layer l's z."""
        a: Table = {}
        general.activated(self.problem, z, a, l)
        return general.costs(self.problem, general.onward(self.problem, self.w, z, a, l)[1], self.y[p])

    @cached_property
    def dC(self) -> Table:
        """The slope of C by every weight, by the forward pass alone."""
        return {key: slope(self.C(tilted(self.w, key))) for key in self.w}

    def C(self, w: Table) -> Scalar:
        return general.C(self.problem, w, self.x, self.y)

    @cached_property
    def along(self) -> dict[int, Table]:
        """Σ over n_L of ∂c_n_L/∂z^l_n."""
        return {
            p: {(l, n): sum(self.D[p][n_L, l, n] for n_L in self.outputs) for l, n in self.z(p)} for p in to(self.P)
        }

    def level(self, l: int) -> list[tuple[int, ...]]:
        return [key for key in self.w if key[0] == l]


def bias_column(table: Table, l: int) -> Array:
    """w^l_0,n or its gradient, as a column."""
    return column({n: value for (at, source, n), value in table.items() if at == l and source == 0})


def w_of(drawn: Draw) -> Table:
    """w^l_n,n′ = W_l+1's entry at row n′, column n; w^l_0,n′ = b_l+1's entry n′."""
    W, b = drawn.parameters.W, drawn.parameters.b
    return {
        (l, n, after): float(b[l + 1][after - 1, 0] if n == 0 else W[l + 1][after - 1, n - 1])
        for l in range(drawn.L)
        for after in to(drawn.sizes[l + 1])
        for n in range(drawn.sizes[l] + 1)
    }


def build(drawn: Draw, name: str, cost: Cost, loss: Loss) -> Given:
    f = SIGMOID if name == "sigmoid" else FUNCTIONS[name]
    likelihood = cost is LOG_LIKELIHOOD
    Y = drawn.labels if likelihood else drawn.reals
    made = run(drawn, [name] * (drawn.L - 1), name, loss, Y)
    problem = Problem(drawn.sizes, f, cost)
    return Given(drawn, made, -1 if likelihood else 1, problem, w_of(drawn), columns(drawn.X), columns(Y))


@cache
def sigmoid(
    depth: int, seed: int, outputs: int | None = None, examples: int | None = None, width: int | None = None
) -> Given:
    """Sigmoid everywhere and the log-likelihood, as in sections 2, 4 and 5."""
    drawn = draw(depth, seed, outputs=outputs, examples=examples, width=width)
    return build(drawn, "sigmoid", LOG_LIKELIHOOD, BinaryCrossEntropy(outputs="sum", examples="sum"))


@cache
def given(depth: int, seed: int, outputs: int | None = None) -> Given:
    """By turns the log-likelihood, and half the square under each activation."""
    names = ["likelihood", "tanh", "sigmoid", "leaky_relu", "identity", "relu"]
    name = names[seed % len(names)]
    if name == "likelihood":
        return sigmoid(depth, seed, outputs)
    drawn = draw(depth, seed, outputs=outputs)
    return build(drawn, name, HALF_SQUARE, HalfSquaredError(outputs="sum", examples="sum"))


every = each_network(seeds=4)
with_a_hidden_layer = each_network(seeds=4, depths=[1, 2, 3, 4])


# The engine computes the derivation


@each_network(seeds=6)
def test_forward_gives_every_z_and_a(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in to(net.L):
        agree(net.run.Z[l], across({p: net.z(p) for p in to(net.P)}, l))
        agree(net.run.A[l], across({p: net.a(p) for p in to(net.P)}, l))


@each_network(seeds=6)
def test_loss_is_C_but_for_the_sign(depth: int, seed: int) -> None:
    net = given(depth, seed)
    agree(net.sign * net.run.loss, net.C(net.w))


@each_network(seeds=6)
def test_backward_gives_every_derivative_by_a_and_z_added_over_outputs(depth: int, seed: int) -> None:
    net = given(depth, seed)
    agree(net.sign * net.run.dA[-1], grid(derivatives_by_outputs(net)))
    for l in to(net.L - 1):
        agree(net.sign * net.run.dA[l], grid(derivatives_by_a(net, l)))
    for l in to(net.L):
        agree(net.sign * net.run.dZ[l], across(net.along, l))


def derivatives_by_outputs(net: Given) -> Table:
    """∂c_n/∂h_n of every output n and example p."""
    c = net.problem.c.slope
    return {(n, p): c(net.y[p][n], net.a(p)[net.L, n]) for n in net.outputs for p in to(net.P)}


def derivatives_by_a(net: Given, l: int) -> Table:
    """The sum within the first line of (9), added over outputs, for every node n and example p."""
    return {
        (n, p): sum(general.sum_over_next(net.problem, net.w, net.D[p], n_L, l, n) for n_L in net.outputs)
        for n in to(net.N[l])
        for p in to(net.P)
    }


@each_network(seeds=6)
def test_backward_gives_every_gradient_transposed(depth: int, seed: int) -> None:
    net = given(depth, seed)
    dC = general.gradient(net.problem, net.w, net.x, net.y)
    for l in range(net.L):
        agree(net.sign * net.run.dW[l + 1].T, matrix(dC, l))
        agree(net.sign * net.run.db[l + 1], bias_column(dC, l))


@every
def test_gradient_is_the_slope_of_C(depth: int, seed: int) -> None:
    net = given(depth, seed)
    same(general.gradient(net.problem, net.w, net.x, net.y), net.dC)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_gradient_is_the_slope_of_C_for_any_cost_and_activation(depth: int, cost: str, name: str) -> None:
    net = build(draw(depth, 9, examples=2), name, COSTS[cost], HalfSquaredError())
    same(general.gradient(net.problem, net.w, net.x, net.y), net.dC)


@with_a_hidden_layer
def test_each_outputs_own_derivatives_are_those_of_the_network_with_that_output_alone(depth: int, seed: int) -> None:
    net = given(depth, seed, outputs=3)
    for n_L in to(3):
        alone = only(net, n_L)
        for l in range(1, net.L):
            agree(alone.sign * alone.run.dZ[l], grid(own_derivatives(net, n_L, l)))


def own_derivatives(net: Given, n_L: int, l: int) -> Table:
    """∂c_n_L/∂z^l_n of every node n and example p."""
    return {(n, p): net.D[p][n_L, l, n] for n in to(net.N[l]) for p in to(net.P)}


def only(net: Given, n_L: int) -> Given:
    """The same network with its output ``n_L`` and no other."""
    drawn, sizes = net.drawn, (*net.N[:-1], 1)
    kept = [array.ravel() for l in range(1, net.L) for array in (drawn.parameters.W[l], drawn.parameters.b[l])]
    last = [drawn.parameters.W[net.L][n_L - 1], drawn.parameters.b[net.L][n_L - 1]]
    rows = slice(n_L - 1, n_L)
    cut = replace(
        drawn,
        sizes=sizes,
        parameters=Parameters(Layout(sizes), np.concatenate([*kept, *last])),
        labels=drawn.labels[rows],
        reals=drawn.reals[rows],
    )
    if net.sign < 0:
        return build(cut, "sigmoid", LOG_LIKELIHOOD, BinaryCrossEntropy(outputs="sum", examples="sum"))
    name = next((name for name, f in FUNCTIONS.items() if f is net.problem.f), "sigmoid")
    return build(cut, name, net.problem.c, HalfSquaredError(outputs="sum", examples="sum"))


# Section 1: the general case


@every
def test_equation_1_values_before_activation_in_both_forms(depth: int, seed: int) -> None:
    net = given(depth, seed)
    f = net.problem.f.value
    for l in range(net.L):
        first = grid(
            {(n, p): general.node(net.problem, net.w, net.a(p), l, n) for n in to(net.N[l + 1]) for p in to(net.P)}
        )
        agree(net.run.Z[l + 1], first)
        for p in to(net.P if l > 0 else 0):
            second = [
                net.w[l, 0, n] + sum(net.w[l, n_l, n] * f(net.z(p)[l, n_l]) for n_l in to(net.N[l]))
                for n in to(net.N[l + 1])
            ]
            agree(net.run.Z[l + 1][:, p - 1], second)


@every
def test_equation_2_the_cost_is_added_over_examples_and_outputs(depth: int, seed: int) -> None:
    net = given(depth, seed)
    A, Y = net.run.A[-1], net.drawn.reals
    if net.sign < 0:
        chosen = np.where(net.drawn.labels == 1, A, 1 - A)
        agree(net.sign * net.run.loss, sum(float(np.log(h)) for h in chosen.ravel()))
    else:
        agree(net.run.loss, sum(float(e) ** 2 / 2 for e in (A - Y).ravel()))
    agree(net.sign * net.run.loss, net.C(net.w))


@every
def test_equation_3_slopes_of_the_cost_add_up_over_examples_and_outputs(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for key in net.w:
        own = [slopes(costs_at(net, tilted(net.w, key), p)) for p in to(net.P)]
        agree(sum(sum(by_output.values()) for by_output in own), net.dC[key])


def costs_at(net: Given, w: Table, p: int) -> Vector:
    return general.costs(net.problem, general.forward(net.problem, w, net.x[p])[1], net.y[p])


@every
def test_equation_4_chain_through_the_value_that_a_weight_leads_to(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for p in to(net.P):
        chained, direct = Table(), Table()
        for l, n, after in net.w:
            tilt = tilted(net.w, (l, n, after))
            into = slope(general.node(net.problem, tilt, net.a(p), l, after))
            costs = slopes(costs_at(net, tilt, p))
            for n_L in net.outputs:
                chained[n_L, l, n, after] = net.slopes[p][n_L, l + 1, after] * into
                direct[n_L, l, n, after] = costs[n_L]
        same(chained, direct)


@every
def test_equation_5_slope_of_a_value_by_its_bias_is_1(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l, n, after in net.w:
        if n == 0:
            tilt = tilted(net.w, (l, 0, after))
            assert slope(general.node(net.problem, tilt, net.a(1), l, after)) == 1


@every
def test_equation_6_slope_of_a_value_by_a_weight_is_what_the_weight_multiplies(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l, n, after in net.w:
        if n > 0:
            tilt = tilted(net.w, (l, n, after))
            for p in to(net.P):
                agree(slope(general.node(net.problem, tilt, net.a(p), l, after)), net.run.A[l][n - 1, p - 1])


@with_a_hidden_layer
def test_equation_7_chain_through_every_value_of_the_next_layer(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in range(1, net.L):
        for n in to(net.N[l]):
            onward = next_slopes(net, 1, l, n)
            for n_L in net.outputs:
                chained = sum(net.slopes[1][n_L, l + 1, after] * onward[after] for after in onward)
                agree(chained, net.slopes[1][n_L, l, n])


def next_slopes(net: Given, p: int, l: int, n: int) -> dict[int, float]:
    """∂z^l+1/∂z^l_n, all of layer l + 1."""
    a: Table = {}
    general.activated(net.problem, tilted(net.z(p), (l, n)), a, l)
    return {after: slope(general.node(net.problem, net.w, a, l, after)) for after in to(net.N[l + 1])}


@with_a_hidden_layer
def test_equation_8_slope_of_the_next_value_is_weight_times_slope_of_f(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in range(1, net.L):
        for n in to(net.N[l]):
            for p in to(net.P):
                expected = [net.w[l, n, after] * net.problem.f.slope(net.z(p)[l, n]) for after in to(net.N[l + 1])]
                agree(list(next_slopes(net, p, l, n).values()), expected)


@with_a_hidden_layer
def test_equation_9_the_slope_of_f_may_stand_before_the_sum(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in range(1, net.L):
        for n in to(net.N[l]):
            slope_of_f = net.problem.f.slope(net.z(1)[l, n])
            for n_L in net.outputs:
                inside = sum(
                    net.slopes[1][n_L, l + 1, after] * net.w[l, n, after] * slope_of_f for after in to(net.N[l + 1])
                )
                outside = slope_of_f * sum(
                    net.w[l, n, after] * net.slopes[1][n_L, l + 1, after] for after in to(net.N[l + 1])
                )
                agree([inside, outside], [net.slopes[1][n_L, l, n]] * 2)


@every
def test_equation_9_derivatives_by_z_of_every_layer(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for p in to(net.P):
        same(net.D[p], net.slopes[p])
    for l in to(net.L):
        agree(net.sign * net.run.dZ[l], across(net.along, l))


@with_a_hidden_layer
def test_equation_9_the_sum_within_is_the_derivative_by_a(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in range(1, net.L):
        found = derivatives_by_a(net, l)
        agree(net.sign * net.run.dA[l], grid(found))
        for n in to(net.N[l]):
            moved = general.onward(net.problem, net.w, {}, tilted(net.a(1), (l, n)), l)[1]
            agree(found[n, 1], slope(sum(general.costs(net.problem, moved, net.y[1]).values())))


@every
def test_equation_9_gradient_by_biases(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in range(net.L):
        found = column({n: sum(net.along[p][l + 1, n] for p in to(net.P)) for n in to(net.N[l + 1])})
        agree(found, bias_column(net.dC, l))
        agree(net.sign * net.run.db[l + 1], found)


@every
def test_equation_9_gradient_by_weights(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in range(net.L):
        found = grid(
            {
                (n, after): sum(net.a(p)[l, n] * net.along[p][l + 1, after] for p in to(net.P))
                for n in to(net.N[l])
                for after in to(net.N[l + 1])
            }
        )
        agree(found, matrix(net.dC, l))
        agree(net.sign * net.run.dW[l + 1].T, found)


@with_a_hidden_layer
def test_equation_10_is_equation_9_two_layers_down(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in range(2, net.L + 1):
        for p in to(net.P):
            for n in to(net.N[l - 1]):
                f_slope = net.problem.f.slope(net.z(p)[l - 1, n])
                back = {
                    n_L: f_slope * sum(net.w[l - 1, n, n_l] * net.slopes[p][n_L, l, n_l] for n_l in to(net.N[l]))
                    for n_L in net.outputs
                }
                same(back, {n_L: net.slopes[p][n_L, l - 1, n] for n_L in net.outputs})
    for l in range(2, net.L + 2):
        gradient_lines_hold(net, l)


def gradient_lines_hold(net: Given, l: int) -> None:
    """The last two lines of (10) to (13): ∂C/∂w^l-2 from ∂c/∂z^l-1, against the slope of C and the engine."""
    found: Table = {}
    for _, n, after in net.level(l - 2):
        along = {p: sum(net.slopes[p][n_L, l - 1, after] for n_L in net.outputs) for p in to(net.P)}
        found[l - 2, n, after] = sum((net.a(p)[l - 2, n] if n else 1) * along[p] for p in to(net.P))
    same(found, {key: net.dC[key] for key in net.level(l - 2)})
    agree(net.sign * net.run.dW[l - 1].T, matrix(found, l - 2))
    agree(net.sign * net.run.db[l - 1], bias_column(found, l - 2))


# Sections 2 to 5: sigmoid, one output, the output layer the second


@every
def test_equation_11_sigmoid_activations_under_the_log_likelihood(depth: int, seed: int) -> None:
    net = sigmoid(depth, seed)
    for p in to(net.P):
        a, found = net.a(p), Table()
        for n_L in net.outputs:
            for n in net.outputs:
                found[n_L, net.L, n] = net.y[p][n] - a[net.L, n] if n == n_L else 0
            for l in range(net.L, 1, -1):
                for n in to(net.N[l - 1]):
                    back = sum(net.w[l - 1, n, n_l] * found[n_L, l, n_l] for n_l in to(net.N[l]))
                    found[n_L, l - 1, n] = a[l - 1, n] * (1 - a[l - 1, n]) * back
        same(found, {key: net.slopes[p][key] for key in found})
    for l in range(2, net.L + 2):
        gradient_lines_hold(net, l)


@every
def test_equation_11_the_outputs_derivative_is_y_minus_h(depth: int, seed: int) -> None:
    net = sigmoid(depth, seed)
    d = grid({(n, p): net.y[p][n] - net.a(p)[net.L, n] for n in to(net.N[net.L]) for p in to(net.P)})
    agree(d, grid({(n, p): net.slopes[p][n, net.L, n] for n in to(net.N[net.L]) for p in to(net.P)}))
    agree(-net.run.dZ[-1], d)


def one_output_lines_hold(net: Given, slope_of_f: dict[int, Table]) -> None:
    """(12) and (13) with their sum over the nodes of layer l, against the slope of C and the engine."""
    for p in to(net.P):
        found = {(net.L, 1): net.slopes[p][1, net.L, 1]}
        for l in range(net.L, 1, -1):
            for n in to(net.N[l - 1]):
                back = sum(net.w[l - 1, n, n_l] * found[l, n_l] for n_l in to(net.N[l]))
                found[l - 1, n] = slope_of_f[p][l - 1, n] * back
        agree(list(found.values()), [net.slopes[p][1, l, n] for l, n in found])
        for l in to(net.L):
            agree(net.sign * net.run.dZ[l][:, p - 1], [found[l, n] for n in to(net.N[l])])
    for l in range(2, net.L + 2):
        gradient_lines_hold(net, l)


@every
def test_equation_12_one_output_under_any_activation(depth: int, seed: int) -> None:
    net = given(depth, seed, outputs=1)
    f_slopes = {p: {key: net.problem.f.slope(z) for key, z in net.z(p).items()} for p in to(net.P)}
    one_output_lines_hold(net, f_slopes)


@every
def test_equation_13_one_output_under_the_sigmoid(depth: int, seed: int) -> None:
    net = sigmoid(depth, seed, outputs=1)
    for p in to(net.P):
        agree(net.slopes[p][1, net.L, 1], net.y[p][1] - net.a(p)[net.L, 1])
    one_output_lines_hold(net, {p: {key: a * (1 - a) for key, a in net.a(p).items()} for p in to(net.P)})


@cache
def two_layers(seed: int) -> Given:
    """One hidden layer, one output, sigmoid: what section 5 supposes."""
    return sigmoid(1, seed, outputs=1)


one_hidden_layer = pytest.mark.parametrize("seed", range(6))


def gradient_of_first_weights(net: Given, dz1: dict[int, Vector]) -> Table:
    """∂C/∂w^0 from ∂c/∂z^1."""
    return {
        (0, n_0, n_1): sum((net.a(p)[0, n_0] if n_0 else 1) * dz1[p][n_1] for p in to(net.P))
        for _, n_0, n_1 in net.level(0)
    }


def first_weights_agree(net: Given, found: Table) -> None:
    same(found, {key: net.dC[key] for key in net.level(0)})
    agree(-net.run.dW[1].T, matrix(found, 0))
    agree(-net.run.db[1], bias_column(found, 0))


@one_hidden_layer
def test_equation_14_the_second_layer_as_output_line_by_line(seed: int) -> None:
    net = two_layers(seed)
    dz2 = {p: net.y[p][1] - net.a(p)[2, 1] for p in to(net.P)}
    same(dz2, {p: net.slopes[p][1, 2, 1] for p in to(net.P)})
    dz1 = {
        p: {n: net.a(p)[1, n] * (1 - net.a(p)[1, n]) * net.w[1, n, 1] * dz2[p] for n in to(net.N[1])} for p in to(net.P)
    }
    for p in to(net.P):
        same(dz1[p], {n: net.slopes[p][1, 1, n] for n in to(net.N[1])})
    first_weights_agree(net, gradient_of_first_weights(net, dz1))


def hidden_derivatives(net: Given) -> dict[int, Vector]:
    """a(1 − a) w^1 (y − h): the first line of (15)."""
    return {
        p: {
            n: net.a(p)[1, n] * (1 - net.a(p)[1, n]) * net.w[1, n, 1] * (net.y[p][1] - net.a(p)[2, 1])
            for n in to(net.N[1])
        }
        for p in to(net.P)
    }


@one_hidden_layer
def test_equation_15_hidden_derivatives_from_y_minus_h(seed: int) -> None:
    net = two_layers(seed)
    dz1 = hidden_derivatives(net)
    agree(-net.run.dZ[1], grid({(n, p): dz1[p][n] for n in to(net.N[1]) for p in to(net.P)}))
    for p in to(net.P):
        same(dz1[p], {n: net.slopes[p][1, 1, n] for n in to(net.N[1])})
    first_weights_agree(net, gradient_of_first_weights(net, dz1))


@one_hidden_layer
def test_equation_16_first_weights_in_one_line(seed: int) -> None:
    net = two_layers(seed)
    found: Table = {}
    for _, n_0, n_1 in net.level(0):
        terms = [
            (net.a(p)[0, n_0] if n_0 else 1)
            * net.a(p)[1, n_1]
            * (1 - net.a(p)[1, n_1])
            * net.w[1, n_1, 1]
            * (net.y[p][1] - net.a(p)[2, 1])
            for p in to(net.P)
        ]
        found[0, n_0, n_1] = sum(terms)
    first_weights_agree(net, found)


@one_hidden_layer
def test_equation_17_closed_form_on_the_features_themselves(seed: int) -> None:
    net = two_layers(seed)
    assert all(net.a(p)[0, n_0] == net.x[p][n_0] for p in to(net.P) for n_0 in to(net.N[0]))
    first_weights_agree(net, general.closed_form(net.N, net.w, net.x, net.y))


# Slips


def test_slip_12_13_without_the_sum_only_the_last_hidden_layer_is_right() -> None:
    net = sigmoid(3, 11, outputs=1, width=3)
    a, right = net.a(1), net.slopes[1]

    def printed(l: int) -> list[Scalar]:
        """The printed line for layer l − 1, with the first node of layer l."""
        return [a[l - 1, n] * (1 - a[l - 1, n]) * net.w[l - 1, n, 1] * right[1, l, 1] for n in to(net.N[l - 1])]

    agree(printed(net.L), [right[1, net.L - 1, n] for n in to(net.N[net.L - 1])])
    differ(printed(net.L - 1), [right[1, net.L - 2, n] for n in to(net.N[net.L - 2])])


def test_slip_12_needs_one_output_node_not_one_output_layer() -> None:
    net = sigmoid(1, 4, outputs=3)
    one = [net.D[1][1, 1, n] for n in to(net.N[1])]
    all_of_them = [net.along[1][1, n] for n in to(net.N[1])]
    agree(-net.run.dZ[1][:, 0], all_of_them)
    differ(one, all_of_them)


@pytest.mark.parametrize("seed", range(4))
def test_slip_C_of_section_2_is_a_likelihood_and_its_gradient_points_uphill(seed: int) -> None:
    net = sigmoid(1, seed)
    step = 1e-3

    def loss_at(direction: int) -> float:
        theta = net.drawn.parameters.theta.copy()
        moved = Parameters(Layout(net.N), theta)
        for l in range(net.L):
            dC = matrix(net.dC, l).T
            moved.W[l + 1][...] += direction * step * dC
            moved.b[l + 1][...] += direction * step * bias_column(net.dC, l)
        drawn = replace(net.drawn, parameters=moved)
        return build(drawn, "sigmoid", LOG_LIKELIHOOD, BinaryCrossEntropy(outputs="sum", examples="sum")).run.loss

    assert loss_at(+1) < net.run.loss < loss_at(-1)
    agree(net.run.loss, -net.C(net.w))


def test_slip_11_an_outputs_derivative_starts_at_0_for_every_other_output() -> None:
    net = sigmoid(1, 3, outputs=3)
    assert all(net.slopes[1][n_L, net.L, n] == 0 for n_L in to(3) for n in to(3) if n != n_L)
    d = {n: net.y[1][n] - net.a(1)[net.L, n] for n in to(3)}
    for n_1 in to(net.N[1]):
        f_slope = net.a(1)[1, n_1] * (1 - net.a(1)[1, n_1])
        wrong_start = sum(f_slope * sum(net.w[1, n_1, n] * d[n] for n in to(3)) for _ in to(3))
        agree(wrong_start, 3 * net.along[1][1, n_1])
        agree(-net.run.dZ[1][n_1 - 1, 0], net.along[1][1, n_1])


def test_slip_7_the_sum_runs_over_the_layer_after_next() -> None:
    net = next(made for seed in range(20) if (made := given(2, seed, outputs=1)).N[2] > 1)
    onward = next_slopes(net, 1, 1, 1)
    terms = [net.slopes[1][1, 2, after] * onward[after] for after in onward]
    assert len(terms) == net.N[2] > net.N[net.L]
    agree(sum(terms), net.slopes[1][1, 1, 1])
    differ(sum(terms[: net.N[net.L]]), net.slopes[1][1, 1, 1])


def test_slip_1_f_is_not_applied_to_the_inputs() -> None:
    net = sigmoid(1, 5)
    n = 1
    with_f = [
        net.w[0, 0, n] + sum(net.w[0, n_0, n] * general.sigma(net.x[p][n_0]) for n_0 in to(net.N[0])) for p in to(net.P)
    ]
    differ(with_f, net.run.Z[1][0])
    agree([general.node(net.problem, net.w, net.a(p), 0, n) for p in to(net.P)], net.run.Z[1][0])


def test_slip_1_the_bias_has_the_index_0_not_that_of_an_input() -> None:
    net = sigmoid(1, 5)
    with_n_0 = [net.z(p)[1, 1] - net.w[0, 0, 1] + net.w[0, 1, 1] for p in to(net.P)]
    differ(with_n_0, net.run.Z[1][0])


def test_slip_4_a_weight_belongs_to_a_layer_and_all_examples_share_it() -> None:
    net = sigmoid(1, 2, examples=4)
    for key in net.w:
        own = [sum(slopes(costs_at(net, tilted(net.w, key), p)).values()) for p in to(4)]
        agree(sum(own), net.dC[key])
        assert len({round(value, 12) for value in own}) > 1


@every
def test_slip_10_to_13_the_last_weights_come_with_l_one_past_the_last_layer(depth: int, seed: int) -> None:
    net = given(depth, seed)
    gradient_lines_hold(net, net.L + 1)


@one_hidden_layer
def test_slip_14_to_17_leave_out_the_second_layers_weights(seed: int) -> None:
    net = two_layers(seed)
    d = {p: net.y[p][1] - net.a(p)[2, 1] for p in to(net.P)}
    found: Table = {(1, n, 1): sum((net.a(p)[1, n] if n else 1) * d[p] for p in to(net.P)) for _, n, _ in net.level(1)}
    same(found, {key: net.dC[key] for key in net.level(1)})
    agree(-net.run.dW[2].T, column({n: found[1, n, 1] for n in to(net.N[1])}))
    agree(-net.run.db[2], [[found[1, 0, 1]]])
    assert not set(found) & set(general.closed_form(net.N, net.w, net.x, net.y))


def test_slip_14_the_sum_over_examples_ends_with_the_last_example() -> None:
    net = sigmoid(1, 2, outputs=1, examples=4)
    dz1 = hidden_derivatives(net)
    agree(-net.run.db[1], column({n: sum(dz1[p][n] for p in to(4)) for n in to(net.N[1])}))
    differ(-net.run.db[1], column({n: sum(dz1[p][n] for p in to(3)) for n in to(net.N[1])}))


def test_slip_17_the_feature_of_an_example_has_its_own_index() -> None:
    net = sigmoid(1, 6, outputs=1, examples=3)
    found = general.closed_form(net.N, net.w, net.x, net.y)
    assert net.N[0] > 1
    first_weights_agree(net, found)
    one_x_per_example = {p: dict.fromkeys(net.x[p], net.x[p][1]) for p in net.x}
    dz1 = hidden_derivatives(net)
    printed = [sum(one_x_per_example[p][n_0] * dz1[p][1] for p in to(3)) for n_0 in to(net.N[0])]
    differ(printed, [found[0, n_0, 1] for n_0 in to(net.N[0])])
