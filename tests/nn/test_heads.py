"""Heads: the short forms of the canonical pairs equal the long way round, and stay finite."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bpcli.nn import Array, heads
from bpcli.nn.activations import Identity, Sigmoid, Softmax, Tanh, first_values
from bpcli.nn.heads import Composed, Head, join
from bpcli.nn.losses import BinaryCrossEntropy, CrossEntropy, Gamma, HalfSquaredError
from bpcli.nn.pairs import PAIRS
from tests.each import each

from .support import PRECISIONS, activation, loss, output_scratch, pairs, targets

FUSED = [(type(f), type(c)) for f, c in PAIRS]
fused = pytest.mark.parametrize(("f", "c"), FUSED, ids=[f"{f.__name__}-{c.__name__}" for f, c in FUSED])
every_pair = each(("output", "name"), pairs())
every_precision = pytest.mark.parametrize("dtype", PRECISIONS)

STEP = 1e-30


def activate(head: Head, Z: Array) -> Array:
    A = np.empty_like(Z)
    with np.errstate(over="ignore"):
        head.activation.forward(Z, first_values(head.activation, Z.dtype), A, output_scratch(Z).layer)
    return A


def total(head: Head, Z: Array, Y: Array) -> complex:
    terms = np.empty(Z.shape[1], Z.dtype)
    head.terms(Z, activate(head, Z), Y, terms, output_scratch(Z))
    return complex(np.add.reduce(terms))


def backward(head: Head, Z: Array, Y: Array, scale: float = 1.0) -> Array:
    dZ, own = np.empty_like(Z), first_values(head.activation, Z.dtype)
    with np.errstate(over="ignore"):
        given = Z, activate(head, Z), own, Y, None, scale
        heads.backward(head, *given, np.empty_like(Z), dZ, np.empty_like(own), output_scratch(Z))
    return dZ


def measured(head: Head, Z: Array, Y: Array) -> Array:
    """∂total/∂Z by the complex step."""
    slopes = np.empty_like(Z)
    for place in np.ndindex(Z.shape):
        moved = Z.astype(np.complex128)
        moved[place] += 1j * STEP
        slopes[place] = total(head, moved, Y).imag / STEP
    return slopes


def extremes(head: Head, dtype: str) -> tuple[Array, Array]:
    """Logits of ±800, ±40 where no float could hold e^800 or 1/a, against every target."""
    far = 40 if head.activation.range == (0, np.inf) or isinstance(head.loss, Gamma) else 800
    form = head.loss.targets
    Z = np.array([[far, far, -far, -far], [-far, -far, far, far]], dtype)
    if form.class_indices:
        return Z, np.array([0, 1, 0, 1])
    off = 0.5 if form.bounds_excluded else form.off
    return Z, np.array([[form.on, off, form.on, off], [off, form.on, off, form.on]], dtype)


@fused
@pytest.mark.parametrize("shape", [(1, 6), (2, 1), (4, 1), (3, 7)])
def test_fused_head_equals_the_composed_one(f: type, c: type, shape: tuple[int, int]) -> None:
    if (f, c, shape[0]) == (Softmax, BinaryCrossEntropy, 1):
        return  # one unit of softmax is 1, and log(1 − 1) is no number
    rng = np.random.default_rng(0)
    own, composed = join(f(), c()), Composed(f(), c())
    Z, Y = rng.normal(0, 2, shape), targets(c(), *shape, rng)
    assert total(own, Z, Y).real == pytest.approx(total(composed, Z, Y).real, rel=1e-13, abs=1e-14)
    np.testing.assert_allclose(backward(own, Z, Y, 0.125), backward(composed, Z, Y, 0.125), rtol=1e-12, atol=1e-14)


@every_pair
def test_head_backward_is_the_derivative_of_its_total(output: str, name: str) -> None:
    rng = np.random.default_rng(1)
    head, Z = join(activation(output), loss(name)), rng.normal(0, 1.5, (3, 4))
    Y = targets(head.loss, 3, 4, rng)
    np.testing.assert_allclose(backward(head, Z, Y), measured(head, Z, Y), rtol=1e-12, atol=1e-14)


@fused
def test_derivative_holds_where_logits_tie_or_nearly_tie(f: type, c: type) -> None:
    rng = np.random.default_rng(2)
    Z = np.array([[0.1, 0.1, 0.0], [np.nextafter(0.1, 1), 0.1, 0.0], [-0.2, 0.1, 5e-324]])
    head, Y = join(f(), c()), targets(c(), 3, 3, rng)
    np.testing.assert_allclose(backward(head, Z, Y), measured(head, Z, Y), rtol=1e-12, atol=1e-14)


@every_pair
def test_real_total_is_the_real_part_of_the_complex_one(output: str, name: str) -> None:
    rng = np.random.default_rng(3)
    head, Z = join(activation(output), loss(name)), rng.normal(0, 1.5, (3, 4))
    Y = targets(head.loss, 3, 4, rng)
    assert total(head, Z, Y).real == pytest.approx(total(head, Z.astype(np.complex128), Y).real, rel=1e-14)


@every_pair
def test_float32_follows_float64(output: str, name: str) -> None:
    rng = np.random.default_rng(4)
    head, Z = join(activation(output), loss(name)), rng.normal(0, 1.5, (3, 4)).astype(np.float32)
    Y = targets(head.loss, 3, 4, rng)
    goals = Y if head.loss.targets.class_indices else Y.astype(np.float32)
    exact, wide = total(head, Z.astype(np.float64), Y).real, Z.astype(np.float64)
    assert total(head, Z, goals).real == pytest.approx(exact, rel=5e-6)
    np.testing.assert_allclose(backward(head, Z, goals), backward(head, wide, Y), rtol=1e-4, atol=1e-6)


@every_pair
def test_inputs_are_left_as_they_are(output: str, name: str) -> None:
    rng = np.random.default_rng(5)
    head, Z = join(activation(output), loss(name)), rng.normal(0, 1.5, (3, 4))
    A, Y, own = activate(head, Z), targets(head.loss, 3, 4, rng), first_values(head.activation, Z.dtype)
    weights = rng.uniform(0, 2, 4)
    before = [array.copy() for array in (Z, A, own, Y, weights)]
    head.terms(Z, A, Y, np.empty(4), output_scratch(Z))
    given = Z, A, own, Y, weights, 1.0
    heads.backward(head, *given, np.empty_like(Z), np.empty_like(Z), np.empty_like(own), output_scratch(Z))
    for array, copy in zip((Z, A, own, Y, weights), before, strict=True):
        np.testing.assert_array_equal(array, copy)


@every_pair
@every_precision
def test_logits_of_800_give_a_finite_loss_and_gradient(output: str, name: str, dtype: str) -> None:
    head = join(activation(output), loss(name))
    Z, Y = extremes(head, dtype)
    if output == "exponential":  # no precision has e^800
        Z = np.minimum(Z, 40)
    assert np.isfinite(total(head, Z, Y))
    assert np.isfinite(backward(head, Z, Y)).all()


@fused
def test_derivative_holds_at_logits_of_800(f: type, c: type) -> None:
    head = join(f(), c())
    Z, Y = extremes(head, "float64")
    np.testing.assert_allclose(backward(head, Z, Y), measured(head, Z, Y), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("true", "expected", "slopes"), [(0, 0, [0, 0]), (1, 1600, [1, -1])])
@every_precision
def test_softmax_cross_entropy_of_logits_1600_apart(true: int, expected: float, slopes: list[int], dtype: str) -> None:
    head, Z, Y = join(Softmax(), CrossEntropy()), np.array([[800], [-800]], dtype), np.array([true])
    assert total(head, Z, Y) == expected
    np.testing.assert_array_equal(backward(head, Z, Y)[:, 0], slopes)


@pytest.mark.parametrize(
    ("z", "y", "expected", "slope"), [(800, 1, 0, 0), (800, 0, 800, 1), (-800, 1, 800, -1), (-800, 0, 0, 0)]
)
@every_precision
def test_sigmoid_binary_cross_entropy_of_a_logit_of_800(
    z: int, y: int, expected: float, slope: int, dtype: str
) -> None:
    head, Z, Y = join(Sigmoid(), BinaryCrossEntropy()), np.array([[z]], dtype), np.array([[y]], dtype)
    assert total(head, Z, Y) == expected
    np.testing.assert_array_equal(backward(head, Z, Y), [[slope]])


@every_precision
def test_identity_half_squared_error_of_a_residual_of_1600(dtype: str) -> None:
    head, Z, Y = join(Identity(), HalfSquaredError()), np.array([[800]], dtype), np.array([[-800]], dtype)
    assert total(head, Z, Y) == 1_280_000
    np.testing.assert_array_equal(backward(head, Z, Y), [[1600]])


@pytest.mark.parametrize(("dtype", "precision"), [("float32", 1e-6), ("float64", 1e-14)])
@pytest.mark.parametrize(("z", "y"), [(3, 1), (12, 1), (-12, 0), (60, 1), (-60, 0)])
def test_binary_cross_entropy_keeps_its_digits_where_it_is_small(z: int, y: int, dtype: str, precision: float) -> None:
    head, expected = join(Sigmoid(), BinaryCrossEntropy()), math.log1p(math.exp(-abs(z)))
    assert total(head, np.array([[z]], dtype), np.array([[y]], dtype)).real == pytest.approx(expected, precision, 0)


def test_softmax_cross_entropy_of_equal_logits_is_the_log_of_the_classes() -> None:
    head, Z = join(Softmax(), CrossEntropy()), np.full((5, 2), 3.0)
    assert total(head, Z, np.array([0, 4])).real == pytest.approx(2 * math.log(5), rel=1e-15)


def test_softmax_cross_entropy_ignores_a_constant_added_to_every_logit() -> None:
    head, Z, Y = join(Softmax(), CrossEntropy()), np.random.default_rng(6).normal(size=(3, 4)), np.array([0, 1, 2, 1])
    assert total(head, Z + 4096, Y).real == pytest.approx(total(head, Z, Y).real, rel=1e-11)


def test_softmax_cross_entropy_gradient_adds_up_to_zero_down_each_column() -> None:
    head, Z = join(Softmax(), CrossEntropy()), np.random.default_rng(7).normal(size=(3, 4))
    np.testing.assert_allclose(backward(head, Z, np.array([0, 1, 2, 1])).sum(axis=0), 0, atol=1e-15)


def test_join_composes_what_has_no_head_of_its_own() -> None:
    for (f, c), head in PAIRS.items():
        assert type(join(f, c)) is head
    for f, c in ((Softmax(), HalfSquaredError()), (Tanh(), HalfSquaredError())):
        assert isinstance(join(f, c), Composed)


def test_join_keeps_the_settings_of_the_loss() -> None:
    head = join(Softmax(), CrossEntropy(outputs="mean", examples="sum"))
    assert (head.loss.outputs, head.loss.examples) == ("mean", "sum")
