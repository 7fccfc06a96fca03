"""The network: forward and backward against plain loops, and laws that hold for every pair of output and loss."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.activations import Identity, Relu, Sigmoid, Softmax, Tanh
from bpcli.nn.gradient_check import Probe
from bpcli.nn.heads import join
from bpcli.nn.initializers import Glorot, He, Initializer, Zeros
from bpcli.nn.layers import Dense
from bpcli.nn.losses import BinaryCrossEntropy, CrossEntropy, HalfSquaredError, Reduction
from bpcli.nn.network import Network, initial
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace
from tests.each import each

from .support import PRECISIONS, Case, activation, draw, filled, loss, network, pairs, smooth_case, total

every_pair = each(("output", "name"), pairs())


def case(output: str, name: str, outputs: Reduction = "sum", examples: Reduction = "mean", m: int = 6) -> Case:
    net = network((3, 5, 4), (Tanh(),), activation(output), loss(name, outputs, examples))
    return smooth_case(net, m, seed=11)


def deep(output: str, name: str) -> Case:
    hidden = (Tanh(), Softmax(), Sigmoid())
    return draw(network((3, 5, 4, 6, 4), hidden, activation(output), loss(name)), 7, np.random.default_rng(12))


def backpropagate(net: Network, parameters: Parameters, ws: Workspace) -> Array:
    gradient = np.full_like(parameters.theta, np.nan)
    net.forward(parameters, ws)
    net.backward(parameters, net.parameters(gradient), ws, net.scale(ws.m))
    return gradient


def close(actual: Array, expected: Array) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-14 * max(1.0, float(np.abs(expected).max())))


@every_pair
def test_gradient_of_averaged_examples_is_the_mean_of_each_alone(output: str, name: str) -> None:
    whole = case(output, name, examples="mean")
    alone = [whole.examples(np.array([j])) for j in range(6)]
    close(whole.gradient, np.mean([one.gradient for one in alone], axis=0))
    assert whole.loss == pytest.approx(np.mean([one.loss for one in alone]), rel=1e-13)


@every_pair
def test_gradient_of_summed_examples_is_the_sum_of_each_alone(output: str, name: str) -> None:
    whole = case(output, name, examples="sum")
    alone = [whole.examples(np.array([j])) for j in range(6)]
    close(whole.gradient, np.sum([one.gradient for one in alone], axis=0))
    assert whole.loss == pytest.approx(np.sum([one.loss for one in alone]), rel=1e-13)


@every_pair
def test_averaging_outputs_divides_loss_and_gradient_by_their_number(output: str, name: str) -> None:
    summed, averaged = case(output, name, outputs="sum"), case(output, name, outputs="mean")
    close(averaged.gradient, summed.gradient / 4)
    assert averaged.loss == pytest.approx(summed.loss / 4, rel=1e-14)


@every_pair
def test_averaging_examples_divides_loss_and_gradient_by_their_number(output: str, name: str) -> None:
    summed, averaged = case(output, name, examples="sum"), case(output, name, examples="mean")
    close(averaged.gradient, summed.gradient / 6)
    assert averaged.loss == pytest.approx(summed.loss / 6, rel=1e-14)


@every_pair
def test_order_of_examples_does_not_matter(output: str, name: str) -> None:
    whole = case(output, name)
    shuffled = whole.examples(np.array([4, 1, 5, 0, 3, 2]))
    close(shuffled.gradient, whole.gradient)
    assert shuffled.loss == pytest.approx(whole.loss, rel=1e-14)


@every_pair
def test_an_example_counted_twice_weighs_twice(output: str, name: str) -> None:
    whole = case(output, name, examples="sum")
    doubled = whole.examples(np.array([0, 1, 2, 3, 4, 5, 2]))
    close(doubled.gradient, whole.gradient + whole.examples(np.array([2])).gradient)


@every_pair
def test_renumbered_hidden_units_have_the_renumbered_gradient(output: str, name: str) -> None:
    given, order = case(output, name), np.array([3, 0, 4, 1, 2])
    renumbered = renumber(given.network, given.theta, order)
    gradient = Probe(given.network, given.X, given.Y).gradient(renumbered)
    close(gradient, renumber(given.network, given.gradient, order))


def renumber(net: Network, theta: Array, order: Array) -> Array:
    """θ of the two-layer network whose hidden unit i is the old unit order[i]."""
    old, new = net.parameters(theta), net.parameters(theta.copy())
    new.W[1][...], new.b[1][...] = old.W[1][order], old.b[1][order]
    new.W[2][...], new.b[2][...] = old.W[2][:, order], old.b[2]
    return new.theta


@every_pair
def test_bias_gradient_is_the_weight_gradient_of_a_feature_that_is_one(output: str, name: str) -> None:
    given = case(output, name)
    X = given.X.copy()
    X[1] = 1
    gradient = given.network.parameters(Probe(given.network, X, given.Y).gradient(given.theta))
    close(gradient.b[1][:, 0], gradient.W[1][:, 1])


@every_pair
def test_nothing_left_in_the_buffers_is_used(output: str, name: str) -> None:
    given = deep(output, name)
    fresh = filled(given)
    expected = backpropagate(given.network, given.parameters, fresh)
    stale = filled(given)
    for array in (*stale.Z, *stale.A[1:], *stale.dZ, *stale.dA, stale.output.second, stale.output.picked):
        array.fill(np.nan)
    for scratch in stale.scratch:
        scratch.matrix.fill(np.nan)
        scratch.row.fill(np.nan)
    np.testing.assert_array_equal(backpropagate(given.network, given.parameters, stale), expected)
    assert stale.output.index.dtype == np.intp
    assert total(given.network, stale) == total(given.network, fresh)


@every_pair
def test_a_second_pass_through_the_same_workspace_gives_the_same(output: str, name: str) -> None:
    given = deep(output, name)
    ws = filled(given)
    first = backpropagate(given.network, given.parameters, ws)
    np.testing.assert_array_equal(backpropagate(given.network, given.parameters, ws), first)


@every_pair
def test_the_loss_read_between_forward_and_backward_changes_nothing(output: str, name: str) -> None:
    given = deep(output, name)
    ws = filled(given)
    expected = backpropagate(given.network, given.parameters, ws)
    given.network.forward(given.parameters, ws)
    total(given.network, ws)
    gradient = np.empty_like(given.theta)
    given.network.backward(given.parameters, given.network.parameters(gradient), ws, given.network.scale(ws.m))
    np.testing.assert_array_equal(gradient, expected)


@every_pair
def test_parameters_and_batch_are_left_as_they_are(output: str, name: str) -> None:
    given = deep(output, name)
    parameters, ws = given.network.parameters(given.theta.copy()), filled(given)
    backpropagate(given.network, parameters, ws)
    np.testing.assert_array_equal(parameters.theta, given.theta)
    np.testing.assert_array_equal(ws.X, given.X)
    np.testing.assert_array_equal(ws.Y, given.Y)


@every_pair
def test_float32_follows_float64(output: str, name: str) -> None:
    given = deep(output, name)
    rounded = Probe(given.network, given.X, given.Y).gradient(given.theta.astype(np.float32))
    assert rounded.dtype == np.float32
    np.testing.assert_allclose(rounded, given.gradient, rtol=0, atol=1e-5 * np.abs(given.gradient).max())


@every_pair
@pytest.mark.parametrize("m", [1, 2, 5])
def test_a_batch_may_be_of_any_size(output: str, name: str, m: int) -> None:
    given = case(output, name, m=m)
    assert given.gradient.shape == (given.network.layout.count,)
    assert np.isfinite(given.gradient).all()


@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("sizes", [(1, 1), (4, 1), (1, 3), (4, 3), (1, 1, 1), (2, 1, 3)])
def test_forward_matches_plain_loops(sizes: tuple[int, ...], m: int) -> None:
    hidden = (Relu(),) * (len(sizes) - 2)
    given = draw(network(sizes, hidden, Tanh(), HalfSquaredError()), m, np.random.default_rng(13))
    ws = filled(given)
    given.network.forward(given.parameters, ws)
    for j in range(m):
        values = list(given.X[:, j])
        for l in range(1, len(sizes)):
            W, b = given.parameters.W[l], given.parameters.b[l]
            z = [math.fsum(w * a for w, a in zip(W[i], values, strict=True)) + b[i, 0] for i in range(sizes[l])]
            values = [max(value, 0.0) if l <= len(hidden) else math.tanh(value) for value in z]
            np.testing.assert_allclose(ws.Z[l][:, j], z, rtol=1e-13, atol=1e-15)
            np.testing.assert_allclose(ws.A[l][:, j], values, rtol=1e-13, atol=1e-15)


def test_backward_matches_plain_loops() -> None:
    net = network((3, 4, 2), (Sigmoid(),), Sigmoid(), HalfSquaredError(outputs="sum", examples="mean"))
    given = draw(net, 5, np.random.default_rng(14))
    W, b = given.parameters.W, given.parameters.b
    expected = given.network.parameters(np.zeros_like(given.theta))
    for j in range(5):
        x = given.X[:, j]
        h = [logistic(W[1][k] @ x + b[1][k, 0]) for k in range(4)]
        a = [logistic(sum(W[2][i, k] * h[k] for k in range(4)) + b[2][i, 0]) for i in range(2)]
        d = [(a[i] - given.Y[i, j]) * a[i] * (1 - a[i]) / 5 for i in range(2)]
        e = [sum(W[2][i, k] * d[i] for i in range(2)) * h[k] * (1 - h[k]) for k in range(4)]
        for i in range(2):
            expected.b[2][i] += d[i]
            for k in range(4):
                expected.W[2][i, k] += d[i] * h[k]
        for k in range(4):
            expected.b[1][k] += e[k]
            for p in range(3):
                expected.W[1][k, p] += e[k] * x[p]
    close(given.gradient, expected.theta)


def logistic(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def test_a_two_layer_network_worked_by_hand() -> None:
    net = network((2, 2, 1), (Relu(),), Identity(), HalfSquaredError())
    theta = np.array([1.0, 2.0, -1.0, 1.0, 0.5, -2.0, 3.0, 4.0, 1.0])
    X, Y = np.array([[1.0], [1.0]]), np.array([[9.5]])
    ws = filled(Case(net, theta, X, Y))
    gradient = backpropagate(net, net.parameters(theta), ws)
    np.testing.assert_array_equal(ws.Z[1], [[3.5], [-2.0]])
    np.testing.assert_array_equal(ws.A[1], [[3.5], [0.0]])
    np.testing.assert_array_equal(ws.Z[2], [[11.5]])
    assert total(net, ws) * net.scale(1) == 2.0
    np.testing.assert_array_equal(gradient, [6, 6, 0, 0, 6, 0, 7, 0, 2])


def test_softmax_regression_worked_by_hand() -> None:
    net = network((1, 2), (), Softmax(), CrossEntropy())
    theta = np.array([math.log(3), 0.0, 0.0, 0.0])
    X, Y = np.array([[1.0, 0.0]]), np.array([1, 1])
    given = Case(net, theta, X, Y)
    assert given.loss == pytest.approx((math.log(4) + math.log(2)) / 2, rel=1e-15)
    np.testing.assert_allclose(given.gradient, [0.375, -0.375, 0.625, -0.625], rtol=1e-14)


def test_logistic_regression_worked_by_hand() -> None:
    net = network((1, 1), (), Sigmoid(), BinaryCrossEntropy())
    given = Case(net, np.array([math.log(3), 0.0]), np.array([[1.0, -1.0]]), np.array([[1.0, 1.0]]))
    assert given.loss == pytest.approx((math.log(4 / 3) + math.log(4)) / 2, rel=1e-15)
    np.testing.assert_allclose(given.gradient, [0.25, -0.5], rtol=1e-14)


def test_half_squared_error_is_by_default_averaged_over_outputs_and_examples() -> None:
    net = network((1, 2), (), Identity(), HalfSquaredError())
    given = Case(net, np.array([1.0, 2.0, 0.0, 0.0]), np.array([[1.0, 2.0]]), np.zeros((2, 2)))
    assert given.loss == (1 + 4 + 4 + 16) / 2 / 2 / 2
    np.testing.assert_array_equal(given.gradient, [1.25, 2.5, 0.75, 1.5])


def test_output_gradient_of_softmax_cross_entropy_adds_up_to_zero() -> None:
    given = deep("softmax", "cross_entropy")
    assert given.network.parameters(given.gradient).b[-1].sum() == pytest.approx(0, abs=1e-15)


def test_equal_hidden_units_learn_alike() -> None:
    net = network((3, 4, 2), (Tanh(),), Softmax(), CrossEntropy())
    given = draw(net, 6, np.random.default_rng(15))
    given.parameters.W[1][...] = given.parameters.W[1][0]
    given.parameters.b[1].fill(0.5)
    given.parameters.W[2][...] = given.parameters.W[2][:, :1]
    dW = given.network.parameters(given.gradient).W[1]
    np.testing.assert_allclose(dW, np.tile(dW[0], (4, 1)), rtol=1e-12)


def test_activations_of_all_layers_end_with_the_heads() -> None:
    net = network((3, 5, 4, 2), (Tanh(), Relu()), Softmax(), CrossEntropy())
    assert net.activations == (Tanh(), Relu(), Softmax())


def test_a_workspace_for_inference_gives_the_same_outputs_and_loss() -> None:
    given = deep("softmax", "cross_entropy")
    training, inference = filled(given), given.network.workspace(7, np.float64, training=False)
    inference.X[...], inference.Y[...] = given.X, given.Y
    for ws in (training, inference):
        given.network.forward(given.parameters, ws)
    np.testing.assert_array_equal(inference.A[-1], training.A[-1])
    assert total(given.network, inference) == total(given.network, training)


def test_objective_is_the_loss_of_forward() -> None:
    given = deep("sigmoid", "binary_cross_entropy")
    ws = filled(given)
    given.network.forward(given.parameters, ws)
    expected = float(total(given.network, ws)) * given.network.scale(7)
    assert Probe(given.network, given.X, given.Y)(given.theta) == expected


def drawn_by(*initializers: Initializer) -> Network:
    """A 3-4-2 network whose layers start as these say."""
    layers = tuple(Dense(n, Identity(), rule) for n, rule in zip((4, 2), initializers, strict=True))
    return Network(3, layers, join(Identity(), HalfSquaredError()))


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_initial_biases_are_zero_and_weights_are_drawn(dtype: str) -> None:
    parameters = initial(drawn_by(He(), Glorot()), np.dtype(dtype), np.random.default_rng(0))
    assert parameters.theta.dtype == dtype
    assert all((b == 0).all() for b in parameters.b)
    assert all((W != 0).all() for W in parameters.W)


def test_initial_weights_are_drawn_first_layer_first_each_by_its_own_initializer() -> None:
    rules: tuple[Initializer, ...] = (He(), Glorot())
    parameters = initial(drawn_by(*rules), np.dtype(np.float64), np.random.default_rng(1))
    rng = np.random.default_rng(1)
    for W, rule in zip(parameters.W[1:], rules, strict=True):
        expected = np.empty_like(W)
        rule.draw(expected, rng)
        np.testing.assert_array_equal(W, expected)


def test_the_last_layers_initializer_does_not_change_the_first_layers_draw() -> None:
    first, second = (
        initial(drawn_by(He(), last), np.dtype(np.float64), np.random.default_rng(2)) for last in (Glorot(), Zeros())
    )
    np.testing.assert_array_equal(first.W[1], second.W[1])
