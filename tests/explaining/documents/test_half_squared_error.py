"""Half squared error, result by result, its three modes of update, and the engine against all of it.

Its symbols are bp's own, its δ is bp's dZ of one example; bp folds a batch's
1/m into dZ, the derivation averages the finished gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import pytest

from bpcli.data.sources import Columns, Examples, Rows
from bpcli.nn import Array, optimizers
from bpcli.nn.activations import ACTIVATIONS
from bpcli.nn.heads import join
from bpcli.nn.losses import HalfSquaredError
from bpcli.nn.network import dense
from bpcli.nn.optimizers import GradientDescent
from bpcli.nn.parameters import Layout, Parameters
from bpcli.nn.tallies import Tallies
from bpcli.streams import stream
from bpcli.training.loop import train
from bpcli.training.measure import Measure
from bpcli.training.numpy_steps import NumpySteps
from bpcli.training.recipe import Plan, Recipe
from bpcli.training.state import start

from . import half_squared_error as half
from .scalars import Scalar, Table, Vector, to
from .support import (
    STEP,
    Draw,
    Run,
    across,
    agree,
    biases,
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
    tilted,
    vector,
    weights,
)

ETA = 0.7
"""Large, so that an update at the wrong place shows."""


@dataclass(frozen=True)
class Given:
    """A random network in both notations, and what the engine makes of it."""

    drawn: Draw
    run: Run
    w: Table
    b: Table
    data: half.Data

    @property
    def n(self) -> half.Sizes:
        return self.drawn.sizes

    @property
    def L(self) -> int:
        return self.drawn.L

    @property
    def m(self) -> int:
        return self.drawn.m

    @property
    def x(self) -> Vector:
        """The first example."""
        return self.data.x[1]

    @property
    def y(self) -> Vector:
        return self.data.y[1]

    @cached_property
    def za(self) -> tuple[Table, Table]:
        """z and a of the first example."""
        return half.forward(self.n, self.w, self.b, self.x)

    @cached_property
    def gradient(self) -> half.Gradient:
        """Of the first example."""
        return self.gradient_of(1)

    def gradient_of(self, i: int) -> half.Gradient:
        return half.gradient(self.n, self.w, self.b, self.data.x[i], self.data.y[i])

    def C(self, w: Table, b: Table) -> Scalar:
        return half.C(self.n, w, b, self.x, self.y)

    def C_of_a(self, a: Table, l: int) -> Scalar:
        """The cost as a function of layer l's a."""
        return half.cost_of_outputs(self.n, half.onward(self.n, self.w, self.b, a, l + 1)[1], self.y)

    def C_of_z(self, z: Table, l: int) -> Scalar:
        """The cost as a function of layer l's z."""
        return self.C_of_a({(l, j): half.sigma(z[l, j]) for j in to(self.n[l])}, l)

    def dC_dz(self, l: int) -> Array:
        """By the forward pass alone."""
        return column({j: slope(self.C_of_z(tilted(self.za[0], (l, j)), l)) for j in to(self.n[l])})

    def dC_da(self, l: int) -> Array:
        """By the forward pass alone."""
        return column({j: slope(self.C_of_a(tilted(self.za[1], (l, j)), l)) for j in to(self.n[l])})

    def dC_dw(self, l: int) -> Array:
        """By the forward pass alone."""
        return grid(
            {(j, k): slope(self.C(tilted(self.w, (l, j, k)), self.b)) for j in to(self.n[l]) for k in to(self.n[l - 1])}
        )

    def dC_db(self, l: int) -> Array:
        """By the forward pass alone."""
        return column({j: slope(self.C(self.w, tilted(self.b, (l, j)))) for j in to(self.n[l])})

    def d(self, l: int) -> Array:
        """δ^l as a column."""
        return vector(self.gradient.d, l)


@cache
def given(
    depth: int, seed: int, examples: int | None = None, width: int | None = None, outputs: int | None = None
) -> Given:
    drawn = draw(depth, seed, examples=examples, width=width, outputs=outputs)
    made = run(drawn, ["sigmoid"] * depth, "sigmoid", HalfSquaredError(), drawn.reals)
    return Given(drawn, made, weights(drawn), biases(drawn), half.Data(columns(drawn.X), columns(drawn.reals)))


def single(depth: int, seed: int) -> Given:
    """One example, as the derivation has it."""
    return given(depth, seed, examples=1)


every = each_network(seeds=3)
with_a_hidden_layer = each_network(seeds=3, depths=[1, 2, 3, 4])


# The engine computes the derivation


@each_network(seeds=6)
def test_forward_gives_every_z_and_a(depth: int, seed: int) -> None:
    net = given(depth, seed)
    each = {i: half.forward(net.n, net.w, net.b, net.data.x[i]) for i in to(net.m)}
    z, a = {i: each[i][0] for i in each}, {i: each[i][1] for i in each}
    agree(net.run.A[0], across(a, 0))
    for l in to(net.L):
        agree(net.run.Z[l], across(z, l))
        agree(net.run.A[l], across(a, l))


@each_network(seeds=6)
def test_loss_is_the_mean_of_the_examples_costs(depth: int, seed: int) -> None:
    net = given(depth, seed)
    costs = [half.C(net.n, net.w, net.b, net.data.x[i], net.data.y[i]) for i in to(net.m)]
    agree(net.run.loss, sum(costs) / net.m)


@each_network(seeds=6)
def test_backward_gives_every_derivative_by_a_and_z_over_m(depth: int, seed: int) -> None:
    net = given(depth, seed)
    each = {i: net.gradient_of(i) for i in to(net.m)}
    da, d = {i: each[i].da for i in each}, {i: each[i].d for i in each}
    for l in to(net.L):
        agree(net.run.dA[l], across(da, l) / net.m)
        agree(net.run.dZ[l], across(d, l) / net.m)


@each_network(seeds=6)
def test_backward_gives_the_average_gradient(depth: int, seed: int) -> None:
    net = given(depth, seed)
    dw, db = half.average_gradient(net.n, net.w, net.b, net.data, list(to(net.m)))
    for l in to(net.L):
        agree(net.run.dW[l], matrix(dw, l))
        agree(net.run.db[l], vector(db, l))


@every
def test_gradient_is_the_slope_of_C(depth: int, seed: int) -> None:
    net = single(depth, seed)
    same(net.gradient.dw, {key: slope(net.C(tilted(net.w, key), net.b)) for key in net.w})
    same(net.gradient.db, {key: slope(net.C(net.w, tilted(net.b, key))) for key in net.b})


# 1 Cost function, C


@every
def test_section_1_cost_function_is_half_the_mean_squared_error(depth: int, seed: int) -> None:
    net = single(depth, seed)
    squares = [(net.run.A[-1][j - 1, 0] - net.y[j]) ** 2 for j in to(net.n[net.L])]
    agree(net.run.loss, np.mean(squares) / 2)
    agree(net.run.loss, net.C(net.w, net.b))


@every
def test_section_1_cost_function_has_a_minus_y_over_n_L_as_slope(depth: int, seed: int) -> None:
    net = single(depth, seed)
    found = column({j: (net.za[1][net.L, j] - net.y[j]) / net.n[net.L] for j in to(net.n[net.L])})
    agree(found, net.dC_da(net.L))
    agree(net.run.dA[-1], found)


# 2 Activation level of a neuron in the output layer


@every
def test_section_2_activation_level_is_sigma_of_z(depth: int, seed: int) -> None:
    net = single(depth, seed)
    agree(net.run.A[-1], column({j: half.sigma(net.za[0][net.L, j]) for j in to(net.n[net.L])}))


@every
def test_section_2_activation_level_has_a_times_one_minus_a_as_slope(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for j in to(net.n[net.L]):
        z, a = net.za[0][net.L, j], net.za[1][net.L, j]
        forms = [half.sigma(z) * (1 - half.sigma(z)), a * (1 - a)]
        agree(forms, [slope(half.sigma(z + STEP * 1j))] * 2)
        agree(net.run.dZ[-1][j - 1, 0], net.run.dA[-1][j - 1, 0] * forms[1])


# 3 Pre-activation level of a neuron in the output layer


@every
def test_section_3_pre_activation_level_is_a_weighted_sum_plus_bias(depth: int, seed: int) -> None:
    net = single(depth, seed)
    L, (_, a) = net.L, net.za
    found = column({j: sum(net.w[L, j, k] * a[L - 1, k] for k in to(net.n[L - 1])) + net.b[L, j] for j in to(net.n[L])})
    agree(net.run.Z[-1], found)


@every
def test_section_3_pre_activation_level_varies_with_a_weight_by_the_activation_below(depth: int, seed: int) -> None:
    net = single(depth, seed)
    _, a = net.za
    for l, j, k in net.w:
        got = slope(half.pre_activation(net.n, tilted(net.w, (l, j, k)), net.b, a, l, j))
        agree(got, net.run.A[l - 1][k - 1, 0])


@every
def test_section_3_pre_activation_level_varies_with_its_bias_by_1(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for l, j in net.b:
        assert slope(half.pre_activation(net.n, net.w, tilted(net.b, (l, j)), net.za[1], l, j)) == 1


# Cost function, C, re-expressed


@every
def test_cost_function_re_expressed_by_the_layer_before(depth: int, seed: int) -> None:
    net = single(depth, seed)
    L, (_, a) = net.L, net.za
    total: Scalar = 0
    for j in to(net.n[L]):
        inner = sum(net.w[L, j, k] * a[L - 1, k] for k in to(net.n[L - 1])) + net.b[L, j]
        total += (half.sigma(inner) - net.y[j]) ** 2 / 2
    agree(net.run.loss, total / net.n[L])


@pytest.mark.parametrize("x", [-1.3, 0.4, 2.0])
def test_cost_function_re_expressed_takes_the_chain_rule(x: float) -> None:
    def g(v: Scalar) -> Scalar:
        return v**3 - 2 * v

    u = g(x)
    outer = slope(half.sigma(u + STEP * 1j))
    inner = slope(g(x + STEP * 1j))
    agree(outer * inner, slope(half.sigma(g(x + STEP * 1j))))


@every
def test_cost_function_re_expressed_derivative_by_an_output_weight(depth: int, seed: int) -> None:
    net = single(depth, seed)
    L, (z, a) = net.L, net.za

    def factors(j: int, k: int) -> Scalar:
        by_a = slope(net.C_of_a(tilted(a, (L, j)), L))
        by_z = slope(half.sigma(tilted(z, (L, j))[L, j]))
        by_w = slope(half.pre_activation(net.n, tilted(net.w, (L, j, k)), net.b, a, L, j))
        return by_a * by_z * by_w

    def closed(j: int, k: int) -> Scalar:
        return 1 / net.n[L] * (a[L, j] - net.y[j]) * (a[L, j] * (1 - a[L, j])) * a[L - 1, k]

    for line in (factors, closed):
        found = grid({(j, k): line(j, k) for j in to(net.n[L]) for k in to(net.n[L - 1])})
        agree(found, net.dC_dw(L))
        agree(net.run.dW[L], found)


@every
def test_cost_function_re_expressed_derivative_by_an_output_bias(depth: int, seed: int) -> None:
    net = single(depth, seed)
    L, (z, a) = net.L, net.za

    def factors(j: int) -> Scalar:
        by_a = slope(net.C_of_a(tilted(a, (L, j)), L))
        by_b = slope(half.pre_activation(net.n, net.w, tilted(net.b, (L, j)), a, L, j))
        return by_a * slope(half.sigma(tilted(z, (L, j))[L, j])) * by_b

    def closed(j: int) -> Scalar:
        return 1 / net.n[L] * (a[L, j] - net.y[j]) * (a[L, j] * (1 - a[L, j])) * 1

    for line in (factors, closed):
        found = column({j: line(j) for j in to(net.n[L])})
        agree(found, net.dC_db(L))
        agree(net.run.db[L], found)


# Error, δ


@every
def test_error_of_an_output_is_the_derivative_by_its_pre_activation(depth: int, seed: int) -> None:
    net = single(depth, seed)
    L, (_, a) = net.L, net.za
    dC_da = net.dC_da(L)
    by_chain = column({j: dC_da[j - 1, 0] * (a[L, j] * (1 - a[L, j])) for j in to(net.n[L])})
    agree(by_chain, net.dC_dz(L))
    agree(net.run.dZ[-1], net.dC_dz(L))


@with_a_hidden_layer
def test_error_derivative_by_an_activation_adds_over_the_neurons_that_receive_it(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for l in to(net.L - 1):
        errors = net.dC_dz(l + 1)
        found = column({j: sum(net.w[l + 1, q, j] * errors[q - 1, 0] for q in to(net.n[l + 1])) for j in to(net.n[l])})
        agree(found, net.dC_da(l))
        agree(net.run.dA[l], found)


@every
def test_error_derivative_by_any_weight_is_error_times_activation_below(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for l in to(net.L):
        errors, a = net.dC_dz(l), net.za[1]
        found = grid({(j, k): errors[j - 1, 0] * a[l - 1, k] for j in to(net.n[l]) for k in to(net.n[l - 1])})
        agree(found, net.dC_dw(l))
        agree(net.run.dW[l], found)


@every
def test_error_derivative_by_any_bias_is_the_error(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for l in to(net.L):
        agree(net.dC_dz(l), net.dC_db(l))
        agree(net.run.db[l], net.dC_dz(l))


# Gradients, ∇W and ∇b


@every
def test_gradients_error_of_the_output_layer_as_a_vector(depth: int, seed: int) -> None:
    net = single(depth, seed)
    a_L, y = net.run.A[-1], net.drawn.reals
    agree(1 / net.n[net.L] * (a_L - y) * (a_L * (1 - a_L)), net.d(net.L))
    agree(net.run.dZ[-1], net.d(net.L))


@with_a_hidden_layer
def test_gradients_error_of_any_other_layer_as_a_vector(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for l in range(net.L - 1, 0, -1):
        slopes_of_sigma = column({j: half.sigma_slope(net.za[0][l, j]) for j in to(net.n[l])})
        agree((net.drawn.parameters.W[l + 1].T @ net.d(l + 1)) * slopes_of_sigma, net.d(l))
        agree(net.d(l), net.dC_dz(l))
        agree(net.run.dZ[l], net.d(l))


@every
def test_gradients_by_W_is_error_times_transposed_activation(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for l in to(net.L):
        below = vector(net.za[1], l - 1)
        agree(net.run.dW[l], net.d(l) @ below.T)


@every
def test_gradients_by_W_has_the_derivative_by_w_jk_at_row_j_and_column_k(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for l, j, k in net.w:
        agree(net.gradient.d[l, j] * net.za[1][l - 1, k], slope(net.C(tilted(net.w, (l, j, k)), net.b)))
        agree(net.run.dW[l][j - 1, k - 1], net.gradient.d[l, j] * net.za[1][l - 1, k])


@every
def test_gradients_by_W_has_the_size_of_W(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for l in to(net.L):
        assert net.d(l).shape == (net.n[l], 1)
        assert net.run.A[l - 1].T.shape == (1, net.n[l - 1])
        assert net.run.dW[l].shape == (net.n[l], net.n[l - 1])


@every
def test_gradients_by_b_is_the_error(depth: int, seed: int) -> None:
    net = single(depth, seed)
    for l in to(net.L):
        agree(net.run.db[l], net.d(l))
        agree(net.d(l), net.dC_db(l))


@every
def test_gradients_update_of_W_subtracts_eta_times_its_gradient(depth: int, seed: int) -> None:
    net = single(depth, seed)
    stepped = one_step(net)
    for l in to(net.L):
        found = grid(
            {(j, k): net.w[l, j, k] - ETA * net.gradient.dw[l, j, k] for j in to(net.n[l]) for k in to(net.n[l - 1])}
        )
        agree(stepped.W[l], found)


@every
def test_gradients_update_of_b_subtracts_eta_times_its_gradient(depth: int, seed: int) -> None:
    net = single(depth, seed)
    stepped = one_step(net)
    for l in to(net.L):
        agree(stepped.b[l], column({j: net.b[l, j] - ETA * net.gradient.db[l, j] for j in to(net.n[l])}))


def one_step(net: Given) -> Parameters:
    """The parameters after one update by the engine's rule, on the engine's gradient."""
    theta = net.drawn.parameters.theta.copy()
    given_gradient = np.concatenate([array.ravel() for l in to(net.L) for array in (net.run.dW[l], net.run.db[l])])
    rule = GradientDescent(learning_rate=ETA)

    def gradient(at: Array, out: Array, factor: float) -> float:
        out[...] = factor * given_gradient
        return net.run.loss

    optimizers.update(rule, theta, optimizers.start(rule, theta), gradient, ETA)
    return Parameters(Layout(net.n), theta)


# The three modes of update

EXAMPLES = 7


@dataclass(frozen=True)
class Mode:
    """An epoch as the derivation walks it, and the batch size that makes the engine do so."""

    batch_size: int
    epoch: Callable[[Given, Sequence[int]], tuple[Table, Table]]


MODES = {
    "stochastic": Mode(1, lambda net, order: half.stochastic(net.n, net.w, net.b, net.data, order, ETA)),
    "batch": Mode(EXAMPLES, lambda net, order: half.batch(net.n, net.w, net.b, net.data, ETA)),
    "mini-batch": Mode(3, lambda net, order: half.mini_batch(net.n, net.w, net.b, net.data, order, 3, ETA)),
}


def an_epoch(net: Given, batch_size: int, seed: int, *, shuffle: bool) -> tuple[Parameters, int]:
    """The engine's parameters after one epoch, and the number of updates."""
    activations = tuple(ACTIVATIONS["sigmoid"]() for _ in range(net.L))
    network = dense(net.n, activations[:-1], join(activations[-1], HalfSquaredError()))
    rule = GradientDescent(learning_rate=ETA)
    plan = Plan(epochs=1, batch_size=batch_size, shuffle=shuffle, seed=seed)
    recipe = Recipe(network, rule, plan)
    state = start(recipe, net.drawn.parameters.theta.copy(), Tallies(()))
    examples = Examples(Rows(np.ascontiguousarray(net.drawn.X.T)), Columns(net.drawn.reals))
    list(train(NumpySteps(recipe, state, examples), plan, state, Measure(network, {})))
    return Parameters(Layout(net.n), state.theta), state.optimizer.step


def parameters_agree(net: Given, trained: Parameters, w: Table, b: Table) -> None:
    for l in to(net.L):
        agree(trained.W[l], matrix(w, l))
        agree(trained.b[l], vector(b, l))


def mode_gives_the_same_parameters(name: str, depth: int, seed: int) -> None:
    net, mode = given(depth, seed, examples=EXAMPLES), MODES[name]
    in_order, steps = an_epoch(net, mode.batch_size, seed, shuffle=False)
    parameters_agree(net, in_order, *mode.epoch(net, list(to(EXAMPLES))))
    assert steps == -(-EXAMPLES // mode.batch_size)
    drawn_order = [int(i) + 1 for i in stream(seed, "shuffle", 1).permutation(EXAMPLES)]
    shuffled, _ = an_epoch(net, mode.batch_size, seed, shuffle=True)
    parameters_agree(net, shuffled, *mode.epoch(net, drawn_order))


@every
def test_gradients_stochastic_mode_updates_after_each_example(depth: int, seed: int) -> None:
    mode_gives_the_same_parameters("stochastic", depth, seed)


@every
def test_gradients_batch_mode_updates_once_by_the_average_of_all_examples(depth: int, seed: int) -> None:
    mode_gives_the_same_parameters("batch", depth, seed)


@every
def test_gradients_mini_batch_mode_updates_by_the_average_of_each_drawn_set(depth: int, seed: int) -> None:
    mode_gives_the_same_parameters("mini-batch", depth, seed)


def test_the_three_modes_end_at_different_parameters() -> None:
    net = given(1, 0, examples=EXAMPLES)
    ends = [list(mode.epoch(net, list(to(EXAMPLES)))[0].values()) for mode in MODES.values()]
    differ(ends[0], ends[1])
    differ(ends[1], ends[2])
    differ(ends[2], ends[0])


# Slips and what is left unsaid


def test_slip_unsaid_a_0_is_x() -> None:
    net = single(1, 0)
    np.testing.assert_array_equal(net.run.A[0], net.drawn.X)
    through_sigma = [half.sigma(net.x[k]) for k in to(net.n[0])]
    differ(through_sigma, net.run.A[0][:, 0])


def test_slip_unsaid_every_error_takes_the_weights_before_the_update() -> None:
    net = given(2, 1, examples=1, width=3)
    w, b = half.update(net.n, net.w, net.b, net.data, [1], ETA)
    trained, _ = an_epoch(net, 1, 0, shuffle=False)
    parameters_agree(net, trained, w, b)
    too_early = updated_on_the_way(net)
    differ([too_early[key] - net.w[key] for key in w if key[0] == 1], [w[key] - net.w[key] for key in w if key[0] == 1])


def updated_on_the_way(net: Given) -> Table:
    """w where each layer is updated before the layer below reads it."""
    z, a = net.za
    w, d = Table(net.w), Table({(net.L, j): net.gradient.d[net.L, j] for j in to(net.n[net.L])})
    for l in range(net.L, 0, -1):
        for j in to(net.n[l]):
            if l < net.L:
                back = sum(w[l + 1, q, j] * d[l + 1, q] for q in to(net.n[l + 1]))
                d[l, j] = back * half.sigma_slope(z[l, j])
        for j in to(net.n[l]):
            for k in to(net.n[l - 1]):
                w[l, j, k] -= ETA * d[l, j] * a[l - 1, k]
    return w


@pytest.mark.parametrize("seed", range(4))
def test_slip_minus_delta_points_downhill(seed: int) -> None:
    net = single(1, seed)
    z, small = net.za[0], 1e-4
    for l in to(net.L):
        for sign in (-1, 1):
            moved = z | {(l, j): z[l, j] + sign * small * net.gradient.d[l, j] for j in to(net.n[l])}
            change = net.C_of_z(moved, l).real - net.run.loss
            assert np.sign(change) == sign


@pytest.mark.parametrize("name", ["stochastic", "mini-batch"])
def test_slip_unsaid_the_order_of_examples_changes_the_result(name: str) -> None:
    net = given(1, 0, examples=EXAMPLES)
    forward, backward = (list(MODES[name].epoch(net, order)[0].values()) for order in (to(7), list(to(7))[::-1]))
    assert np.abs(np.subtract(forward, backward)).max() > 1e-6


def test_slip_unsaid_each_epoch_has_a_fresh_order() -> None:
    orders = [tuple(stream(3, "shuffle", epoch).permutation(EXAMPLES)) for epoch in (1, 2, 3)]
    assert len(set(orders)) == 3


def test_slip_gradients_the_product_with_the_transposed_weights_comes_before_the_slope() -> None:
    net = given(2, 1, examples=1, width=3)
    slopes_of_sigma = column({j: half.sigma_slope(net.za[0][1, j]) for j in to(3)})
    W = net.drawn.parameters.W[2]
    agree(net.run.dZ[1], (W.T @ net.d(2)) * slopes_of_sigma)
    differ(W.T @ (net.d(2) * slopes_of_sigma), net.run.dZ[1])


def test_slip_section_1_the_derivative_by_one_output_is_partial() -> None:
    net = given(1, 2, examples=1, outputs=3)
    a = net.za[1]
    for j in to(3):
        agree(slope(net.C_of_a(tilted(a, (net.L, j)), net.L)), (a[net.L, j] - net.y[j]) / 3)
    together = a | {(net.L, j): a[net.L, j] + STEP * 1j for j in to(3)}
    agree(slope(net.C_of_a(together, net.L)), sum((a[net.L, j] - net.y[j]) / 3 for j in to(3)))
