"""Every output, loss, reduction and hidden activation against both differences; and both differences can fail."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, Activation, ExponentialOutput, Identity, Relu, Sigmoid, Softmax, Tanh
from bpcli.nn.gradient_check import CENTRAL_STEP, COMPLEX_STEP, Objective, Probe, central, complex_step
from bpcli.nn.heads import Composed
from bpcli.nn.losses import BinaryCrossEntropy, CrossEntropy, HalfSquaredError, Loss, Reduction, TargetForm
from bpcli.nn.network import dense
from bpcli.nn.workspace import OutputScratch, Scratch
from tests.each import each

from .support import (
    REDUCTIONS,
    SETTINGS,
    Case,
    Disagreement,
    activation,
    activations,
    disagreement_with_central,
    disagreement_with_complex_step,
    layers,
    loss,
    network,
    pairs,
    smooth_case,
)

Method = Callable[[Objective, Array, Iterable[int]], Array]

every_pair = each(("output", "name"), pairs())
every_hidden = pytest.mark.parametrize("hidden", activations().values(), ids=activations())
both_methods = pytest.mark.parametrize(
    "disagreement", [disagreement_with_central, disagreement_with_complex_step], ids=["central", "complex_step"]
)


def agrees_both_ways(case: Case) -> None:
    gradient = case.gradient
    assert disagreement_with_central(case, gradient) <= 1
    assert disagreement_with_complex_step(case, gradient) <= 1


EVERY_HIDDEN = tuple(activations().values())
NUMBERED = [(i, *pair) for i, pair in enumerate(pairs())]
"""The pairs by number: it says which hidden activations stand below, so that each is met under many."""

every_numbered_pair = each(("number", "output", "name"), NUMBERED)


@every_numbered_pair
def test_backward_agrees_with_both_differences(number: int, output: str, name: str) -> None:
    for k, (outputs, examples) in enumerate(product(REDUCTIONS, REDUCTIONS)):
        hidden = EVERY_HIDDEN[(4 * number + k) % len(EVERY_HIDDEN)]
        net = network((3, 4, 3), (hidden,), activation(output), loss(name, outputs, examples))
        agrees_both_ways(smooth_case(net, m=5, seed=21))


@pytest.mark.parametrize(("output", "of"), SETTINGS.values(), ids=SETTINGS)
def test_backward_agrees_for_every_setting_of_a_loss(output: str, of: Loss) -> None:
    agrees_both_ways(smooth_case(network((3, 4, 3), (Tanh(),), activation(output), of), m=5, seed=29))


@every_numbered_pair
def test_backward_agrees_without_a_hidden_layer(number: int, output: str, name: str) -> None:
    outputs, examples = REDUCTIONS[number % 2], REDUCTIONS[number // 2 % 2]
    net = network((4, 3), (), activation(output), loss(name, outputs, examples))
    agrees_both_ways(smooth_case(net, m=6, seed=22))


@every_numbered_pair
def test_backward_agrees_at_depth_four(number: int, output: str, name: str) -> None:
    hidden = EVERY_HIDDEN[number % len(EVERY_HIDDEN)]
    net = network((3, 4, 5, 4, 2), (Tanh(), hidden, Sigmoid()), activation(output), loss(name))
    agrees_both_ways(smooth_case(net, m=4, seed=23))


@every_hidden
def test_backward_agrees_with_the_same_activation_in_every_hidden_layer(hidden: Activation) -> None:
    between = Tanh() if isinstance(hidden, ExponentialOutput) else hidden  # e^e^e^z is beyond any float
    net = network((3, 5, 4, 5, 2), (hidden, between, hidden), Softmax(), CrossEntropy())
    agrees_both_ways(smooth_case(net, m=4, seed=24))


@pytest.mark.parametrize("output", [name for name in ACTIVATIONS if name != "softmax"])
def test_backward_agrees_with_a_single_output(output: str) -> None:
    agrees_both_ways(smooth_case(network((3, 4, 1), (Tanh(),), activation(output), HalfSquaredError()), 5, seed=25))


def test_backward_agrees_with_a_single_sigmoid_output_under_binary_cross_entropy() -> None:
    agrees_both_ways(smooth_case(network((3, 4, 1), (Sigmoid(),), Sigmoid(), BinaryCrossEntropy()), 5, seed=26))


@every_pair
def test_backward_agrees_for_a_single_example(output: str, name: str) -> None:
    agrees_both_ways(smooth_case(network((3, 4, 3), (Tanh(),), activation(output), loss(name)), 1, seed=27))


def subject(name: str = "cross_entropy") -> Case:
    """A network whose second layer's weights are square, so that they can be transposed unseen."""
    net = network((3, 4, 4), (Tanh(),), activation(loss(name).usual_output), loss(name))
    return smooth_case(net, m=5, seed=28)


@both_methods
@pytest.mark.parametrize("wrong_by", [1.001, 0.999])
def test_one_entry_wrong_by_a_thousandth_is_caught(disagreement: Disagreement, wrong_by: float) -> None:
    case = subject()
    assert disagreement(case, case.gradient) <= 1
    for layer in layers(case.network):
        largest = np.abs(case.gradient[layer]).max()
        for i in range(layer.start, layer.stop):
            if abs(case.gradient[i]) > 0.01 * largest:
                gradient = case.gradient
                gradient[i] *= wrong_by
                assert disagreement(case, gradient) > 1


@both_methods
def test_a_transposed_weight_gradient_is_caught(disagreement: Disagreement) -> None:
    case = subject()
    gradient = case.gradient
    dW = case.network.parameters(gradient).W[2]
    dW[...] = dW.T.copy()
    assert disagreement(case, gradient) > 1


@both_methods
@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy", "half_squared_error"])
@pytest.mark.parametrize("wrong_by", [-1.0, 5.0, 0.2, 4.0, 0.25, 0.0], ids=str)
def test_a_flipped_sign_or_a_missing_or_doubled_division_is_caught(
    disagreement: Disagreement, name: str, wrong_by: float
) -> None:
    case = subject(name)
    assert disagreement(case, wrong_by * case.gradient) > 1


@both_methods
def test_a_forgotten_bias_gradient_is_caught(disagreement: Disagreement) -> None:
    case = subject()
    for l in (1, 2):
        gradient = case.gradient
        case.network.parameters(gradient).b[l].fill(0)
        assert disagreement(case, gradient) > 1


@dataclass(frozen=True)
class DiagonalSoftmax:
    """Softmax with f′ = a(1 − a), as though its units were apart."""

    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    kinks: ClassVar[tuple[float, ...]] = ()
    usual_initializer: ClassVar[str] = "glorot"
    owned: ClassVar[Mapping[str, float]] = {}

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        Softmax().forward(Z, own, out, scratch)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        Sigmoid().backward(dA, Z, A, own, out, d_own, scratch)


@dataclass(frozen=True)
class ForgottenTanh:
    """tanh whose backward passes dA on."""

    range: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    kinks: ClassVar[tuple[float, ...]] = ()
    usual_initializer: ClassVar[str] = "glorot"
    owned: ClassVar[Mapping[str, float]] = {}

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        Tanh().forward(Z, own, out, scratch)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        Identity().backward(dA, Z, A, own, out, d_own, scratch)


@dataclass(frozen=True)
class ShiftedRelu:
    """relu whose slope at a is taken where it is 0.3 lower."""

    range: ClassVar[tuple[float, float]] = (0.0, np.inf)
    kinks: ClassVar[tuple[float, ...]] = (0.0,)
    usual_initializer: ClassVar[str] = "he"
    owned: ClassVar[Mapping[str, float]] = {}

    def forward(self, Z: Array, own: Array, out: Array, scratch: Scratch) -> None:
        Relu().forward(Z, own, out, scratch)

    def backward(self, dA: Array, Z: Array, A: Array, own: Array, out: Array, d_own: Array, scratch: Scratch) -> None:
        Relu().backward(dA, Z, np.maximum(A - 0.3, 0), own, out, d_own, scratch)


@dataclass(frozen=True)
class DoubledSquaredError:
    """(a − y)² with the derivative of its half."""

    outputs: Reduction = "sum"
    examples: Reduction = "mean"

    targets: ClassVar[TargetForm] = TargetForm()
    domain: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    usual_output: ClassVar[str] = "identity"
    sides: ClassVar[None] = None
    elementwise: ClassVar[bool] = True
    likelihood: ClassVar[bool] = False
    term: ClassVar[str] = "(<a> - <y>)^2"
    term_derivative: ClassVar[str] = "<a> - <y>"

    def terms(self, A: Array, Y: Array, out: Array, scratch: OutputScratch) -> None:
        HalfSquaredError().terms(A, Y, out, scratch)
        np.multiply(out, 2, out)

    def backward(self, A: Array, Y: Array, scale: float, out: Array, scratch: OutputScratch) -> None:
        HalfSquaredError().backward(A, Y, scale, out, scratch)


@both_methods
@pytest.mark.parametrize("wrong", [DiagonalSoftmax(), ForgottenTanh(), ShiftedRelu()], ids=lambda f: type(f).__name__)
def test_an_activation_with_a_wrong_backward_is_caught(disagreement: Disagreement, wrong: Activation) -> None:
    case = smooth_case(network((3, 4, 3), (wrong,), Identity(), HalfSquaredError()), m=5, seed=29)
    assert disagreement(case, case.gradient) > 1


@both_methods
def test_a_loss_with_a_wrong_backward_is_caught(disagreement: Disagreement) -> None:
    net = dense((3, 4, 3), (Tanh(),), Composed(Identity(), DoubledSquaredError()))
    case = smooth_case(net, m=5, seed=30)
    assert disagreement(case, case.gradient) > 1


@both_methods
def test_the_short_form_of_another_pair_is_caught(disagreement: Disagreement) -> None:
    wrong = smooth_case(network((3, 4, 3), (Tanh(),), Sigmoid(), HalfSquaredError()), m=5, seed=31)
    short = network((3, 4, 3), (Tanh(),), Sigmoid(), BinaryCrossEntropy(outputs="mean"))
    assert disagreement(wrong, Probe(short, wrong.X, wrong.Y).gradient(wrong.theta)) > 1


def polynomial(theta: Array) -> complex:
    """θ_0³ + θ_0 θ_1 + e^θ_2."""
    return complex(theta[0] ** 3 + theta[0] * theta[1] + np.exp(theta[2]))


POINT = np.array([2.0, -3.0, 0.5])
SLOPES = [3 * 4.0 - 3.0, 2.0, math.exp(0.5)]


def test_complex_step_is_exact_to_rounding() -> None:
    np.testing.assert_allclose(complex_step(polynomial, POINT, range(3)), SLOPES, rtol=4e-16)


def test_central_differences_are_exact_to_their_truncation() -> None:
    np.testing.assert_allclose(central(polynomial, POINT, range(3)), SLOPES, rtol=1e-9)


def test_smaller_steps_spoil_central_differences_and_not_the_complex_step() -> None:
    errors = [abs(central(polynomial, POINT, [2], h)[0] - SLOPES[2]) for h in (CENTRAL_STEP, 1e-13)]
    assert errors[1] > 1000 * errors[0]
    assert complex_step(polynomial, POINT, [2], 1e-200)[0] == complex_step(polynomial, POINT, [2], COMPLEX_STEP)[0]


@pytest.mark.parametrize("method", [complex_step, central])
def test_slopes_come_for_the_places_asked_for_in_their_order(method: Method) -> None:
    np.testing.assert_allclose(method(polynomial, POINT, [2, 0]), [SLOPES[2], SLOPES[0]], rtol=1e-9)
    assert method(polynomial, POINT, []).shape == (0,)


@pytest.mark.parametrize("method", [complex_step, central])
def test_parameters_are_left_as_they_are(method: Method) -> None:
    case = subject()
    before = case.theta.copy()
    method(Probe(case.network, case.X, case.Y), case.theta, range(case.theta.size))
    np.testing.assert_array_equal(case.theta, before)


@pytest.mark.parametrize("method", [complex_step, central])
def test_parameters_in_float32_are_checked_in_double_precision(method: Method) -> None:
    case = subject()
    narrow = case.theta.astype(np.float32)
    narrow[0] = 300
    f = Probe(case.network, case.X, case.Y)
    places = range(narrow.size)
    np.testing.assert_array_equal(method(f, narrow, places), method(f, narrow.astype(np.float64), places))


@pytest.mark.parametrize("output", ["identity", "sigmoid", "tanh", "softmax"])
@pytest.mark.parametrize("bias", [-800.0, 800.0])
@both_methods
def test_saturated_units_agree_too(output: str, bias: float, disagreement: Disagreement) -> None:
    case = smooth_case(network((3, 4, 3), (Sigmoid(),), activation(output), HalfSquaredError()), m=5, seed=32)
    case.parameters.b[1][0] = bias
    assert disagreement(case, case.gradient) <= 1


def test_objective_takes_real_and_complex_parameters() -> None:
    case = subject()
    f = Probe(case.network, case.X, case.Y)
    assert f(case.theta.astype(np.complex128)) == pytest.approx(f(case.theta), rel=1e-14)
    assert f(case.theta).imag == 0


def test_analytic_gradient_has_the_parameters_precision() -> None:
    case = subject()
    for dtype in (np.float32, np.float64):
        gradient = Probe(case.network, case.X, case.Y).gradient(case.theta.astype(dtype))
        assert (gradient.shape, gradient.dtype) == (case.theta.shape, np.dtype(dtype))
