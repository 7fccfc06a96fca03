"""The workspace: its arrays' layout, and that a step takes no memory beyond them."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, Activation, Relu, Sigmoid, Softmax, Tanh
from bpcli.nn.losses import LOSSES, HalfSquaredError
from bpcli.nn.network import Network
from bpcli.nn.optimizers import Adam, GradientDescent, Optimizer, start, update
from bpcli.nn.parameters import Parameters
from bpcli.nn.tallies import Decisions, Judging, Residuals, Tally
from bpcli.nn.workspace import Workspace
from tests.nn.support import STEP_RULES

from .support import PRECISIONS, activation, loss, network, optimizer, pairs, targets

SIZES = (5, 7, 4, 3)

OVERHEAD = 4096
"""Bytes of Python objects that a step may allocate: frames, floats, array headers."""


def workspace(m: int = 6, *, class_indices: bool = False, training: bool = True) -> Workspace:
    return Workspace(SIZES, m, np.float32, class_indices=class_indices, training=training)


def tallies(net: Network) -> list[Tally]:
    """Every tally that this network's outputs and targets can be counted by."""
    n, of = net.sizes[-1], net.head.loss
    if of.targets.class_indices:
        return [Decisions(Judging(n, "largest"))]
    return [Decisions(Judging(n, "largest")), Decisions(Judging(n, "threshold")), Residuals(Judging(n, "residuals"))]


class Steps:
    """Training steps on one batch, as the training loop takes them."""

    def __init__(self, net: Network, rule: Optimizer, m: int, dtype: str) -> None:
        rng = np.random.default_rng(0)
        self.net, self.rule, self.tally = net, rule, tallies(net)[0]
        self.theta: Array = rng.normal(0, 0.1, net.layout.count).astype(dtype)
        self.state = start(rule, self.theta)
        self.parameters = Parameters(net.layout, self.theta)
        self.gradients = Parameters(net.layout, self.state.dtheta)
        self.ws = net.workspace(m, np.dtype(dtype))
        self.ws.X[...] = rng.normal(size=(net.sizes[0], m))
        self.ws.Y[...] = targets(net.head.loss, net.sizes[-1], m, rng)

    def gradient(self, theta: Array, out: Array, factor: float) -> float:
        self.net.forward(self.parameters, self.ws)
        scale = float(self.net.scale(self.ws.m))
        total = float(np.add.reduce(self.net.terms(self.ws)))
        self.net.backward(self.parameters, self.gradients, self.ws, factor * scale)
        return total * scale

    def run(self) -> None:
        with np.errstate(all="ignore"):
            for _ in range(2):
                update(self.rule, self.theta, self.state, self.gradient, self.rule.learning_rate)
                self.tally.update(self.ws.A[-1], self.ws.Y, self.ws.output)


def allocated(steps: Steps) -> int:
    """The peak of memory during steps above what was allocated before, in bytes.

    The least of five runs, because other threads of the test run allocate too.
    """
    steps.run()
    tracemalloc.start()
    try:
        found = []
        for _ in range(5):
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            steps.run()
            found.append(tracemalloc.get_traced_memory()[1] - before)
        return min(found)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("output", "name"), pairs())
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_no_step_allocates_under_any_output_loss_and_tally(output: str, name: str, dtype: str) -> None:
    steps = Steps(network((20, 8, 5), (Tanh(),), activation(output), loss(name)), GradientDescent(), 2000, dtype)
    for tally in tallies(steps.net):
        steps.tally = tally
        assert allocated(steps) < OVERHEAD


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_no_step_allocates_under_any_hidden_activation(name: str, dtype: str) -> None:
    net = network((20, 16, 8, 5), (activation(name), activation(name)), Softmax(), loss("cross_entropy"))
    assert allocated(Steps(net, GradientDescent(), 2000, dtype)) < OVERHEAD


@pytest.mark.parametrize("name", STEP_RULES)
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_no_step_allocates_under_any_optimizer(name: str, dtype: str) -> None:
    net = network((784, 30, 10), (Sigmoid(),), Softmax(), loss("cross_entropy"))
    assert allocated(Steps(net, optimizer(name), 10, dtype)) < OVERHEAD


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("m", [1, 10, 2001])
def test_no_step_allocates_at_any_batch_size(name: str, m: int) -> None:
    net = network((784, 30, 10), (Sigmoid(),), activation(loss(name).usual_output), loss(name))
    assert allocated(Steps(net, GradientDescent(), m, "float32")) < OVERHEAD


@pytest.mark.parametrize(
    ("sizes", "hidden"),
    [
        ((20, 64, 5), (Tanh(),)),
        ((200, 1500), ()),
        ((3000, 1), ()),
        ((200, 1, 1500), (Tanh(),)),
        ((50, 40, 400, 30, 6), (Relu(), Softmax(), Sigmoid())),
    ],
)
def test_no_step_allocates_at_any_depth_or_width(sizes: tuple[int, ...], hidden: tuple[Activation, ...]) -> None:
    net = network(sizes, hidden, Sigmoid(), HalfSquaredError())
    assert allocated(Steps(net, Adam(), 100, "float32")) < OVERHEAD


def test_counting_residuals_takes_no_more_memory_for_more_examples() -> None:
    net = network((2, 300), (), activation("identity"), HalfSquaredError())
    for m in (10, 1000):
        steps = Steps(net, GradientDescent(), m, "float64")
        steps.tally = Residuals(Judging(300, "residuals"))
        assert allocated(steps) < OVERHEAD + 5 * 300 * 8


def test_an_allocation_would_be_seen() -> None:
    class Copying(Steps):
        def gradient(self, theta: Array, out: Array, factor: float) -> float:
            self.ws.A[1][...] = self.ws.A[1].copy()
            return super().gradient(theta, out, factor)

    net = network((20, 8, 5), (Tanh(),), Softmax(), loss("cross_entropy"))
    assert allocated(Copying(net, GradientDescent(), 2000, "float32")) > 8 * 2000 * 4


def test_arrays_have_their_layers_shapes() -> None:
    ws = workspace()
    assert [array.shape for array in ws.A] == [(5, 6), (7, 6), (4, 6), (3, 6)]
    for arrays in (ws.Z, ws.dZ, ws.dA):
        assert [array.shape for array in arrays] == [(0, 6), (7, 6), (4, 6), (3, 6)]
    assert [scratch.matrix.shape for scratch in ws.scratch] == [(0, 6), (7, 6), (4, 6), (3, 6)]
    assert ws.ones.tolist() == [[1]] * 6
    assert ws.m == 6


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_arrays_have_the_precision_asked_for(dtype: type) -> None:
    ws = Workspace(SIZES, 6, dtype, class_indices=False)
    arrays = [*ws.Z, *ws.A, *ws.dZ, *ws.dA, ws.X, ws.Y, ws.ones, ws.output.second, ws.output.turned, ws.output.picked]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


def test_an_example_is_contiguous_in_x_and_a_unit_in_every_other_array() -> None:
    ws = workspace()
    assert ws.X.flags.f_contiguous
    assert ws.A[0] is ws.X
    for array in (*ws.Z, *ws.A[1:], *ws.dZ, *ws.dA):
        assert array.flags.c_contiguous


def test_z_a_and_dz_of_all_layers_are_apart() -> None:
    ws = workspace()
    arrays = [ws.X, *ws.Z[1:], *ws.A[1:], *ws.dZ[1:], ws.dA[1], ws.scratch[1].matrix, ws.output.second]
    for i, array in enumerate(arrays):
        assert not any(np.shares_memory(array, other) for other in arrays[:i])


def test_what_one_layer_needs_at_a_time_shares_one_block() -> None:
    ws = workspace()
    for first, second in pairwise(ws.dA[1:]):
        assert np.shares_memory(first, second)
    for one, other in pairwise(ws.scratch[1:]):
        assert np.shares_memory(one.matrix, other.matrix)
    assert ws.output.layer is ws.scratch[-1]
    assert np.shares_memory(ws.output.turned, ws.output.layer.matrix)


def test_targets_are_class_indices_or_numbers_for_each_output() -> None:
    classes, numbers = workspace(class_indices=True).Y, workspace().Y
    assert (classes.shape, classes.dtype) == ((6,), np.dtype(np.intp))
    assert (numbers.shape, numbers.dtype) == ((3, 6), np.dtype(np.float32))


def test_without_training_there_are_no_buffers_for_gradients() -> None:
    ws = workspace(training=False)
    assert ws.dZ == ws.dA == []
    assert not hasattr(ws, "ones")


def test_a_networks_workspace_has_the_targets_that_its_loss_takes() -> None:
    for name in LOSSES:
        net = network((4, 3), (), activation(loss(name).usual_output), loss(name))
        assert (net.workspace(2, np.float32).Y.ndim == 1) == loss(name).targets.class_indices
