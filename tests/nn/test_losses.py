"""Losses: totals against their formulas, and backward against the derivative of the total."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.nn import Array
from bpcli.nn.activations import Identity
from bpcli.nn.heads import Composed, join
from bpcli.nn.losses import (
    LOSSES,
    TINY,
    BinaryCrossEntropy,
    CrossEntropy,
    HalfSquaredError,
    Loss,
    Reduction,
    pick,
    scale,
)

from .support import PRECISIONS, REDUCTIONS, activation, deterministic, fits, loss, output_scratch, targets

every_loss = pytest.mark.parametrize("name", LOSSES)
every_precision = pytest.mark.parametrize("dtype", PRECISIONS)

Term = Callable[[Array, Array, int, int], float]

Numbers = Callable[[float, float], float]


def of_numbers(term: Numbers) -> Term:
    """A term of a and y, for targets that are numbers."""
    return lambda A, Y, i, j: term(float(A[i, j]), float(Y[i, j]))


def focal(a: float, y: float) -> float:
    """Lin et al. (2017), (5), with γ = 2 and α = ¼, of a target between 0 and 1."""
    return -0.25 * y * (1 - a) ** 2 * math.log(a) - 0.75 * (1 - y) * a**2 * math.log(1 - a)


TERMS: dict[str, Term] = {
    "cross_entropy": lambda A, Y, i, j: -math.log(A[i, j]) if Y[j] == i else 0.0,
    "binary_cross_entropy": of_numbers(lambda a, y: -(y * math.log(a) + (1 - y) * math.log(1 - a))),
    "half_squared_error": of_numbers(lambda a, y: 0.5 * (a - y) ** 2),
    "absolute_error": of_numbers(lambda a, y: abs(a - y)),
    "huber": of_numbers(lambda a, y: 0.5 * (a - y) ** 2 if abs(a - y) <= 1 else abs(a - y) - 0.5),
    "log_cosh": of_numbers(lambda a, y: math.log(math.cosh(a - y))),
    "quantile": of_numbers(lambda a, y: 0.5 * abs(a - y)),
    "poisson": of_numbers(lambda a, y: a - y + y * math.log(y / a)),
    "gamma": of_numbers(lambda a, y: (y - a) / a - math.log(y / a)),
    "hinge": of_numbers(lambda a, y: max(0, 1 - y * a)),
    "squared_hinge": of_numbers(lambda a, y: max(0, 1 - y * a) ** 2),
    "focal": of_numbers(focal),
    "categorical_focal": lambda A, Y, i, j: -((1 - A[i, j]) ** 2) * math.log(A[i, j]) if Y[j] == i else 0.0,
    "kullback_leibler": of_numbers(lambda a, y: y * math.log(y / a)),
}
"""What output i of example j adds to each total."""


def batch(of: Loss, n: int, m: int, seed: int) -> tuple[Array, Array]:
    """Outputs inside the loss's domain, and targets."""
    rng = np.random.default_rng(seed)
    domains = {(0.0, 1.0): rng.uniform(0.05, 0.95, (n, m)), (0.0, np.inf): rng.gamma(3, 0.5, (n, m))}
    A = domains.get(of.domain, rng.normal(0, 1, (n, m)))
    return shares(of, A), shares(of, targets(of, n, m, rng))


def shares(of: Loss, array: Array) -> Array:
    """Outputs or targets, made to add up to 1 where the loss takes such."""
    return array / array.sum(axis=0) if of.targets.shares else array


def total(of: Loss, A: Array, Y: Array) -> complex:
    terms = np.empty(A.shape[1], A.dtype)
    of.terms(A, Y, terms, output_scratch(A))
    return complex(np.add.reduce(terms))


def backward(of: Loss, A: Array, Y: Array, by: float = 1.0) -> Array:
    dA = np.empty_like(A)
    of.backward(A, Y, by, dA, output_scratch(A))
    return dA


def perfect(of: Loss, n: int, m: int, dtype: str) -> tuple[Array, Array]:
    """Targets of the loss's codes for yes and no, met exactly; numbers above 0 where it takes no others."""
    wanted, form = np.arange(m) % n, of.targets
    off = 0.25 if form.bounds_excluded else form.off
    one_hot = np.where(np.arange(n)[:, None] == wanted, form.on, off).astype(dtype)
    return one_hot, wanted if form.class_indices else one_hot.copy()


@every_loss
def test_total_adds_up_the_terms_of_the_formula(name: str) -> None:
    A, Y = batch(loss(name), 4, 6, seed=0)
    expected = math.fsum(TERMS[name](A, Y, i, j) for i in range(4) for j in range(6))
    assert total(loss(name), A, Y).real == pytest.approx(expected, rel=1e-14)


@given(name=st.sampled_from(sorted(LOSSES)), n=st.integers(1, 5), m=st.integers(1, 6), seed=st.integers(0, 2**32 - 1))
@deterministic
def test_backward_is_the_derivative_of_the_total(name: str, n: int, m: int, seed: int) -> None:
    of, h = loss(name), 1e-30
    A, Y = batch(of, n, m, seed)
    measured = np.empty_like(A)
    for place in np.ndindex(A.shape):
        moved = A.astype(np.complex128)
        moved[place] += 1j * h
        measured[place] = total(of, moved, Y).imag / h
    np.testing.assert_allclose(backward(of, A, Y), measured, rtol=1e-13, atol=1e-15)


@every_loss
def test_scale_multiplies_backward(name: str) -> None:
    A, Y = batch(loss(name), 3, 5, seed=1)
    np.testing.assert_allclose(backward(loss(name), A, Y, 1 / 15), backward(loss(name), A, Y) / 15, rtol=4e-16)


@every_loss
def test_total_of_a_batch_is_the_sum_over_its_examples(name: str) -> None:
    A, Y = batch(loss(name), 3, 7, seed=2)
    alone = math.fsum(total(loss(name), A[:, [j]], Y[..., [j]]).real for j in range(7))
    assert total(loss(name), A, Y).real == pytest.approx(alone, rel=1e-14)


@every_loss
def test_real_total_is_the_real_part_of_the_complex_one(name: str) -> None:
    A, Y = batch(loss(name), 3, 5, seed=3)
    assert total(loss(name), A, Y).real == pytest.approx(total(loss(name), A.astype(np.complex128), Y).real, rel=1e-14)


@every_loss
def test_float32_follows_float64(name: str) -> None:
    A, Y = batch(loss(name), 3, 5, seed=4)
    rounded = A.astype(np.float32)
    goals = Y if loss(name).targets.class_indices else Y.astype(np.float32)
    assert total(loss(name), rounded, goals).real == pytest.approx(total(loss(name), A, Y).real, rel=2e-6)
    np.testing.assert_allclose(backward(loss(name), rounded, goals), backward(loss(name), A, Y), rtol=1e-5, atol=1e-6)
    assert backward(loss(name), rounded, goals).dtype == np.float32


@every_loss
def test_inputs_are_left_as_they_are(name: str) -> None:
    A, Y = batch(loss(name), 3, 5, seed=5)
    outputs, goals = A.copy(), Y.copy()
    total(loss(name), A, Y)
    backward(loss(name), A, Y)
    np.testing.assert_array_equal(A, outputs)
    np.testing.assert_array_equal(Y, goals)


@every_loss
@every_precision
def test_perfect_outputs_cost_nothing(name: str, dtype: str) -> None:
    A, Y = perfect(loss(name), 3, 5, dtype)
    assert total(loss(name), A, Y) == 0


@every_loss
@every_precision
def test_certain_and_wrong_outputs_cost_a_finite_price(name: str, dtype: str) -> None:
    A, Y = perfect(loss(name), 3, 5, dtype)
    wrong = np.ascontiguousarray(A[[1, 2, 0]])
    assert 0 < total(loss(name), wrong, Y).real < np.inf
    assert np.isfinite(backward(loss(name), wrong, Y)).all()


@every_loss
def test_total_is_never_negative(name: str) -> None:
    for seed in range(20):
        assert total(loss(name), *batch(loss(name), 3, 4, seed)).real >= 0


@every_loss
def test_the_usual_output_fits_and_forms_a_pair_where_the_composed_one_would_lose_digits(name: str) -> None:
    output = activation(loss(name).usual_output)
    assert fits(output, loss(name))
    assert isinstance(join(output, loss(name)), Composed) == (output == Identity() and name != "half_squared_error")


@every_loss
@pytest.mark.parametrize("outputs", REDUCTIONS)
@pytest.mark.parametrize("examples", REDUCTIONS)
def test_scale_divides_by_outputs_and_examples_where_they_are_averaged(
    name: str, outputs: Reduction, examples: Reduction
) -> None:
    divisor = {"sum": 1, "mean": 4}[outputs] * {"sum": 1, "mean": 10}[examples]
    assert scale(loss(name, outputs, examples), 4, 10) == 1 / divisor


def test_default_reductions_are_each_documents_own() -> None:
    defaults = {of: (of().outputs, of().examples) for of in (CrossEntropy, BinaryCrossEntropy, HalfSquaredError)}
    assert defaults == {
        CrossEntropy: ("sum", "mean"),
        BinaryCrossEntropy: ("sum", "mean"),
        HalfSquaredError: ("mean", "mean"),
    }


@every_loss
def test_losses_of_numbers_are_averaged_over_outputs_and_those_of_classes_are_summed(name: str) -> None:
    made: Loss = LOSSES[name]()
    assert made.examples == "mean"
    assert made.outputs == ("sum" if made.targets.task == "classification" else "mean")


@every_precision
def test_cross_entropy_logs_the_smallest_normal_number_in_place_of_zero(dtype: str) -> None:
    A, Y = np.array([[0.0], [1.0]], dtype), np.array([0])
    assert total(CrossEntropy(), A, Y).real == pytest.approx(-math.log(TINY[np.dtype(dtype)]), rel=1e-6)


def test_cross_entropy_of_seven_and_eight_tenths() -> None:
    A, Y = np.array([[0.7, 0.2], [0.3, 0.8]]), np.array([0, 1])
    assert total(CrossEntropy(), A, Y).real == pytest.approx(-math.log(0.7 * 0.8), rel=1e-15)
    np.testing.assert_allclose(backward(CrossEntropy(), A, Y), [[-1 / 0.7, 0], [0, -1 / 0.8]], rtol=1e-15)


def test_binary_cross_entropy_of_a_quarter() -> None:
    A, Y = np.array([[0.25, 0.25]]), np.array([[1.0, 0.0]])
    assert total(BinaryCrossEntropy(), A, Y).real == pytest.approx(math.log(4) + math.log(4 / 3), rel=1e-15)
    np.testing.assert_allclose(backward(BinaryCrossEntropy(), A, Y), [[-4, 4 / 3]], rtol=1e-15)


def test_binary_cross_entropy_is_level_where_the_output_is_the_soft_target() -> None:
    Y = np.array([[0.1, 0.5, 0.75]])
    np.testing.assert_allclose(backward(BinaryCrossEntropy(), Y.copy(), Y), 0, atol=1e-15)


def test_half_squared_error_of_three_and_minus_four() -> None:
    A, Y = np.array([[5.0], [1.0]]), np.array([[2.0], [5.0]])
    assert total(HalfSquaredError(), A, Y) == 12.5
    np.testing.assert_array_equal(backward(HalfSquaredError(), A, Y, 0.5), [[1.5], [-2]])


def test_pick_takes_the_named_entry_of_each_column() -> None:
    A, out = np.arange(12.0).reshape(3, 4), np.empty(4)
    scratch = output_scratch(A)
    pick(A, np.array([2, 0, 1, 2]), out, scratch)
    np.testing.assert_array_equal(out, [8, 1, 6, 11])
    np.testing.assert_array_equal(A.reshape(-1)[scratch.index], out)
