"""Where terms cancel, a right backward has few right digits; the check distinguishes it from a fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bpcli.checking import comparison
from bpcli.checking.known_mistakes.diagnosis import Diagnosis
from bpcli.data.sources import Examples, Rows
from bpcli.nn import Array
from bpcli.nn import gradient_check as gradcheck
from bpcli.nn.gradient_check import Probe, rounding
from bpcli.nn.parameters import Parameters

from .faults import FAULTS
from .faults.mechanism import Pass, Pieces
from .support import Subject, loss, subject
from .test_known_mistakes import Homework

SATURATED = 30.0
"""Times the weights of a layer, so that the units of it are near their limits."""


def saturated(hidden: str, times: float = SATURATED) -> Subject:
    given = subject(hidden=(hidden, hidden))
    given.parameters.W[1][...] *= times
    return given


def composed() -> Subject:
    """1 − a cancels in the loss's derivative, and what is left of it in softmax's."""
    given = subject(of=loss("binary_cross_entropy"))
    given.parameters.W[3][...] *= 12
    return given


LOSSY: dict[str, Callable[[], Subject]] = {
    "sigmoid": lambda: saturated("sigmoid"),
    "tanh": lambda: saturated("tanh"),
    "tanh, deeper": lambda: saturated("tanh", 300),
    "softmax": lambda: saturated("softmax", 300),
    "softmax under binary cross-entropy": composed,
}
every_lossy = pytest.mark.parametrize("given", LOSSY.values(), ids=LOSSY)


def without_excuse(probe: Probe, theta: Array, rng: np.random.Generator) -> Array:
    return np.zeros_like(theta)


@every_lossy
def test_right_gradients_that_cancellation_spoils_agree(
    given: Callable[[], Subject], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert given().wrong("complex-step") == set()
    assert any(check.rounded for checks in given().check("complex-step") for check in checks)
    monkeypatch.setattr(comparison, "rounding", without_excuse)
    assert given().wrong("complex-step") != set()


def test_a_loss_that_cancellation_spoils_is_no_fault_of_backward(monkeypatch: pytest.MonkeyPatch) -> None:
    """log(1 − a) has few right digits, and so have its differences."""
    assert composed().wrong("central") == set()
    monkeypatch.setattr(comparison, "loss_rounding", lambda probe, theta, rng: 0.0)
    assert composed().wrong("central") != set()


def test_a_complex_step_that_is_further_off_than_backward_is_no_fault() -> None:
    """With two classes backward is exact, and 1 − a in the loss is not."""
    given = subject(sizes=(4, 5, 5, 2), of=loss("binary_cross_entropy"))
    given.parameters.W[3][...] *= 12
    assert given.wrong("complex-step") == set()


@pytest.mark.parametrize("wrong_by", [1.001, 2.0, -1.0])
@every_lossy
def test_a_fault_among_them_is_caught(
    given: Callable[[], Subject], wrong_by: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(at: Pass) -> None:
        at.gradient.W[3] *= wrong_by

    Pieces(ending=spoil).put_into(monkeypatch)
    assert given().wrong("complex-step") == {("full", 3, "W"), ("shorter", 3, "W")}


@pytest.mark.parametrize("times", [1.0, 3.0, SATURATED])
def test_a_missing_derivative_of_saturated_units_is_caught(times: float, monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS["tanh′ is missing"].patch(monkeypatch)
    assert ("full", 1, "W") in saturated("tanh", times).wrong("complex-step")


def measured(given: Subject) -> tuple[Array, Array]:
    """A subject's gradient, and how far rounding may turn it."""
    probe = given.comparisons("complex-step")[0].probe
    turned = rounding(probe, given.theta, np.random.default_rng(0))
    return Probe(given.network, probe.X, probe.Y).gradient(given.theta), turned


def test_rounding_is_a_few_last_bits_where_nothing_cancels() -> None:
    gradient, turned = measured(subject())
    assert turned.max() < 1e-13 * np.abs(gradient).max()


def test_without_extended_precision_double_stands_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "longdouble", np.float64)
    assert saturated("tanh").wrong("complex-step") == set()
    FAULTS["tanh′ is missing"].patch(monkeypatch)
    assert ("full", 1, "W") in saturated("tanh").wrong("complex-step")


def test_a_backward_with_two_answers_finds_no_excuse(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def grow(at: Pass) -> None:
        calls.append(0)
        at.gradient.theta[...] += len(calls)

    Pieces(ending=grow).put_into(monkeypatch)
    assert not measured(subject())[1].any()


def test_gradients_computed_in_another_way_are_judged_right() -> None:
    """tanh′ as 1/cosh², which does not cancel."""
    work = Homework(saturated("tanh"))
    ws, right = work.ws, dict(work.right)
    dZ = (work.given.parameters.W[2].T @ ws.dZ[2]) / np.cosh(ws.Z[1]) ** 2
    assert work.judged(right | {"dW1": dZ @ ws.A[0].T, "db1": dZ.sum(axis=1)}) == Diagnosis(0)


def test_a_gradient_off_by_a_thousandth_is_judged_wrong_where_units_are_saturated() -> None:
    work = Homework(saturated("tanh"))
    diagnosis = work.judged(work.right | {"dW1": 1.001 * work.right["dW1"]})
    assert (diagnosis.layer, diagnosis.wrong) == (1, ("dW1",))


# Steps of central differences.


def unscaled() -> Subject:
    """A feature in the thousands."""
    given = subject()
    rows = np.random.default_rng(0).normal(0, 1, (7, 4)) * [1, 4000, 0.1, 1]
    given.parameters.W[1][:, 1] /= 4000
    return replace(given, examples=Examples(Rows(rows), given.examples.targets))


def test_the_step_of_a_weight_is_as_small_as_its_input_is_large() -> None:
    given = unscaled()
    probe = given.comparisons("central")[0].probe
    steps = Parameters(given.network.sizes, probe.step_sizes(given.theta, 1e-5))
    largest = np.abs(probe.X).max(axis=1)
    np.testing.assert_allclose(steps.W[1], np.tile(1e-5 / np.maximum(1, largest), (5, 1)))
    for array in (*steps.b[1:], *steps.W[2:]):
        assert (array == 1e-5).all()


def test_central_differences_agree_on_features_in_the_thousands(monkeypatch: pytest.MonkeyPatch) -> None:
    given = unscaled()
    assert given.wrong("central") == set()
    monkeypatch.setattr(gradcheck.Probe, "step_sizes", lambda probe, theta, h: np.full(theta.size, h))
    assert ("full", 1, "W") in given.wrong("central")


def test_a_fault_shows_on_features_in_the_thousands(monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS["tanh′ is missing"].patch(monkeypatch)
    assert ("full", 1, "W") in unscaled().wrong("central")
