"""The certified gradient has every digit, saturated or not, and nothing that training computes takes part in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pytest

from bpcli.checking.decimals import rounded
from bpcli.checking.reference import at_kinks, certify
from bpcli.data.sources import Examples, Rows
from bpcli.nn import Array
from bpcli.nn.activations import Relu, Sigmoid, Tanh
from bpcli.nn.gradient_check import Probe
from bpcli.nn.heads import join
from bpcli.nn.losses import HalfSquaredError
from bpcli.nn.network import dense
from bpcli.nn.parameters import Parameters
from tests.nn.plain import backpropagated

from .faults import FAULTS
from .support import Subject, loss, random_subject, subject

DIGITS = 22
"""That both computations of the reference agree on."""


def far(given: Subject, layer: int, times: float) -> Subject:
    """With the weights of a layer multiplied: saturated units, or logits far apart."""
    given.parameters.W[layer][...] *= times
    return given


def in_plain_loops(probe: Probe, theta: Array, digits: int = 60) -> None:
    """Compare the reference with the plain loops."""
    reference = certify(probe, theta)
    right, named = backpropagated(probe, theta, digits)
    assert reference.certain.all()
    with mpmath.workdps(digits):
        assert abs(mpmath.mpf(str(reference.loss)) - right) <= abs(right) * mpmath.mpf(10) ** -DIGITS
        gradient = Parameters(probe.network.layout, reference.gradient)
        for name, rows in named.items():
            found = gradient.named()[name[1:]].reshape(len(rows), -1)
            largest = max(abs(entry) for row in rows for entry in row)
            for row, own in zip(rows, found, strict=True):
                for entry, one in zip(row, own, strict=True):
                    assert abs(mpmath.mpf(str(one)) - entry) <= largest * mpmath.mpf(10) ** -DIGITS


def probes(given: Subject) -> Iterator[Probe]:
    for comparison in given.comparisons():
        yield comparison.probe


SATURATED: dict[str, tuple[Callable[[], Subject], int]] = {
    "sigmoid": (lambda: far(subject(hidden=("sigmoid", "sigmoid")), 1, 200), 60),
    "tanh": (lambda: far(subject(hidden=("tanh", "tanh")), 1, 60), 400),
    "softmax": (lambda: far(subject(hidden=("softmax", "tanh")), 1, 300), 900),
    "softmax, cross-entropy": (lambda: far(subject(), 3, 300), 900),
    "softmax, binary cross-entropy": (lambda: far(subject(of=loss("binary_cross_entropy")), 3, 300), 900),
    "sigmoid, binary cross-entropy": (
        lambda: far(subject(output="sigmoid", of=loss("binary_cross_entropy")), 3, 300),
        900,
    ),
    "sigmoid, cross-entropy": (lambda: far(subject(output="sigmoid"), 3, 300), 900),
    "sigmoid, focal": (lambda: far(subject(output="sigmoid", of=loss("focal")), 3, 300), 900),
    "softmax, categorical focal": (lambda: far(subject(of=loss("categorical_focal")), 3, 300), 900),
    "softmax, Kullback–Leibler": (lambda: far(subject(of=loss("kullback_leibler")), 3, 300), 900),
    "softmax, poisson": (lambda: far(subject(of=loss("poisson")), 3, 300), 900),
    "softmax, gamma": (lambda: far(subject(of=loss("gamma")), 3, 300), 900),
    "softplus, gamma": (lambda: far(subject(output="softplus", of=loss("gamma")), 3, 300), 900),
    "exponential, poisson": (lambda: far(subject(output="exponential", of=loss("poisson")), 3, 20), 200),
    "exponential, gamma": (lambda: far(subject(output="exponential", of=loss("gamma")), 3, 20), 200),
}


def test_random_networks_have_the_gradient_of_plain_loops() -> None:
    rng = np.random.default_rng(11)
    for _ in range(6):
        given = random_subject(rng)
        if given.theta.size <= 1500:
            in_plain_loops(next(probes(given)), given.theta)


@pytest.mark.parametrize("name", SATURATED)
def test_saturated_networks_have_the_gradient_of_plain_loops(name: str) -> None:
    made, digits = SATURATED[name]
    given = made()
    in_plain_loops(next(probes(given)), given.theta, digits)


def within_digits(given: Subject, digits: int) -> bool:
    """Whether plain loops with so many digits tell 1 − σ(z) from 0, and 40 of its digits, for every z."""
    probe = next(probes(given))
    probe(given.theta)
    largest = max(np.abs(Z).max() for Z in probe.workspace(given.theta.dtype).Z[1:])
    return bool(largest < (digits - 40) * np.log(10))


@pytest.mark.slow
def test_two_hundred_random_networks_have_the_gradient_of_plain_loops() -> None:
    rng, drawn, compared, digits = np.random.default_rng(12), 0, 0, 300
    while compared < 200:
        given = far(random_subject(rng), 1, float(rng.choice([1, 1, 5, 30])))
        drawn += 1
        if not within_digits(given, digits):
            continue
        compared += 1
        for probe in probes(given):
            in_plain_loops(probe, given.theta, digits)
    assert drawn <= 210


def test_no_fault_of_the_engine_changes_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    given = subject(of=loss("half_squared_error"), output="sigmoid", hidden=("relu", "tanh"))
    probe = next(probes(given))
    right = certify(probe, given.theta).gradient
    for words, fault in FAULTS.items():
        with monkeypatch.context() as patched:
            fault.patch(patched)
            assert (certify(probe, given.theta).gradient == right).all(), words


def test_a_gradient_of_zero_is_certified_as_zero() -> None:
    """Residuals of ±½ add up to 0, and what decimals leave of the sum is their last digit."""
    network = dense((1, 2, 1), (Tanh(),), join(Sigmoid(), HalfSquaredError()))
    theta = np.array([0.3, -0.3, 0.1, 0.1, 0.0, 0.0, 0.0])
    probe = Probe(network, np.array([[1.0, 2.0]]), np.array([[0.0, 1.0]]))
    reference = certify(probe, theta)
    assert reference.certain.all()
    assert reference.gradient[-1] == 0


def test_parameters_that_are_not_finite_certify_nothing() -> None:
    given = subject()
    given.theta[0] = np.nan
    assert not certify(next(probes(given)), given.theta).certain.any()


def relu_behind_a_saturated_sigmoid() -> tuple[Probe, Array]:
    """z₂ = σ(−20000): 0 in floats, e^-20000 > 0 in truth."""
    network = dense((1, 1, 1, 1), (Sigmoid(), Relu()), join(Tanh(), HalfSquaredError()))
    return Probe(network, np.array([[-20000.0]]), np.array([[0.5]])), np.array([1.0, 0, 1, 0, 1, 0])


def test_a_unit_at_a_kink_by_rounding_alone_is_on_the_side_of_forward() -> None:
    probe, theta = relu_behind_a_saturated_sigmoid()
    gradient = rounded(certify(probe, theta).gradient)
    assert gradient[:4].tolist() == [0, 0, 0, 0]
    assert gradient.tolist() == probe.gradient(theta).tolist()


def test_a_unit_that_is_far_from_the_kink_stays_on_its_own_side(monkeypatch: pytest.MonkeyPatch) -> None:
    given = subject(hidden=("relu", "relu"))
    probe = next(probes(given))
    right = certify(probe, given.theta).gradient
    usual = probe.network.forward

    def shifted(self: Any, parameters: Parameters, ws: Any) -> None:
        usual(parameters, ws)
        ws.Z[1] -= 0.25

    monkeypatch.setattr(type(probe.network), "forward", shifted)
    assert (certify(probe, given.theta).gradient == right).all()


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_at_a_kink_any_share_of_the_right_derivative_can_be_taken(share: float) -> None:
    network = dense((1, 1, 1), (Relu(),), join(Tanh(), HalfSquaredError()))
    probe, theta = Probe(network, np.array([[2.0, 0.0]]), np.array([[0.5, 1.0]])), np.array([0.0, 0.0, 3.0, 0.25])
    assert [units.tolist() for units in at_kinks(probe, theta)] == [[[True, True]], [[False, False]]]
    error = (1 - np.tanh(0.25) ** 2) * (np.tanh(0.25) - np.array([0.5, 1.0])) / 2
    expected = [share * 3 * error[0] * 2, share * 3 * error.sum(), 0, error.sum()]
    np.testing.assert_allclose(rounded(certify(probe, theta, [share, 0.0]).gradient), expected, rtol=1e-14)


def test_float32_is_certified_at_its_own_numbers() -> None:
    given = subject()
    rows = np.random.default_rng(1).normal(size=(7, 4)).astype(np.float32)
    narrow = replace(given, theta=given.theta.astype(np.float32), examples=Examples(Rows(rows), given.examples.targets))
    ws = narrow.network.workspace(7, np.float32)
    narrow.examples.gather(np.arange(7), ws.X, ws.Y)
    probe = Probe(narrow.network, ws.X, ws.Y)
    reference = certify(probe, narrow.theta)
    in_plain_loops(probe, narrow.theta)
    assert 0 < np.abs(reference.error(probe.gradient(narrow.theta))).max() < 1e-6
