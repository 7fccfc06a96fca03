"""Brawer's numbered equations, one test each, and the engine against all of it.

His layer l is bp's l − 1, his θ^(l) is bp's (b_l | W_l), his δ^l is m times bp's
dZ_l-1: the 1/m of J stands in (44), in bp it is folded into dZ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.heads import Composed
from bpcli.nn.losses import BinaryCrossEntropy
from bpcli.nn.parameters import Layout, Parameters

from . import brawer
from .brawer import I, Net, nodes
from .scalars import FUNCTIONS, Function, Scalar, Table, Vector, exp, log, to
from .support import (
    STEP,
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
    pick,
    run,
    same,
    slope,
    slopes,
    tilted,
)

HIDDEN = ["tanh", "sigmoid", "relu", "leaky_relu", "identity"]


def theta_of(drawn: Draw, net: Net) -> Table:
    """θ^(l) = (b_l | W_l), its row 0 as in (6)."""
    W, b = drawn.parameters.W, drawn.parameters.b
    drawn_rows: Table = {
        (l, j, k): float(b[l][j - 1, 0] if k == 0 else W[l][j - 1, k - 1])
        for l in to(drawn.L)
        for j in to(drawn.sizes[l])
        for k in nodes(drawn.sizes[l - 1])
    }
    return {**brawer.bias_rows(net), **drawn_rows}


@dataclass(frozen=True)
class Given:
    """A random network in both notations, and what the engine makes of it."""

    drawn: Draw
    run: Run
    net: Net
    theta: Table
    x: dict[int, Vector]
    y: dict[int, Vector]

    @property
    def L(self) -> int:
        return self.net.L

    @property
    def s(self) -> dict[int, int]:
        return self.net.s

    @property
    def m(self) -> int:
        return self.drawn.m

    @cached_property
    def z(self) -> dict[int, Table]:
        """z[i]: the values of all nodes for sample i."""
        return {i: self.forward(self.theta, i) for i in to(self.m)}

    @cached_property
    def delta(self) -> dict[int, Table]:
        return {i: brawer.delta(self.net, self.theta, self.z[i], self.y[i]) for i in to(self.m)}

    @cached_property
    def gradient(self) -> Table:
        return brawer.gradient(self.net, self.theta, self.x, self.y)

    @cached_property
    def dz(self) -> dict[tuple[int, ...], dict[int, dict[tuple[int, ...], float]]]:
        """dz[weight][i][l, j]: the slope of every node's value, by the forward pass alone."""
        return {
            key: {i: slopes(self.forward(tilted(self.theta, key), i)) for i in to(self.m)}
            for key in brawer.varied(self.theta)
        }

    @cached_property
    def dJ(self) -> Table:
        """The slope of J by every weight, by the forward pass alone."""
        return {
            key: slope(brawer.J(self.net, tilted(self.theta, key), self.x, self.y)) for key in brawer.varied(self.theta)
        }

    def forward(self, theta: Table, i: int) -> Table:
        return brawer.forward(self.net, theta, self.x[i])

    def weights(self, l: int) -> list[tuple[int, ...]]:
        """The weights of level l that may be varied."""
        return [key for key in brawer.varied(self.theta) if key[0] == l]

    def M(self, i: int, l: int, j: int, k: int) -> Scalar:
        return brawer.M(self.net, self.theta, self.z[i], l, j, k)

    def a(self, i: int, l: int, q: int) -> Scalar:
        """h^l(z^l_q) C^l_1,q: what a node hands on."""
        return self.net.h(l, self.z[i][l, q]) * self.net.C(l, 1, q)

    def mean(self, of: dict[int, Scalar]) -> Scalar:
        """(1/m) Σ over samples 1 … m."""
        return sum(of[i] for i in to(self.m)) / self.m


def bias_column(table: Table, l: int) -> Array:
    """θ^l_p,0, p > 0, or its gradient, as a column."""
    return column({p: value for (at, p, q), value in table.items() if at == l and q == 0 and p > 0})


def build(drawn: Draw, hidden: list[str]) -> Given:
    made = run(drawn, hidden, "sigmoid", BinaryCrossEntropy(), drawn.labels)
    s = {l + 1: n for l, n in enumerate(drawn.sizes)}
    between = {l: FUNCTIONS[name] for l, name in enumerate(hidden, start=2)}
    net = Net(s, {1: brawer.LINEAR, **between, len(s): brawer.SIGMOID})
    x = {i: {0: 1.0, **v} for i, v in columns(drawn.X).items()}
    return Given(drawn, made, net, theta_of(drawn, net), x, columns(drawn.labels))


@cache
def given(depth: int, seed: int, examples: int | None = None, outputs: int | None = None) -> Given:
    """Every third seed: sigmoid at every level, as in (3); otherwise a function of each level's own."""
    drawn = draw(depth, seed, examples=examples, outputs=outputs)
    hidden = pick(HIDDEN, depth, seed) if seed % 3 else ["sigmoid"] * depth
    return build(drawn, hidden)


every = each_network(seeds=3)
with_a_hidden_layer = each_network(seeds=3, depths=[1, 2, 3, 4])
with_two_hidden_layers = each_network(seeds=3, depths=[2, 3, 4])


# The engine computes the derivation


@each_network(seeds=8)
def test_forward_gives_the_value_of_every_node(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in range(2, net.L + 1):
        agree(net.run.Z[l - 1], across(net.z, l))
    for l in to(net.L):
        agree(net.run.A[l - 1], grid({(j, i): net.net.h(l, net.z[i][l, j]) for j in to(net.s[l]) for i in to(net.m)}))


@each_network(seeds=8)
def test_loss_is_J(depth: int, seed: int) -> None:
    net = given(depth, seed)
    agree(net.run.loss, brawer.J(net.net, net.theta, net.x, net.y))


@each_network(seeds=8)
def test_backward_gives_every_delta_over_m(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in range(2, net.L + 1):
        agree(net.run.dZ[l - 1], across(net.delta, l) / net.m)
        Psi = grid({(p, i): net.net.Psi(l, net.z[i][l, p]) for p in to(net.s[l]) for i in to(net.m)})
        agree(net.run.dA[l - 1] * Psi, across(net.delta, l) / net.m)


@each_network(seeds=8)
def test_backward_gives_every_gradient(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in to(net.L - 1):
        agree(net.run.dW[l], matrix(net.gradient, l))
        agree(net.run.db[l], bias_column(net.gradient, l))


@every
def test_gradient_is_the_slope_of_J(depth: int, seed: int) -> None:
    net = given(depth, seed)
    same(net.gradient, net.dJ)


# Notation and definitions


@every
def test_equation_1_the_first_layers_values_are_the_features(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for i in to(net.m):
        assert {k: net.z[i][1, k] for k in nodes(net.s[1])} == net.x[i]
    np.testing.assert_array_equal(net.run.A[0], across(net.z, 1))


@every
def test_equation_1a_with_bias_nodes_of_value_1_the_column_of_biases_is_added(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for i in to(net.m):
        handed_on: Vector = {**net.x[i], 0: 1}
        for l in range(2, net.L + 1):
            value = {j: sum(net.theta[l - 1, j, k] * handed_on[k] for k in handed_on) for j in to(net.s[l])}
            agree([net.run.Z[l - 1][j - 1, i - 1] for j in value], list(value.values()))
            handed_on = {0: 1, **{j: net.net.h(l, value[j]) for j in value}}


@every
def test_equation_2_outputs_are_the_sigmoid_of_their_values(depth: int, seed: int) -> None:
    net = given(depth, seed)
    agree(net.run.A[-1], 1 / (1 + np.exp(-net.run.Z[-1])))
    agree(
        net.run.A[-1], grid({(k, i): brawer.sigmoid(net.z[i][net.L, k]) for k in to(net.s[net.L]) for i in to(net.m)})
    )


@pytest.mark.parametrize("depth", range(5))
def test_equation_3_h_is_linear_at_level_1_and_the_sigmoid_above(depth: int) -> None:
    net = given(depth, 0)
    np.testing.assert_array_equal(net.run.A[0], net.drawn.X)
    for l in range(2, net.L + 1):
        agree(net.run.A[l - 1], grid({(k, i): brawer.sigmoid(net.z[i][l, k]) for k in to(net.s[l]) for i in to(net.m)}))


@every
def test_equation_5_defines_the_forward_pass(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in range(2, net.L + 1):
        previous = net.run.A[l - 2]
        for j in to(net.s[l]):
            for i in to(net.m):
                own = sum(net.theta[l - 1, j, k] * previous[k - 1, i - 1] for k in to(net.s[l - 1]))
                agree(brawer.node(net.net, net.theta, net.z[i], l, j), own + net.theta[l - 1, j, 0])
                agree(net.run.Z[l - 1][j - 1, i - 1], brawer.node(net.net, net.theta, net.z[i], l, j))


@every
def test_equation_6_keeps_bias_nodes_apart_from_every_weight(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in to(net.L - 1):
        assert [net.theta[l, 0, k] for k in nodes(net.s[l])] == [1] + [0] * net.s[l]
    for by_sample in net.dz.values():
        assert all(by_sample[i][l, 0] == 0 for i in by_sample for l in to(net.L))


@every
def test_equation_7_C_undoes_h_of_the_bias_nodes_1_and_nothing_else(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in to(net.L - 1):
        for j in nodes(net.s[l + 1]):
            agree(net.net.C(l, j, 0), 1 / net.net.h(l, 1.0))
            agree(net.net.h(l, net.z[1][l, 0]) * net.net.C(l, j, 0), 1)
            assert all(net.net.C(l, j, k) == 1 for k in to(net.s[l]))
    assert all(net.net.C(1, j, k) == 1 for j in nodes(net.s[2]) for k in nodes(net.s[1]))


@every
def test_equation_8_the_recursion_gives_every_bias_node_the_value_1(depth: int, seed: int) -> None:
    net = given(depth, seed)
    agree([net.z[i][l, 0] for i in to(net.m) for l in to(net.L)], np.ones(net.m * net.L))


@every
def test_equation_8a_the_bias_nodes_term_is_the_bias(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in range(2, net.L + 1):
        term = column({j: brawer.summand(net.net, net.theta, net.z[1], l, j, 0) for j in to(net.s[l])})
        agree(term, bias_column(net.theta, l - 1))
        agree(term, net.drawn.parameters.b[l - 1])


# Partial derivatives


def test_equation_9_the_delta_function_picks_one_term_of_a_sum() -> None:
    values = {q: float(q**2 + 1) for q in range(-3, 4)}
    for p, value in values.items():
        assert sum(I(p, q) * values[q] for q in values) == value


@every
def test_equation_10_weights_are_independent_of_one_another(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l_, p, q in brawer.varied(net.theta):
        got = slopes(tilted(net.theta, (l_, p, q)))
        assert got == {(l, a, b): I(a, p) * I(b, q) * I(l, l_) for l, a, b in net.theta}


@every
def test_equation_10_each_entry_of_the_parameter_vector_stands_in_one_place(depth: int, seed: int) -> None:
    sizes = given(depth, seed).drawn.sizes
    places = np.arange(Layout(sizes).count, dtype=float)
    held = Parameters(Layout(sizes), places)
    seen = np.concatenate([array.ravel() for array in (*held.W, *held.b)])
    np.testing.assert_array_equal(np.sort(seen), places)


@every
def test_equation_11_a_weight_varies_the_sum_of_its_own_level_with_the_values_below_held(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for (below, p, q), moved in net.dz.items():
        tilt = tilted(net.theta, (below, p, q))
        for i in to(net.m):
            sums = {j: brawer.node(net.net, tilt, net.z[i], below + 1, j) for j in nodes(net.s[below + 1])}
            agree([moved[i][below + 1, j] for j in sums], list(slopes(sums).values()))
            assert all(moved[i][l, k] == 0 for l in to(below) for k in nodes(net.s[l]))


@every
def test_equation_12_slope_of_a_value_by_a_weight_into_it(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for (below, p, q), moved in net.dz.items():
        for i in to(net.m):
            out = net.net.h(below, net.z[i][below, q]) * net.net.C(below, p, q)
            nodes_above = nodes(net.s[below + 1])
            agree([moved[i][below + 1, j] for j in nodes_above], [I(p, j) * out for j in nodes_above])


@every
def test_equation_13_slope_of_a_value_by_its_bias_is_1(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for (below, p, q), moved in net.dz.items():
        if q == 0:
            above = nodes(net.s[below + 1])
            agree([moved[1][below + 1, j] for j in above], [I(p, j) for j in above])


@every
def test_equation_14_values_of_level_2_vary_with_the_features(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for _, p, q in net.weights(1):
        for i in to(net.m):
            slopes_of_2 = [net.dz[1, p, q][i][2, j] for j in nodes(net.s[2])]
            agree(slopes_of_2, [I(p, j) * net.x[i][q] for j in nodes(net.s[2])])


@every
def test_equation_15_Psi_is_the_slope_of_h_at_every_level(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for i in to(net.m):
        for l, k in net.z[i]:
            agree(net.net.Psi(l, net.z[i][l, k]), slope(net.net.h(l, net.z[i][l, k] + STEP * 1j)))


@pytest.mark.parametrize("depth", range(5))
def test_equation_15a_Psi_of_the_sigmoid_is_h_times_one_minus_h_and_1_at_level_1(depth: int) -> None:
    net = given(depth, 0)
    for i in to(net.m):
        for l, k in net.z[i]:
            h = brawer.sigmoid(net.z[i][l, k])
            expected = h * (1 - h) if l > 1 else 1
            agree(expected, slope(net.net.h(l, net.z[i][l, k] + STEP * 1j)))


@with_a_hidden_layer
def test_equation_16_slope_of_a_value_by_a_weight_two_levels_below_is_a_chain(depth: int, seed: int) -> None:
    net = given(depth, seed)
    C, h, Psi = net.net.C, net.net.h, net.net.Psi
    for (two_below, p, q), moved in net.dz.items():
        l = two_below + 2
        if l > net.L:
            continue
        tilt, z, between = tilted(net.theta, (two_below, p, q)), net.z[1], nodes(net.s[l - 1])
        sums = {k: brawer.node(net.net, tilt, z, l - 1, k) for k in between}
        for j in nodes(net.s[l]):
            first = sum(net.theta[l - 1, j, k] * C(l - 1, j, k) * slope(h(l - 1, sums[k])) for k in between)
            second = sum(
                net.theta[l - 1, j, k] * C(l - 1, j, k) * Psi(l - 1, z[l - 1, k]) * slope(sums[k]) for k in between
            )
            agree([first, second], [moved[1][l, j]] * 2)


@with_a_hidden_layer
def test_equation_17_slope_of_a_value_by_a_weight_two_levels_below(depth: int, seed: int) -> None:
    net = given(depth, seed)
    C, h, Psi = net.net.C, net.net.h, net.net.Psi
    for (two_below, p, q), moved in net.dz.items():
        l = two_below + 2
        if l > net.L:
            continue
        for i in to(net.m):
            z = net.z[i]
            closed = [
                net.theta[l - 1, j, p]
                * C(l - 1, j, p)
                * Psi(l - 1, z[l - 1, p])
                * h(l - 2, z[l - 2, q])
                * C(l - 2, p, q)
                for j in nodes(net.s[l])
            ]
            agree([moved[i][l, j] for j in nodes(net.s[l])], closed)


@with_a_hidden_layer
def test_equation_17a_a_bias_two_levels_below_counts_by_weight_and_slope(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for (two_below, p, q), moved in net.dz.items():
        l = two_below + 2
        if q > 0 or l > net.L:
            continue
        above = to(net.s[l])
        expected = [net.theta[l - 1, j, p] * net.net.Psi(l - 1, net.z[1][l - 1, p]) for j in above]
        agree([moved[1][l, j] for j in above], expected)


# Cost function and gradients


@every
def test_equation_18_the_cost_is_summed_over_outputs_and_averaged_over_samples(depth: int, seed: int) -> None:
    net = given(depth, seed)
    a = net.run.A[-1]
    total = 0.0
    for i in range(net.m):
        for k in range(net.s[net.L]):
            total += np.log(a[k, i]) if net.drawn.labels[k, i] == 1 else np.log(1 - a[k, i])
    agree(brawer.J(net.net, net.theta, net.x, net.y), -total / net.m)
    agree(net.run.loss, -total / net.m)
    agree(in_two_steps(net).loss, -total / net.m)


def in_two_steps(net: Given) -> Run:
    """The engine without its shortcut for the sigmoid under binary cross-entropy."""
    names = {f: name for name, f in FUNCTIONS.items()}
    hidden = [names[net.net.levels[l]] for l in range(2, net.L)]
    return run(net.drawn, hidden, "sigmoid", BinaryCrossEntropy(), net.drawn.labels, head=Composed)


@every
def test_equation_19_gradient_of_the_cost_through_the_outputs_values(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L
    through = {
        key: net.mean(
            {
                i: sum((net.net.h(L, net.z[i][L, k0]) - net.y[i][k0]) * net.dz[key][i][L, k0] for k0 in to(net.s[L]))
                for i in to(net.m)
            }
        )
        for key in net.dJ
    }
    same(through, net.dJ)


@every
def test_equation_20_the_output_error_is_h_minus_y_and_0_for_the_bias_node(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L
    for i in to(net.m):
        for p in to(net.s[L]):
            moved = net.net.h(L, net.z[i][L, p] + STEP * 1j)
            own = -net.y[i][p] * log(moved) - (1 - net.y[i][p]) * log(1 - moved)
            agree(net.delta[i][L, p], slope(own))
        assert net.delta[i][L, 0] == 0
    agree(net.m * net.run.dZ[-1], h_minus_y(net))


def h_minus_y(net: Given) -> Array:
    """h^L(z^L_p) − y_p, p > 0, sample i in column i."""
    h, L = net.net.h, net.L
    return grid({(p, i): h(L, net.z[i][L, p]) - net.y[i][p] for p in to(net.s[L]) for i in to(net.m)})


@every
def test_equation_21_gradient_of_the_cost_by_the_output_errors(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L
    dZ = net.run.dZ[-1]
    by_errors = {
        key: net.mean({i: sum(net.delta[i][L, k0] * net.dz[key][i][L, k0] for k0 in to(net.s[L])) for i in to(net.m)})
        for key in net.dJ
    }
    same(by_errors, net.dJ)
    by_engine = {
        key: sum(dZ[k0 - 1, i - 1] * net.dz[key][i][L, k0] for k0 in to(net.s[L]) for i in to(net.m)) for key in net.dJ
    }
    same(by_engine, net.dJ)


@every
def test_equation_22_slope_of_an_output_is_that_of_its_sum_bias_node_included(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L
    for key, moved in net.dz.items():
        tilt = tilted(net.theta, key)
        z = net.forward(tilt, 1)
        for k0 in to(net.s[L]):
            terms = [slope(brawer.summand(net.net, tilt, z, L, k0, k1)) for k1 in nodes(net.s[L - 1])]
            agree(sum(terms), moved[1][L, k0])
            assert (terms[0] != 0) == (key == (L - 1, k0, 0))


@every
def test_equation_23_the_last_weights_vary_the_outputs_sum_alone(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L
    for key in net.weights(L - 1):
        tilt = tilted(net.theta, key)
        for i in to(net.m):
            held = [
                slope(sum(brawer.summand(net.net, tilt, net.z[i], L, k0, k1) for k1 in nodes(net.s[L - 1])))
                for k0 in to(net.s[L])
            ]
            agree(held, [net.dz[key][i][L, k0] for k0 in to(net.s[L])])


@every
def test_equation_24_slope_of_an_output_by_the_last_weights(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L
    for _, p, q in net.weights(L - 1):
        for i in to(net.m):
            expected = [I(p, k0) * net.net.h(L - 1, net.z[i][L - 1, q]) * net.net.C(L - 1, p, q) for k0 in to(net.s[L])]
            agree([net.dz[L - 1, p, q][i][L, k0] for k0 in to(net.s[L])], expected)


@every
def test_equation_25_slope_of_an_output_by_its_bias_is_1(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L
    for p in to(net.s[L]):
        for i in to(net.m):
            agree([net.dz[L - 1, p, 0][i][L, k0] for k0 in to(net.s[L])], [I(p, k0) for k0 in to(net.s[L])])


@every
def test_equation_26_gradient_by_the_last_weights(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L
    h, C = net.net.h, net.net.C
    found: Table = {
        (l, p, q): net.mean({i: net.delta[i][L, p] * h(L - 1, net.z[i][L - 1, q]) * C(l, p, q) for i in to(net.m)})
        for l, p, q in net.weights(L - 1)
    }
    same(found, {key: net.dJ[key] for key in net.weights(L - 1)})
    agree(net.run.dW[-1], matrix(found, L - 1))


@every
def test_equation_27_gradient_by_the_last_biases_is_the_mean_output_error(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L
    found = column({p: net.mean({i: net.delta[i][L, p] for i in to(net.m)}) for p in to(net.s[L])})
    agree(found, bias_column(net.dJ, L - 1))
    agree(net.run.db[-1], found)


@pytest.mark.parametrize("seed", range(4))
def test_equation_28_without_hidden_layers_the_gradient_is_the_mean_of_error_times_feature(seed: int) -> None:
    net = given(0, seed, outputs=1)
    found = {(1, 1, q): net.mean({i: net.delta[i][2, 1] * net.x[i][q] for i in to(net.m)}) for q in nodes(net.s[1])}
    same(found, net.dJ)
    agree(np.hstack([net.run.db[1], net.run.dW[1]]), [[found[1, 1, q] for q in nodes(net.s[1])]])


@pytest.mark.parametrize("seed", range(4))
def test_equation_29_logistic_regression(seed: int) -> None:
    net = given(0, seed, outputs=1)
    theta = [net.theta[1, 1, q] for q in nodes(net.s[1])]
    found = np.zeros(len(theta))
    for i in to(net.m):
        h = 1 / (1 + exp(-sum(theta[q] * net.x[i][q] for q in nodes(net.s[1]))))
        for q in nodes(net.s[1]):
            found[q] += ((h - net.y[i][1]) * net.x[i][q]).real / net.m
    agree(np.hstack([net.run.db[1], net.run.dW[1]]), [found])


@with_a_hidden_layer
def test_equation_29a_slope_of_an_output_by_the_weights_before_the_last(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L
    C, h, Psi = net.net.C, net.net.h, net.net.Psi
    for key in net.weights(L - 2):
        tilt, z = tilted(net.theta, key), net.z[1]
        below = {k1: brawer.node(net.net, tilt, z, L - 1, k1) for k1 in nodes(net.s[L - 1])}
        for k0 in to(net.s[L]):
            weight = {k1: net.theta[L - 1, k0, k1] * C(L - 1, k0, k1) for k1 in below}
            line_1 = slope(sum(net.theta[L - 1, k0, k1] * h(L - 1, below[k1]) * C(L - 1, k0, k1) for k1 in below))
            line_2 = sum(weight[k1] * slope(h(L - 1, below[k1])) for k1 in below)
            line_3 = sum(weight[k1] * Psi(L - 1, z[L - 1, k1]) * slope(below[k1]) for k1 in below)
            agree([line_1, line_2, line_3], [net.dz[key][1][L, k0]] * 3)


@with_a_hidden_layer
def test_equation_30_slope_of_an_output_by_the_weights_before_the_last_in_closed_form(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L
    C, h, Psi = net.net.C, net.net.h, net.net.Psi
    for _, p, q in net.weights(L - 2):
        for i in to(net.m):
            z = net.z[i]
            from_weight = Psi(L - 1, z[L - 1, p]) * h(L - 2, z[L - 2, q]) * C(L - 2, p, q)
            closed = [net.theta[L - 1, k0, p] * C(L - 1, k0, p) * from_weight for k0 in nodes(net.s[L])]
            agree([net.dz[L - 2, p, q][i][L, k0] for k0 in nodes(net.s[L])], closed)
            assert net.dz[L - 2, p, q][i][L, 0] == 0


@every
def test_equation_31_M_is_the_slope_of_a_value_by_a_value_one_level_below(depth: int, seed: int) -> None:
    net = given(depth, seed)
    z = net.z[1]
    for l in to(net.L - 1):
        for k in nodes(net.s[l]):
            tilt = tilted(z, (l, k))
            moved = [slope(brawer.node(net.net, net.theta, tilt, l + 1, j)) for j in nodes(net.s[l + 1])]
            agree([net.M(1, l, j, k) for j in nodes(net.s[l + 1])], moved)


@with_a_hidden_layer
def test_equation_32_slope_of_an_output_by_M(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L
    for _, p, q in net.weights(L - 2):
        for i in to(net.m):
            handed_on = net.net.h(L - 2, net.z[i][L - 2, q]) * net.net.C(L - 2, p, q)
            expected = [net.M(i, L - 1, k0, p) * handed_on for k0 in to(net.s[L])]
            agree([net.dz[L - 2, p, q][i][L, k0] for k0 in to(net.s[L])], expected)


@with_a_hidden_layer
def test_equation_33_gradient_by_the_weights_before_the_last(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L
    found: Table = {
        (l, p, q): net.mean(
            {
                i: sum(net.delta[i][L, k0] * net.M(i, L - 1, k0, p) * net.a(i, L - 2, q) for k0 in to(net.s[L]))
                for i in to(net.m)
            }
        )
        for l, p, q in net.weights(L - 2)
    }
    same(found, {key: net.dJ[key] for key in found})


@every
def test_equation_33a_C_is_the_same_for_every_node_it_leads_to(depth: int, seed: int) -> None:
    net = given(depth, seed).net
    for l in to(net.L - 1):
        for q in nodes(net.s[l]):
            assert {net.C(l, p, q) for p in nodes(net.s[l + 1])} == {net.C(l, 1, q)}


@with_a_hidden_layer
def test_equation_34_errors_of_the_last_hidden_layer(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L

    def error(p: int, i: int) -> Scalar:
        return sum(net.delta[i][L, k0] * net.M(i, L - 1, k0, p) * (1 - I(p, 0)) for k0 in to(net.s[L]))

    errors_agree(net, L - 1, error)


def errors_agree(net: Given, l: int, error: Callable[[int, int], Scalar]) -> None:
    """``error(p, i)`` is δ^l, the bias node's included, and m times the engine's dZ."""
    for i in to(net.m):
        same({(l, p): net.delta[i][l, p] for p in nodes(net.s[l])}, {(l, p): error(p, i) for p in nodes(net.s[l])})
    agree(net.m * net.run.dZ[l - 1], grid({(p, i): error(p, i) for p in to(net.s[l]) for i in to(net.m)}))


@with_a_hidden_layer
def test_equation_35_gradient_by_the_weights_before_the_last_from_errors(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L
    found: Table = {
        (l, p, q): net.mean({i: net.delta[i][L - 1, p] * net.a(i, L - 2, q) for i in to(net.m)})
        for l, p, q in net.weights(L - 2)
    }
    same(found, {key: net.dJ[key] for key in found})
    agree(net.run.dW[L - 2], matrix(found, L - 2))


@with_two_hidden_layers
def test_equation_36_slope_of_an_output_by_the_weights_three_levels_below(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L
    C, h, Psi, theta, z = net.net.C, net.net.h, net.net.Psi, net.theta, net.z[1]
    for key in net.weights(L - 3):
        tilt = tilted(theta, key)
        low = {k2: brawer.node(net.net, tilt, z, L - 2, k2) for k2 in nodes(net.s[L - 2])}
        for k0 in to(net.s[L]):
            line_1, line_2 = 0.0j, 0.0j
            for k1 in nodes(net.s[L - 1]):
                outer = theta[L - 1, k0, k1] * C(L - 1, k0, k1) * Psi(L - 1, z[L - 1, k1])
                line_1 += outer * slope(sum(theta[L - 2, k1, k2] * h(L - 2, low[k2]) * C(L - 2, k1, k2) for k2 in low))
                for k2 in low:
                    inner = theta[L - 2, k1, k2] * C(L - 2, k1, k2) * Psi(L - 2, z[L - 2, k2])
                    line_2 += outer * inner * slope(low[k2])
            agree([line_1, line_2], [net.dz[key][1][L, k0]] * 2)


@with_two_hidden_layers
def test_equation_37_slope_of_an_output_by_two_Ms(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L
    for _, p, q in net.weights(L - 3):
        for i in to(net.m):
            expected = [
                sum(net.M(i, L - 1, k0, k1) * net.M(i, L - 2, k1, p) for k1 in to(net.s[L - 1])) * net.a(i, L - 3, q)
                for k0 in to(net.s[L])
            ]
            agree([net.dz[L - 3, p, q][i][L, k0] for k0 in to(net.s[L])], expected)


@with_two_hidden_layers
def test_equation_39_gradient_by_the_weights_three_levels_below(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L
    between = to(net.s[L - 1])

    def by_outputs(i: int, p: int, q: int) -> Scalar:
        errors = {k1: sum(net.delta[i][L, k0] * net.M(i, L - 1, k0, k1) for k0 in nodes(net.s[L])) for k1 in between}
        return sum(errors[k1] * net.M(i, L - 2, k1, p) for k1 in between) * net.a(i, L - 3, q)

    def by_hidden(i: int, p: int, q: int) -> Scalar:
        return sum(net.delta[i][L - 1, k1] * net.M(i, L - 2, k1, p) for k1 in between) * net.a(i, L - 3, q)

    for line in (by_outputs, by_hidden):
        found = {(l, p, q): net.mean({i: line(i, p, q) for i in to(net.m)}) for l, p, q in net.weights(L - 3)}
        same(found, {key: net.dJ[key] for key in found})


@with_two_hidden_layers
def test_equation_40_errors_of_the_hidden_layer_before_the_last(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L

    def error(p: int, i: int) -> Scalar:
        return sum(net.delta[i][L - 1, k1] * net.M(i, L - 2, k1, p) * (1 - I(p, 0)) for k1 in to(net.s[L - 1]))

    errors_agree(net, L - 2, error)


@with_two_hidden_layers
def test_equation_41_gradient_by_the_weights_three_levels_below_from_errors(depth: int, seed: int) -> None:
    net = given(depth, seed)
    L = net.L
    found: Table = {
        (l, p, q): net.mean({i: net.delta[i][L - 2, p] * net.a(i, L - 3, q) for i in to(net.m)})
        for l, p, q in net.weights(L - 3)
    }
    same(found, {key: net.dJ[key] for key in found})
    agree(net.run.dW[L - 3], matrix(found, L - 3))


# The general equations


@every
def test_equation_42_output_errors_start_the_recursion(depth: int, seed: int) -> None:
    net = given(depth, seed)
    agree(across(net.delta, net.L), h_minus_y(net))
    agree(net.m * net.run.dZ[-1], h_minus_y(net))
    assert {net.delta[i][net.L, 0] for i in to(net.m)} == {0}


@every
def test_equation_43_errors_go_back_level_by_level(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in range(net.L - 1, 1, -1):
        back = grid(
            {
                (p, i): sum(net.delta[i][l + 1, k] * net.theta[l, k, p] for k in to(net.s[l + 1]))
                * net.net.Psi(l, net.z[i][l, p])
                for p in to(net.s[l])
                for i in to(net.m)
            }
        )
        agree(across(net.delta, l), back)
        agree(net.m * net.run.dZ[l - 1], back)
        assert all(net.delta[i][l, 0] == 0 for i in to(net.m))


@every
def test_equation_43_an_error_is_the_slope_of_a_samples_cost_by_a_nodes_value(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in range(2, net.L + 1):
        for p in to(net.s[l]):
            z = tilted(net.z[1], (l, p))
            for above in range(l + 1, net.L + 1):
                for j in nodes(net.s[above]):
                    z[above, j] = brawer.node(net.net, net.theta, z, above, j)
            h = {k: net.net.h(net.L, z[net.L, k]) for k in to(net.s[net.L])}
            cost = -sum(net.y[1][k] * log(h[k]) + (1 - net.y[1][k]) * log(1 - h[k]) for k in h)
            agree(net.delta[1][l, p], slope(cost))


@every
def test_equation_44_gradient_by_any_weight(depth: int, seed: int) -> None:
    net = given(depth, seed)
    h, C = net.net.h, net.net.C
    found: Table = {
        (l, p, q): net.mean({i: net.delta[i][l + 1, p] * C(l, 1, q) * h(l, net.z[i][l, q]) for i in to(net.m)})
        for l, p, q in net.dJ
    }
    same(found, net.dJ)
    for l in to(net.L - 1):
        agree(net.run.dW[l], matrix(found, l))


@every
def test_equation_45_level_1_hands_on_the_features(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for i in to(net.m):
        assert {q: net.net.h(1, net.z[i][1, q]) * net.net.C(1, 1, q) for q in nodes(net.s[1])} == net.x[i]
    found: Table = {(l, p, q): sum(net.delta[i][2, p] * net.x[i][q] for i in to(net.m)) for l, p, q in net.weights(1)}
    agree(net.m * net.run.dW[1], matrix(found, 1))


@every
def test_equation_46_gradient_by_any_bias_is_the_mean_error(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in to(net.L - 1):
        found = column({p: net.mean({i: net.delta[i][l + 1, p] for i in to(net.m)}) for p in to(net.s[l + 1])})
        agree(found, bias_column(net.dJ, l))
        agree(net.run.db[l], found)


# Discussion, dimensions and vectorization


@with_a_hidden_layer
def test_equation_47_the_sum_over_errors_is_the_transposed_matrix_times_their_column(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in range(2, net.L):
        errors = np.array([[net.delta[i][l + 1, k] for i in to(net.m)] for k in to(net.s[l + 1])])
        theta = np.array([[net.theta[l, k, p] for p in nodes(net.s[l])] for k in to(net.s[l + 1])])
        by_loops = grid(
            {
                (p, i): sum(net.delta[i][l + 1, k] * net.theta[l, k, p] for k in to(net.s[l + 1]))
                for p in to(net.s[l])
                for i in to(net.m)
            }
        )
        agree((theta.T @ errors)[1:], by_loops)
        agree(net.m * net.run.dA[l - 1], by_loops)


@with_a_hidden_layer
def test_equation_48_errors_in_matrix_form_without_the_column_of_biases(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in range(2, net.L):
        errors = np.array([[net.delta[i][l + 1, k] for i in to(net.m)] for k in to(net.s[l + 1])])
        theta = np.array([[net.theta[l, k, p] for p in to(net.s[l])] for k in to(net.s[l + 1])])
        Psi = grid({(p, i): net.net.Psi(l, net.z[i][l, p]) for p in to(net.s[l]) for i in to(net.m)})
        agree((theta.T @ errors) * Psi, across(net.delta, l))
        agree(net.m * net.run.dZ[l - 1], (theta.T @ errors) * Psi)


# Slips


def test_slip_35_M_does_not_vanish_at_the_bias_node() -> None:
    net = given(2, 0)
    L = net.L
    for k0 in to(net.s[L]):
        weight = net.theta[L - 1, k0, 0] / net.net.h(L - 1, 1.0) * net.net.Psi(L - 1, 1.0)
        agree(net.M(1, L - 1, k0, 0), weight)
        assert abs(net.M(1, L - 1, k0, 0)) > 1e-3
    unmasked = sum(net.delta[1][L, k0] * net.M(1, L - 1, k0, 0) for k0 in to(net.s[L]))
    assert abs(unmasked) > 1e-3
    assert net.delta[1][L - 1, 0] == 0


def test_slip_35_what_vanishes_is_the_slope_of_the_bias_nodes_own_value() -> None:
    net = given(2, 0)
    L = net.L
    assert {net.dz[key][1][L - 1, 0] for key in net.dz} == {0}


def test_slip_37_the_sum_may_start_at_1_because_nothing_leads_into_the_bias_node() -> None:
    net = given(2, 0)
    L = net.L
    assert [net.M(1, L - 2, 0, p) for p in to(net.s[L - 2])] == [0] * net.s[L - 2]
    assert all(net.M(1, L - 1, k0, 0) != 0 for k0 in to(net.s[L]))


@pytest.mark.parametrize("number", [41, 44, 46])
def test_slip_41_44_46_samples_are_summed_from_1(number: int) -> None:
    net = given(2, 2, examples=4)
    l = net.L - 3 if number == 41 else net.L - 1
    keys = [(l, p, 0) for p in to(net.s[l + 1])] if number == 46 else net.weights(l)
    terms = {key: {i: net.delta[i][l + 1, key[1]] * net.a(i, l, key[2]) for i in to(4)} for key in keys}
    whole = {key: net.dJ[key] for key in keys}
    same({key: sum(terms[key][i] for i in to(4)) / 4 for key in keys}, whole)
    from_0_to_m = [sum(terms[key][i] for i in to(4)) / 3 for key in keys]
    differ(from_0_to_m, list(whole.values()))


def test_slip_18_19_20_42_y_has_the_index_of_its_output() -> None:
    net = next(
        made for seed in range(0, 60, 3) if len(set((made := given(1, seed, examples=1, outputs=3)).y[1].values())) > 1
    )
    one_y = {1: dict.fromkeys(to(3), net.y[1][1])}
    agree(net.run.loss, brawer.J(net.net, net.theta, net.x, net.y))
    differ(brawer.J(net.net, net.theta, net.x, one_y), net.run.loss)
    differ([net.net.h(net.L, net.z[1][net.L, p]) - net.y[1][1] for p in to(3)], net.run.dZ[-1][:, 0])


@with_a_hidden_layer
def test_slip_48_with_the_column_of_biases_the_product_has_a_row_too_many_for_Psi(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in range(2, net.L):
        theta = np.array([[net.theta[l, k, p] for p in nodes(net.s[l])] for k in to(net.s[l + 1])])
        assert len(theta.T) == net.s[l] + 1
        assert len(theta.T[1:]) == len(net.run.dZ[l - 1]) == net.s[l]


@every
def test_slip_48_theta_has_a_column_more_than_the_layer_below_has_nodes(depth: int, seed: int) -> None:
    net = given(depth, seed)
    for l in range(2, net.L + 1):
        assert len(net.weights(l - 1)) == net.s[l] * (net.s[l - 1] + 1)
        assert len(net.weights(l - 1)) == net.run.dW[l - 1].size + net.run.db[l - 1].size


def test_slip_47_the_sum_ends_with_the_nodes_of_the_next_layer() -> None:
    net = build(draw(1, 7, outputs=3), ["tanh"])
    terms = {k: [net.delta[1][3, k] * net.theta[2, k, p] for p in to(net.s[2])] for k in to(3)}
    agree(net.m * net.run.dA[1][:, 0], [sum(terms[k][p - 1] for k in to(3)) for p in to(net.s[2])])
    differ(net.m * net.run.dA[1][:, 0], [sum(terms[k][p - 1] for k in to(2)) for p in to(net.s[2])])


def test_slip_15a_with_another_h_the_slope_is_that_h_s_own() -> None:
    net = build(draw(1, 8, outputs=2), ["tanh"])
    agree(net.net.Psi(2, net.z[1][2, 1]), slope(net.net.h(2, net.z[1][2, 1] + STEP * 1j)))
    h = net.net.h(2, net.z[1][2, 1])
    differ(h * (1 - h), net.net.Psi(2, net.z[1][2, 1]))


def test_slip_19_h_minus_y_needs_a_sigmoid_output() -> None:
    net = Net({1: 2, 2: 1}, {1: brawer.LINEAR, 2: Function(sigmoid_squared, slope_squared)})
    theta = {**brawer.bias_rows(net), (1, 1, 0): 0.3, (1, 1, 1): -0.7, (1, 1, 2): 0.4}
    x: dict[int, Vector] = {1: {0: 1.0, 1: 0.5, 2: -1.2}}
    y: dict[int, Vector] = {1: {1: 1.0}}
    z = brawer.forward(net, theta, x[1])
    right = slope(brawer.J(net, tilted(theta, (1, 1, 1)), x, y))
    h = net.h(2, z[2, 1])
    differ((h - 1) * x[1][1], right)
    agree((h - 1) / (h * (1 - h)) * net.Psi(2, z[2, 1]) * x[1][1], right)


def sigmoid_squared(z: Scalar) -> Scalar:
    return brawer.sigmoid(z) ** 2


def slope_squared(z: Scalar) -> Scalar:
    return 2 * brawer.sigmoid(z) ** 2 * (1 - brawer.sigmoid(z))


@pytest.mark.parametrize("seed", [0, 3])
def test_slip_7_C_is_used_where_q_is_0_in_44(seed: int) -> None:
    net = given(2, seed)
    l = net.L - 1
    right = bias_column(net.dJ, l)
    with_C = column(
        {p: net.mean({i: net.delta[i][net.L, p] * net.a(i, l, 0) for i in to(net.m)}) for p in to(net.s[net.L])}
    )
    agree(with_C, right)
    differ(with_C * net.net.h(l, 1.0), right)


def test_slip_7_h_of_1_must_not_vanish() -> None:
    shifted = Function(lambda z: z - 1, lambda z: 1.0)
    net = Net({1: 1, 2: 1, 3: 1}, {1: brawer.LINEAR, 2: shifted, 3: brawer.SIGMOID})
    with pytest.raises(ZeroDivisionError):
        net.C(2, 1, 0)


def test_slip_2_only_base_e_has_the_slope_of_15a() -> None:
    for base, right in ((np.e, True), (2.0, False)):
        h = 1 / (1 + base ** -(0.7 + STEP * 1j))
        product = (h * (1 - h)).real
        assert (abs(slope(complex(h)) - product) <= 1e-12 * product) == right


@pytest.mark.parametrize("depth", range(5))
def test_slip_L_counts_the_layer_of_inputs(depth: int) -> None:
    net = given(depth, 0)
    assert depth + 2 == net.L
    assert len({l for l, _, _ in net.theta}) == net.L - 1 == net.drawn.L


def test_slip_18_the_cost_is_positive_only_for_targets_up_to_1() -> None:
    net = brawer.sigmoid_net(1, 1)
    theta = {**brawer.bias_rows(net), (1, 1, 0): 2.0, (1, 1, 1): 0.0}
    x: dict[int, Vector] = {1: {0: 1.0, 1: 0.0}}
    for y in np.linspace(0, 1, 11):
        assert brawer.J(net, theta, x, {1: {1: float(y)}}).real > 0
    assert brawer.J(net, theta, x, {1: {1: 2.0}}).real < 0


def test_slip_16_values_depend_on_the_weights_of_every_level_below_not_of_one() -> None:
    net = given(3, 0)
    l = net.L - 1
    assert any(net.dz[key][1][l, 1] != 0 for key in net.weights(l - 2))
    assert all(net.dz[key][1][l, r] == 0 for key in net.weights(l) for r in nodes(net.s[l]))


def test_slip_39_starting_at_node_0_adds_nothing_as_its_error_is_0() -> None:
    net = given(3, 0)
    L = net.L
    assert {net.delta[i][L, 0] for i in to(net.m)} == {0}
    assert {net.M(1, L - 1, 0, k1) for k1 in to(net.s[L - 1])} == {0}
