"""What a comparison says: right digits, the excuse of rounding and its limit, and what differences are worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bpcli.checking import comparison
from bpcli.checking.comparison import EXCUSED, GradientComparison, GroupCheck, Method
from bpcli.checking.subject import parameter_groups, subjects_of
from bpcli.data.sources import Examples, Rows
from bpcli.nn import Array
from bpcli.nn import gradient_check as gradcheck
from bpcli.nn.activations import Identity, Relu, Sigmoid, Tanh
from bpcli.nn.gradient_check import Probe, rounding
from bpcli.nn.heads import Composed, join
from bpcli.nn.losses import HalfSquaredError
from bpcli.nn.network import dense
from bpcli.nn.parameters import Parameters
from bpcli.training.engines import Engine

from .faults import FAULTS
from .faults.mechanism import Pass, Pieces
from .support import Subject, activation, loss, random_subject, subject


def saturated(hidden: str, times: float = 30.0) -> Subject:
    """The first layer's units near their limits."""
    given = subject(hidden=(hidden, hidden))
    given.parameters.W[1][...] *= times
    return given


def in_float32(given: Subject) -> list[GradientComparison]:
    """The comparisons in both precisions."""
    found = subjects_of(given.recipe, given.theta, given.examples, given.batches, Engine(), np.dtype(np.float32))
    return [GradientComparison(given.network, one.theta, one.gradient, one.probe, "complex-step") for one in found]


def checked(one: GradientComparison) -> list[GroupCheck]:
    return [one.check(group) for group in parameter_groups(one.network, None, seed=0)]


def judged(given: Subject, gradient: Array, method: Method = "complex-step") -> list[GroupCheck]:
    """Another gradient on the full batch."""
    return checked(replace(given.comparisons(method)[0], gradient=gradient))


SUBJECTS: dict[str, Callable[[], Subject]] = {
    "tanh": subject,
    "relu": lambda: subject(hidden=("relu", "leaky_relu")),
    "saturated sigmoid": lambda: saturated("sigmoid"),
    "saturated tanh": lambda: saturated("tanh"),
    "tanh, further": lambda: saturated("tanh", 300),
    "saturated softmax": lambda: saturated("softmax", 300),
    "binary cross-entropy": lambda: subject(of=loss("binary_cross_entropy")),
}
every_subject = pytest.mark.parametrize("name", SUBJECTS)


@every_subject
def test_a_right_gradient_is_never_wrong_and_has_its_digits(name: str) -> None:
    for one in in_float32(SUBJECTS[name]()):
        assert one.loss.verdict == "agrees"
        for check in checked(one):
            assert check.verdict != "wrong"
            assert (check.verdict == "agrees") == (check.skipped == 0)
            if check.verdict == "agrees" and "saturated" not in name and "further" not in name:
                assert check.digits is not None
                assert check.digits > (14 if check.dtype == "float64" else 5)


def test_right_digits_are_those_of_the_largest_error_against_the_largest_derivative() -> None:
    given = subject()
    one = given.comparisons()[0]
    gradient = one.derivative.copy()
    W = Parameters(given.network.layout, gradient).W[2]
    W[1, 2] += 1e-8 * np.abs(W).max()
    digits = {(check.layer, check.kind): check.digits for check in judged(given, gradient)}
    assert digits[2, "W"] == pytest.approx(8, abs=1e-6)
    assert digits[3, "W"] == pytest.approx(-np.log10(np.finfo(float).eps), abs=0.5)


@pytest.mark.parametrize(
    ("output", "name"), [(f, c) for f in ("sigmoid", "softmax", "softplus") for c in ("poisson", "gamma")]
)
def test_where_outputs_underflow_the_way_by_the_logarithm_agrees_and_the_composed_one_does_not(
    output: str, name: str
) -> None:
    """Logits of some −1,500 for float64, whose least number is e^−745, and of −45 where y/a has to be a float32."""
    given = subject(output=output, of=loss(name))
    given.parameters.W[3][...] *= 500 if name == "poisson" else 15
    assert {check.verdict for one in in_float32(given) for check in checked(one)} == {"agrees"}
    composed = Composed(activation(output), loss(name))
    with np.errstate(all="ignore"):
        found = in_float32(replace(given, network=replace(given.network, head=composed)))
        assert {check.verdict for one in found for check in checked(one)} >= {"wrong"}


@every_subject
def test_zeros_noise_and_shuffles_are_never_accepted(name: str) -> None:
    given, rng = SUBJECTS[name](), np.random.default_rng(0)
    right = given.comparisons()[0].derivative
    for gradient in (0 * right, rng.normal(0, 1, right.size), rng.permutation(right), 1e200 * right, -right):
        verdicts = [check.verdict for check in judged(given, gradient)]
        assert "agrees" not in verdicts[4:]
        assert "wrong" in verdicts


@every_subject
@pytest.mark.parametrize("wrong_by", [1.002, 0.5, -1.0])
def test_a_gradient_off_by_two_thousandths_is_never_accepted(name: str, wrong_by: float) -> None:
    given = SUBJECTS[name]()
    verdicts = [check.verdict for check in judged(given, wrong_by * given.comparisons()[0].derivative)]
    assert "agrees" not in verdicts


def test_rounding_is_an_excuse_of_a_small_part_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    given = subject()
    one = given.comparisons()[0]
    scale, share = one.scale(3), EXCUSED[np.dtype(np.float64)]
    monkeypatch.setattr(comparison, "error_bounds", lambda probe, theta, *rest: np.full(theta.size, 10 * scale))
    found = {}
    for part in (0.9 * share, 1.1 * share):
        gradient = one.derivative.copy()
        gradient[-1] += part * scale
        check = judged(given, gradient)[-1]
        found[part] = (check.verdict, check.rounded, check.skipped, check.checked)
    assert list(found.values()) == [("agrees", 1, 0, 3), ("not judgeable", 0, 1, 2)]


def test_without_rounding_the_same_errors_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    given = saturated("tanh")
    assert given.wrong() == set()
    monkeypatch.setattr(comparison, "error_bounds", lambda probe, theta, *rest: np.zeros(theta.size))
    assert given.wrong() != set()


@pytest.mark.parametrize("times", [1.0, 3.0, 30.0])
def test_a_missing_derivative_of_saturated_units_is_caught(times: float, monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS["tanh′ is missing"].patch(monkeypatch)
    assert ("full", 1, "W") in saturated("tanh", times).wrong()


def test_a_fault_shows_in_both_precisions(monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS["tanh′ is missing"].patch(monkeypatch)
    wrong = {
        (one.theta.dtype.name, one.probe.X.shape[1])
        for one in in_float32(subject())
        if checked(one)[0].verdict == "wrong"
    }
    assert wrong == {("float64", 7), ("float64", 4), ("float32", 7), ("float32", 4)}


def measured(given: Subject) -> tuple[Array, Array]:
    """A subject's gradient, and how far rounding may turn it."""
    probe = given.comparisons()[0].probe
    return probe.gradient(given.theta), rounding(probe, given.theta, np.random.default_rng(0))


def test_rounding_is_a_few_last_bits_where_nothing_cancels() -> None:
    gradient, turned = measured(subject())
    assert 0 < turned.max() < 1e-13 * np.abs(gradient).max()


def test_a_backward_with_two_answers_finds_no_excuse(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def grow(at: Pass) -> None:
        calls.append(0)
        at.gradient.theta[...] += len(calls)

    Pieces(ending=grow).put_into(monkeypatch)
    assert not measured(subject())[1].any()


# The loss.


def test_a_wrong_loss_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    given = subject()
    usual = Probe.__call__
    monkeypatch.setattr(Probe, "__call__", lambda probe, theta: usual(probe, theta) * 1.001)
    (one, _) = given.comparisons()
    assert one.loss.verdict == "wrong"
    assert one.loss.digits == pytest.approx(3, abs=0.01)


def test_an_infinite_loss_is_said_to_be_infinite_and_has_an_exact_value() -> None:
    network = dense((1, 1), (), join(Tanh(), HalfSquaredError()))
    probe, theta = Probe(network, np.array([[1.0]]), np.array([[1e200]])), np.array([0.5, 0.0])
    one = GradientComparison(network, theta, probe.gradient(theta), probe, "central")
    assert (one.loss.value, one.loss.exact, one.loss.verdict) == (np.inf, np.inf, "not judgeable")
    assert float(one.reference.loss.scaleb(-399)) == pytest.approx(5)
    assert [(check.verdict, check.differences.error) for check in checked(one)] == 2 * [("agrees", None)]


def test_a_gradient_beyond_the_range_of_its_precision_cannot_be_judged() -> None:
    network = dense((1, 1), (), join(Identity(), HalfSquaredError()))
    probe, theta = Probe(network, np.array([[1e30]]), np.array([[1.0]])), np.array([0.5, 0.0], np.float32)
    one = GradientComparison(network, theta, np.full(2, -np.inf, np.float32), probe, "complex-step")
    assert {check.verdict for check in checked(one)} == {"not judgeable"}


def test_a_derivative_that_underflows_is_not_wrong() -> None:
    network = dense((1, 1), (), join(Sigmoid(), HalfSquaredError()))
    probe, theta = Probe(network, np.array([[1.0]]), np.array([[0.0]])), np.array([1.0, -100.0], np.float32)
    one = GradientComparison(network, theta, probe.gradient(theta), probe, "complex-step")
    assert "wrong" not in {check.verdict for check in checked(one)}


# What differences are worth.


def test_the_complex_step_agrees_where_a_relu_is_at_0_behind_a_saturated_sigmoid() -> None:
    network = dense((1, 1, 1, 1), (Sigmoid(), Relu()), join(Tanh(), HalfSquaredError()))
    probe = Probe(network, np.array([[-20000.0]]), np.array([[0.5]]))
    theta = np.array([1.0, 0, 1, 0, 1, 0])
    for method in ("complex-step", "central"):
        one = GradientComparison(network, theta, probe.gradient(theta), probe, method)
        assert {check.verdict for check in checked(one)} == {"agrees"}


def test_central_differences_agree_where_the_weights_above_are_large() -> None:
    network = dense((1, 1, 1), (Tanh(),), join(Tanh(), HalfSquaredError()))
    probe = Probe(network, np.array([[0.7]]), np.array([[0.5]]))
    theta = np.array([1.3, 0.2, 100.0, -80.0])
    one = GradientComparison(network, theta, probe.gradient(theta), probe, "central")
    assert {check.verdict for check in checked(one)} == {"agrees"}


def test_a_difference_that_crosses_a_kink_is_left_out_and_the_parameter_is_judged() -> None:
    network = dense((1, 1, 1), (Relu(),), join(Tanh(), HalfSquaredError()))
    probe, theta = Probe(network, np.array([[1.0]]), np.array([[0.5]])), np.array([1e-7, 0.0, 1.0, 0.1])
    one = GradientComparison(network, theta, probe.gradient(theta), probe, "central")
    first = checked(one)[0]
    assert (first.verdict, first.checked, first.differences.error) == ("agrees", 1, None)
    assert first.differences.crossed == ((1, 0, 0),)


def unscaled() -> Subject:
    """A feature in the thousands."""
    given = subject()
    rows = np.random.default_rng(0).normal(0, 1, (7, 4)) * [1, 4000, 0.1, 1]
    given.parameters.W[1][:, 1] /= 4000
    return replace(given, examples=Examples(Rows(rows), given.examples.targets))


def test_the_step_of_a_weight_is_as_small_as_its_input_is_large() -> None:
    given = unscaled()
    probe = given.comparisons("central")[0].probe
    steps = Parameters(given.network.layout, probe.step_sizes(given.theta, 1e-5))
    largest = np.abs(probe.X).max(axis=1)
    np.testing.assert_allclose(steps.W[1], np.tile(1e-5 / np.maximum(1, largest), (5, 1)))
    for array in (*steps.b[1:], *steps.W[2:]):
        assert (array == 1e-5).all()


def test_central_differences_agree_on_features_in_the_thousands(monkeypatch: pytest.MonkeyPatch) -> None:
    def largest(given: Subject) -> float:
        return max(check.differences.error or 0 for check in checked(given.comparisons("central")[0]))

    assert largest(unscaled()) < 1e-7
    monkeypatch.setattr(gradcheck.Probe, "step_sizes", lambda probe, theta, h: np.full(theta.size, h))
    assert largest(unscaled()) > 1e-7


# Random networks.


def worst(count: int, seed: int) -> dict[str, float]:
    """Of random networks: the largest errors relative to the layer's largest derivative, and the wrong verdicts."""
    rng = np.random.default_rng(seed)
    found = {"float64": 0.0, "float32": 0.0, "complex-step": 0.0, "wrong": 0.0}
    for _ in range(count):
        for one in in_float32(random_subject(rng)):
            for check in checked(one):
                found["wrong"] += check.verdict == "wrong"
                if check.largest is not None and np.isfinite(check.largest):
                    found[check.dtype] = max(found[check.dtype], check.largest)
                error = check.differences.error
                if check.dtype == "float64" and error is not None and np.isfinite(error):
                    found["complex-step"] = max(found["complex-step"], error)
    return found


def mark_holds(found: dict[str, float]) -> None:
    print(found)  # noqa: T201 - figures to read
    assert found["wrong"] == 0
    assert found["float64"] <= 1e-13
    assert found["complex-step"] <= 1e-13
    assert found["float32"] <= 1e-2


def test_random_networks_agree() -> None:
    mark_holds(worst(5, seed=1))


@pytest.mark.slow
def test_a_thousand_random_networks_agree() -> None:
    mark_holds(worst(1000, seed=3))
