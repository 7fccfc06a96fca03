"""Gradients of anybody's loss: what is right passes, what is wrong is named, what cannot be judged is neither."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from bpcli.checking.user_gradient import check_user_gradient
from bpcli.checking.user_slopes import Method
from bpcli.checking.user_verdicts import CheckedGradient
from bpcli.errors import ConfigError
from bpcli.nn import Array

RNG = np.random.default_rng(5)
X, Y = RNG.normal(0, 1, (6, 3)), RNG.integers(0, 2, 6)

Arrays = Mapping[str, Array]


@dataclass(frozen=True)
class Case:
    """A loss with its gradient, at a point."""

    loss: Callable[[Any], Any]
    gradient: Callable[[Any], Any]
    point: Any
    method: Method


def logistic(p: Arrays) -> Any:
    Z = X @ p["W"].T + p["b"]
    return (np.log(1 + np.exp(Z)) - Y[:, None] * Z).sum() / len(X)


def logistic_gradient(p: Arrays) -> Arrays:
    dZ = (1 / (1 + np.exp(-(X @ p["W"].T + p["b"]))) - Y[:, None]) / len(X)
    return {"W": dZ.T @ X, "b": dZ.sum(axis=0)}


POINT = {"W": RNG.normal(0, 1, (2, 3)), "b": RNG.normal(0, 1, 2)}

CASES = {
    "complex": Case(logistic, logistic_gradient, POINT, "complex-step"),
    "real alone": Case(
        lambda p: float(logistic({name: array.real.astype(float) for name, array in p.items()})),
        logistic_gradient,
        POINT,
        "central",
    ),
    "misled by abs": Case(
        lambda p: logistic(p) + 0.01 * np.abs(p["W"]).sum(),
        lambda p: {**logistic_gradient(p), "W": logistic_gradient(p)["W"] + 0.01 * np.sign(p["W"])},
        POINT,
        "central",
    ),
    "conjugated": Case(lambda t: np.vdot(t, t), lambda t: 2 * t, RNG.normal(0, 1, 4), "central"),
    "one array": Case(lambda t: (t**3).sum(), lambda t: 3 * t**2, RNG.normal(0, 2, (2, 3, 2)), "complex-step"),
    "a number": Case(lambda t: np.exp(2 * t), lambda t: 2 * np.exp(2 * t), np.array(0.3), "complex-step"),
    "large and small": Case(
        lambda p: (p["large"] ** 2).sum() * 1e-9 + (1e3 * p["small"] ** 2).sum(),
        lambda p: {"large": 2e-9 * p["large"], "small": 2e3 * p["small"]},
        {"large": np.array([3e4, -2e4]), "small": np.array([1e-3, 2e-3, -5e-3])},
        "complex-step",
    ),
    "single precision within": Case(
        lambda t: np.sin(t.astype(np.complex64 if t.dtype.kind == "c" else np.float32)).sum(),
        np.cos,
        RNG.normal(0, 1, 5),
        "central",
    ),
    "float32 within": Case(
        lambda t: np.sin(np.asarray(t.real, np.float32)).sum(), np.cos, RNG.normal(0, 1, 5), "central"
    ),
}

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def changed(gradient: Any, change: Callable[[Array], Array]) -> Any:
    """The gradient with every array changed."""
    if isinstance(gradient, Mapping):
        return {name: change(array) for name, array in gradient.items()}
    return change(np.asarray(gradient))


@every_case
def test_a_right_gradient_passes_by_the_method_that_suits_the_loss(case: Case) -> None:
    found = check_user_gradient(case.loss, case.point, case.gradient(case.point))
    assert (found.message, found.method, found.not_judged) == ("", case.method, 0)
    arrays = case.point.values() if isinstance(case.point, Mapping) else [case.point]
    assert found.judged == sum(np.size(array) for array in arrays)


@every_case
@pytest.mark.parametrize("method", [None, "central"])
def test_nothing_wrong_passes(case: Case, method: Method | None) -> None:
    right, rng = case.gradient(case.point), np.random.default_rng(0)
    wrong = {
        "zeros": changed(right, lambda array: 0 * array),
        "noise": changed(right, lambda array: rng.normal(0, np.abs(array).max(), array.shape)),
        "one entry by 1 %": changed(right, lambda array: np.where(array == array.max(), 1.01 * array, array)),
        "the sign": changed(right, lambda array: -array),
        "twice": changed(right, lambda array: 2 * array),
    }
    if np.size(next(iter(right.values())) if isinstance(right, Mapping) else right) > 1:
        wrong["shuffle"] = changed(right, lambda array: np.roll(array.ravel(), 1).reshape(array.shape))
    for what, gradient in wrong.items():
        found = check_user_gradient(case.loss, case.point, gradient, method=method)
        assert not found.passed, what
        assert found.message, what


def test_a_penalty_that_the_complex_step_does_not_see_is_missed_in_the_gradient() -> None:
    case = CASES["misled by abs"]
    found = check_user_gradient(case.loss, case.point, logistic_gradient(case.point))
    assert {one.name for one in found.wrong} == {"W"}
    assert len(found.wrong) == POINT["W"].size


def test_the_message_names_array_row_column_and_both_numbers() -> None:
    point = {"W": np.array([[1.0, 2.0], [3.0, 4.0]]), "b": np.array([0.5, 1.5])}
    gradient = {"W": np.array([[2.0, 4.0], [6.5, 8.0]]), "b": np.array([1.0, 9.0])}
    found = check_user_gradient(lambda p: (p["W"] ** 2).sum() + (p["b"] ** 2).sum(), point, gradient)
    assert found.message.splitlines() == [
        "the gradient is wrong at 2 of 6 entries, by complex-step",
        "W, row 1, column 0: given 6.5, measured 6",
        "b, row 1: given 9, measured 3",
    ]
    alone = check_user_gradient(lambda t: (t**2).sum(), np.ones((1, 1, 2)), np.array([[[2.0, 3.0]]]))
    assert alone.message.splitlines()[1] == "index (0, 0, 1): given 3, measured 2"
    number = check_user_gradient(lambda t: t**2, 3.0, 5.0)
    assert number.message.splitlines()[1] == "the derivative: given 5, measured 6"


def test_many_wrong_entries_are_cut_short() -> None:
    message = check_user_gradient(lambda t: (t**2).sum(), np.ones(30), np.zeros(30)).message
    assert message.splitlines()[0] == "the gradient is wrong at 30 of 30 entries, by complex-step"
    assert len(message.splitlines()) == 12


def relu_loss(t: Array) -> Any:
    return (np.where(t.real > 0, t, 0) * np.array([1.0, 2.0, 3.0])).sum() + (t**2).sum()


@pytest.mark.parametrize("method", [None, "central"])
def test_at_a_kink_either_derivative_is_let_be_and_no_other(method: Method | None) -> None:
    point = np.array([0.7, 0.0, -0.3])

    def check(at_kink: float) -> CheckedGradient:
        return check_user_gradient(relu_loss, point, np.array([2.4, at_kink, -0.6]), method=method)

    for derivative in (0.0, 2.0, 1.0):
        found = check(derivative)
        assert (found.passed, found.judged, found.not_judged) == (True, 2, 1)
    for derivative in (-0.5, 2.5):
        assert [one.index for one in check(derivative).wrong] == [(1,)]
        said = f"row 1: given {derivative}; at this kink of the loss every value from 0 to 2 is right"
        assert check(derivative).message.splitlines()[1] == said


@pytest.mark.parametrize("distance", [1e-3, 1e-5, 1e-6, 1e-8])
def test_between_kinks_of_opposite_signs_the_right_gradient_is_not_called_wrong(distance: float) -> None:
    def loss(t: Array) -> float:
        return float((np.maximum(t + distance, 0) - 3 * np.maximum(t - distance, 0)).sum() + 5 * t[1])

    point = np.array([0.0, 0.7])
    assert check_user_gradient(loss, point, np.array([1.0, 3.0])).passed
    for wrong in (-2.5, 1.5):
        assert not check_user_gradient(loss, point, np.array([wrong, 3.0])).passed


def test_what_cannot_be_judged_is_said_and_does_not_pass() -> None:
    found = check_user_gradient(lambda t: float(np.sin(1e13 * t.real).sum()), np.array([0.3, 0.4]), np.zeros(2))
    assert (found.passed, found.judged, found.not_judged, found.wrong) == (False, 0, 2, [])
    assert found.message.splitlines() == [
        "no entry of the gradient can be judged here: the loss is too inexact",
        "hint: compute the loss in float64, or take other parameters",
    ]


def test_where_the_loss_is_not_finite_the_other_entries_are_judged_all_the_same() -> None:
    def loss(t: Array) -> Any:
        return np.inf if t[0].real > 1 + 1e-10 else t[0] + (t[1:] ** 2).sum()

    found = check_user_gradient(loss, np.array([1.0, 2.0, 3.0]), np.array([7.0, 4.0, 6.0]))
    assert (found.passed, found.judged, found.not_judged) == (True, 2, 1)
    assert not check_user_gradient(loss, np.array([1.0, 2.0, 3.0]), np.array([7.0, 4.1, 6.0])).passed


def test_a_loss_of_too_few_digits_neither_fails_the_right_gradient_nor_passes_zeros() -> None:
    def loss(t: Array) -> Any:
        return np.float32(np.float32(1e7) + np.float32(t.real.sum()))

    point = np.array([0.5, 0.25])
    for gradient in (np.ones(2), np.zeros(2)):
        found = check_user_gradient(loss, point, gradient)
        assert (found.wrong, found.judged, found.passed) == ([], 0, False)


def test_an_array_on_which_the_loss_does_not_depend_has_the_gradient_zero() -> None:
    point = {"used": np.ones(2), "unused": np.ones(3)}

    def loss(p: Arrays) -> Any:
        return float((p["used"].real ** 2).sum())

    assert check_user_gradient(loss, point, {"used": np.full(2, 2.0), "unused": np.zeros(3)}).passed
    assert not check_user_gradient(loss, point, {"used": np.full(2, 2.0), "unused": np.full(3, 1e-3)}).passed


def test_at_an_optimum_rounding_is_not_judged() -> None:
    targets = RNG.normal(0, 1, 6)
    point = np.linalg.lstsq(X, targets, rcond=None)[0]

    def loss(t: Array) -> Any:
        return ((X @ t - targets) ** 2).sum()

    found = check_user_gradient(loss, point, 2 * X.T @ (X @ point - targets))
    assert (found.wrong, found.judged) == ([], 0)
    assert check_user_gradient(loss, point, np.array([0.0, 1e-6, 0.0])).wrong == []
    away = point + 1e-3
    assert check_user_gradient(loss, away, 2 * X.T @ (X @ away - targets)).passed


def test_saturated_units_have_few_digits_and_are_not_called_wrong() -> None:
    weights = np.array([17.0, -16.0, 18.0, 17.5])

    def loss(t: Array) -> Any:
        return ((np.tanh(t) - 0.5) ** 2).sum()

    A = np.tanh(weights)
    assert check_user_gradient(loss, weights, 2 * (A - 0.5) * (1 - A * A)).wrong == []
    assert not check_user_gradient(loss, weights, np.zeros(4)).passed


def test_a_float32_gradient_is_judged_by_its_precision() -> None:
    right = logistic_gradient(POINT)
    assert check_user_gradient(logistic, POINT, changed(right, lambda array: array.astype(np.float32))).passed
    scaled = changed(right, lambda array: (1.001 * array).astype(np.float32))
    assert not check_user_gradient(logistic, POINT, scaled).passed


@pytest.mark.parametrize("form", [list, tuple, lambda arrays: dict(enumerate(arrays))], ids=["list", "tuple", "keys"])
def test_parameters_reach_the_loss_in_their_own_form(form: Callable[[Any], Any]) -> None:
    point = form([np.array([[1.0, 2.0]]), np.array(3.0)])
    kinds = set()

    def loss(p: Any) -> Any:
        kinds.add(type(p))
        return (p[0] ** 2).sum() * p[1]

    right = form([6 * np.array([[1.0, 2.0]]), np.array(5.0)])
    assert check_user_gradient(loss, point, right).passed
    assert kinds == {type(point)}
    found = check_user_gradient(loss, point, form([6 * np.array([[1.0, 2.0]]), np.array(5.5)]))
    assert found.message.splitlines()[1] == "1: given 5.5, measured 5"
    for wrong in (form([np.zeros((1, 2)), np.array(0.0)]), form([np.array([[12.0, 6.0]]), np.array(5.0)])):
        assert not check_user_gradient(loss, point, wrong).passed


def test_a_list_of_numbers_is_an_array() -> None:
    for point in ([1.0, 2.0], [np.float64(1), np.float64(2)], [[1.0], [2.0]]):
        assert check_user_gradient(lambda t: (t**2).sum(), point, 2 * np.array(point)).passed


def test_what_a_loss_of_another_library_takes_is_refused() -> None:
    class Tensor:
        __module__ = "torch"

    with pytest.raises(ConfigError, match="the parameters are of torch, whose loss takes no arrays of NumPy"):
        check_user_gradient(np.sum, [Tensor()], [np.ones(1)])


def test_a_loss_may_change_its_arguments() -> None:
    def loss(t: Array) -> Any:
        t *= 3
        return (t**2).sum()

    point = np.array([1.0, -2.0])
    assert check_user_gradient(loss, point, 18 * point).passed
    assert point.tolist() == [1.0, -2.0]


def test_a_sample_is_drawn_by_its_seed() -> None:
    point = RNG.normal(0, 1, 50)
    wrong = 2 * point
    wrong[7] += 1
    found = [check_user_gradient(lambda t: (t**2).sum(), point, wrong, parameters=5, seed=k) for k in range(40)]
    assert {one.judged for one in found} == {5}
    assert 0 < sum(not one.passed for one in found) < 40
    again = [check_user_gradient(lambda t: (t**2).sum(), point, wrong, parameters=5, seed=k) for k in range(40)]
    assert found == again


def test_options_that_there_are_not_are_refused() -> None:
    with pytest.raises(ConfigError, match="there is no method 'complex'") as caught:
        check_user_gradient(np.sum, np.ones(2), np.ones(2), method="complex")  # type: ignore[arg-type]
    assert caught.value.hint == "did you mean 'complex-step'? (choose from complex-step, central)"
    for options in ({"parameters": 0}, {"parameters": 2.5}, {"parameters": "a"}, {"seed": -1}, {"seed": None}):
        with pytest.raises(ConfigError, match=r"^(parameters|seed) is "):
            check_user_gradient(np.sum, np.ones(2), np.ones(2), **options)


@pytest.mark.parametrize(
    ("loss", "point", "gradient", "method", "message"),
    [
        (np.sum, np.ones(2), np.ones(3), None, r"the gradient has shape \(3,\), the parameters \(2,\)"),
        (np.sum, {"a": np.ones(2)}, {"a": np.ones(3)}, None, r"the gradient of a has shape \(3,\), the parameters"),
        (np.sum, {"a": np.ones(2)}, {}, None, "no entries in the gradient"),
        (np.sum, {"a": np.ones(2)}, {"b": np.ones(2)}, None, "no array 'a' in the gradient"),
        (np.sum, {"b": np.ones(2)}, {"a": 1.0, "b": np.ones(2)}, None, "no array 'a' in the parameters"),
        (
            np.sum,
            {"a": 1.0, "b": 2.0},
            np.ones(2),
            None,
            "the gradient is an array, the parameters are a mapping of a, b",
        ),
        (np.sum, np.ones(2), np.array([1.0, np.nan]), None, r"nan in the gradient at \[1\]"),
        (np.sum, np.ones(1), np.sum, None, "a function for the gradient, not an array"),
        (np.sum, np.ones(1), None, None, "a NoneType for the gradient, not real numbers"),
        (np.sum, [np.ones(1), np.ones(2)], [[1.0], [1.0, 1.0]], None, "a list for the gradient that makes no array"),
        (None, np.ones(1), np.ones(1), None, "the loss is NoneType, not a function"),
        (np.sum, np.array(["a"]), np.ones(1), None, "str32 for the parameters, not real numbers"),
        (np.sum, {"a": np.ones(1)}, {"a": [None]}, None, "a list for the gradient 'a', not real numbers"),
        (np.sum, np.ones(0), np.ones(0), None, "no entries in the parameters"),
        (lambda t: t, np.ones(2), np.ones(2), None, r"the loss returns float64 in shape \(2,\), not a number"),
        (lambda t: "x", np.ones(2), np.ones(2), None, "the loss returns 'x', not a number"),
        (lambda t: None, np.ones(2), np.ones(2), None, "the loss returns None, not a number"),
        (lambda t: np.nan, np.ones(2), np.ones(2), None, "the loss is nan at these parameters"),
        (lambda t: RNG.normal(), np.ones(2), np.ones(2), None, "the loss has two values at the same parameters"),
        (lambda t: abs(t.sum()), np.ones(2), np.ones(2), "complex-step", "complex numbers: it returns a real number"),
        (lambda t: math.sin(t[0]), np.ones(1), np.ones(1), "complex-step", "complex numbers: it raises ComplexWarning"),
        (lambda t: t[0] + abs(t[0]), np.ones(1), 2 * np.ones(1), "complex-step", "not analytic: at row 0 the complex"),
    ],
)
def test_what_cannot_be_checked_is_refused(
    loss: Callable[[Any], Any], point: Any, gradient: Any, method: Method | None, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        check_user_gradient(loss, point, gradient, method=method)
    assert caught.value.hint


SHARES = np.array([0.5, 0.3, 1e-9])
ROOTS = np.array([0.0, 0.3, 0.7])
ROOT_SLOPES = np.array([7.0, *(0.5 / np.sqrt(ROOTS[1:]))])

EDGES: dict[str, tuple[Callable[[Array], Any], Array, Array, int]] = {
    "a logarithm near 0": (lambda p: np.log(p).sum(), SHARES, 1 / SHARES, 3),
    "a real logarithm near 0": (lambda p: float(np.log(p.real).sum()), SHARES, 1 / SHARES, 3),
    "an even logarithm near 0": (lambda p: float(np.log(np.abs(p)).sum()), SHARES, 1 / SHARES, 3),
    "a root at 0": (lambda p: np.sqrt(p).sum(), ROOTS, ROOT_SLOPES, 2),
    "a real root at 0": (
        lambda p: float(np.sqrt(p.real).sum()),
        ROOTS,
        ROOT_SLOPES,
        2,
    ),
    "nearly an overflow": (lambda p: np.exp(p).sum(), np.array([709.7, 1.0]), np.exp([709.7, 1.0]), 2),
    "a huge loss": (lambda w: 1e300 * (w**2).sum(), np.array([1.0, -2.0]), 2e300 * np.array([1.0, -2.0]), 2),
}


@pytest.mark.parametrize("name", EDGES)
def test_at_the_edge_of_a_domain_what_can_be_judged_is_judged(name: str) -> None:
    loss, point, right, judged = EDGES[name]
    found = check_user_gradient(loss, point, right)
    assert (found.message, found.judged) == ("", judged)
    largest = np.abs(np.where(point, right, 0))
    for wrong in (0 * right, -right, np.where(largest == largest.max(), 0.99 * right, right), np.roll(right, 1)):
        assert not check_user_gradient(loss, point, wrong).passed


def test_parameters_of_any_size_are_judged_without_a_warning() -> None:
    point = np.array([1.0, 1e-9, 1e-100, 1e-300, 5e-324, 0.0, -1e-12])
    factors = np.arange(1.0, 8.0)
    for loss in (lambda t: (factors * t).sum(), lambda t: float((factors * t.real).sum())):
        found = check_user_gradient(loss, point, factors)
        assert (found.message, found.judged) == ("", 7)
        assert len(check_user_gradient(loss, point, factors[::-1]).wrong) == 6


def test_a_complex_step_where_there_is_no_derivative_spoils_no_other_entry() -> None:
    loss, point, right, _ = EDGES["a root at 0"]
    assert check_user_gradient(loss, point, right, method="complex-step").passed
    assert not check_user_gradient(loss, point, np.zeros(3), method="complex-step").passed
