"""Activations: each backward is the adjoint of its forward's derivative, inside the declared range."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcli.nn import Array
from bpcli.nn.activations import (
    ACTIVATIONS,
    Activation,
    ExponentialOutput,
    Identity,
    LeakyRelu,
    Relu,
    Sigmoid,
    Softmax,
    Tanh,
    first_values,
)
from bpcli.nn.initializers import INITIALIZERS
from bpcli.nn.workspace import Scratch, layer_scratch

from .plain import unit
from .support import PRECISIONS, activation, activations, deterministic

every_activation = pytest.mark.parametrize("f", activations().values(), ids=activations())
every_precision = pytest.mark.parametrize("dtype", PRECISIONS)
kinked = pytest.mark.parametrize("name", [name for name in ACTIVATIONS if activation(name).kinks])

STEP = 1e-30


def scratch(Z: Array) -> Scratch:
    return layer_scratch(Z.shape[0], Z.shape[1], Z.dtype)


def forward(f: Activation, Z: Array) -> Array:
    A = np.empty_like(Z)
    with np.errstate(over="ignore"):
        f.forward(Z, first_values(f, Z.dtype), A, scratch(Z))
    return A


def backward(f: Activation, dA: Array, Z: Array) -> Array:
    dZ = np.empty_like(Z)
    own = first_values(f, Z.dtype)
    f.backward(dA, Z, forward(f, Z), own, dZ, np.empty_like(own), scratch(Z))
    return dZ


def derivative(f: Activation, Z: Array, V: Array) -> Array:
    """J V, column by column, by the complex step."""
    return np.asarray(forward(f, Z + 1j * STEP * V).imag / STEP)


def off_kinks(f: Activation, Z: Array) -> Array:
    """Z pushed away from every kink of f."""
    for kink in f.kinks:
        Z = np.where(np.abs(Z - kink) < 0.01, kink + np.copysign(0.02, Z - kink), Z)
    return Z


def grid(dtype: str = "float64") -> Array:
    """Three units from far below to far above 0."""
    return np.array([np.linspace(-9, 9, 37), np.linspace(12, -7, 37), np.linspace(-1, 1, 37)], dtype)


@given(
    name=st.sampled_from(sorted(activations())),
    n=st.integers(1, 6),
    m=st.integers(1, 5),
    spread=st.sampled_from([0.1, 1.0, 10.0]),
    seed=st.integers(0, 2**32 - 1),
)
@deterministic
def test_backward_is_the_adjoint_of_the_derivative(name: str, n: int, m: int, spread: float, seed: int) -> None:
    f, rng = activations()[name], np.random.default_rng(seed)
    Z, V, U = off_kinks(f, spread * rng.normal(size=(n, m))), rng.normal(size=(n, m)), rng.normal(size=(n, m))
    pushed, pulled = np.sum(derivative(f, Z, V) * U), np.sum(V * backward(f, U, Z))
    assert pushed == pytest.approx(pulled, rel=1e-12, abs=1e-13)


@every_activation
def test_backward_is_the_transposed_jacobian(f: Activation) -> None:
    rng = np.random.default_rng(3)
    z, u = off_kinks(f, rng.normal(size=(4, 1))), rng.normal(size=(4, 1))
    J = np.hstack([derivative(f, z, np.eye(4)[:, [i]]) for i in range(4)])
    np.testing.assert_allclose(backward(f, u, z), J.T @ u, rtol=1e-13, atol=1e-15)


@every_activation
def test_real_forward_is_the_real_part_of_the_complex_one(f: Activation) -> None:
    Z = np.hstack([grid(), np.full((3, 1), 800.0), np.full((3, 1), -800.0)]).clip(None, farthest(f))
    np.testing.assert_allclose(forward(f, Z), forward(f, Z.astype(np.complex128)).real, rtol=4e-15, atol=1e-300)


@every_activation
def test_complex_step_holds_where_units_saturate(f: Activation) -> None:
    Z = np.array([[800.0, -800.0], [-800.0, 800.0], [-790.0, 20.0]]).clip(None, farthest(f))
    V = np.ones_like(Z)
    V[0] = 3.0
    pushed = derivative(f, Z, V)
    assert np.isfinite(pushed).all()
    assert np.sum(pushed) == pytest.approx(np.sum(V * backward(f, np.ones_like(Z), Z)), rel=1e-12, abs=1e-12)


def farthest(f: Activation) -> float:
    """The largest pre-activation to try: e^z of more than 88 is beyond any float32."""
    return 10.0 if isinstance(f, ExponentialOutput) else np.inf


@every_activation
def test_float32_follows_float64(f: Activation) -> None:
    U = np.random.default_rng(0).normal(size=grid().shape)
    rounded, Z = grid("float32"), grid("float32").astype(np.float64)
    np.testing.assert_allclose(forward(f, rounded), forward(f, Z), rtol=4e-6)
    np.testing.assert_allclose(backward(f, U.astype(np.float32), rounded), backward(f, U, Z), rtol=1e-5, atol=1e-6)
    assert forward(f, rounded).dtype == backward(f, U.astype(np.float32), rounded).dtype == np.float32


@every_activation
def test_columns_do_not_touch_each_other(f: Activation) -> None:
    Z, U = grid(), np.random.default_rng(1).normal(size=grid().shape)
    columns = [(Z[:, [j]], U[:, [j]]) for j in range(Z.shape[1])]
    np.testing.assert_allclose(forward(f, Z), np.hstack([forward(f, z) for z, _ in columns]), rtol=1e-14)
    np.testing.assert_allclose(backward(f, U, Z), np.hstack([backward(f, u, z) for z, u in columns]), rtol=1e-13)


@every_activation
def test_inputs_are_left_as_they_are(f: Activation) -> None:
    Z, dA = grid(), np.random.default_rng(2).normal(size=grid().shape)
    A, dZ, own = forward(f, Z), np.empty_like(Z), first_values(f, Z.dtype)
    before = [array.copy() for array in (Z, A, dA, own)]
    f.forward(Z, own, np.empty_like(Z), scratch(Z))
    f.backward(dA, Z, A, own, dZ, np.empty_like(own), scratch(Z))
    for array, copy in zip((Z, A, dA, own), before, strict=True):
        np.testing.assert_array_equal(array, copy)


@every_activation
@every_precision
def test_values_lie_in_the_declared_range(f: Activation, dtype: str) -> None:
    low, high = f.range
    for stretch in (1, 1e2, 1e5):
        A = forward(f, (grid(dtype) * np.dtype(dtype).type(stretch)).clip(None, farthest(f)))
        assert np.isfinite(A).all()
        assert low <= A.min()
        assert A.max() <= high


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_declared_range_is_the_smallest(name: str) -> None:
    near = np.linspace(-3, 0, 30_003).reshape(3, -1)
    A = forward(activation(name), np.hstack([grid() * 1e10, near]).clip(None, farthest(activation(name))))
    low, high = activation(name).range
    assert A.min() <= max(low + 1e-9, -1e4)
    assert A.max() >= min(high - 1e-9, 1e4)


@every_activation
@every_precision
def test_backward_is_finite_where_units_saturate(f: Activation, dtype: str) -> None:
    Z = np.array([[800, -800, 800], [-800, -800, 800], [0, 1, 800]], dtype).clip(None, farthest(f))
    assert np.isfinite(backward(f, np.ones_like(Z), Z)).all()


@kinked
@pytest.mark.parametrize("zero", [0.0, -0.0])
@every_precision
def test_the_derivative_at_a_kink_is_the_left_one(name: str, zero: float, dtype: str) -> None:
    f, h = activation(name), 1e-3
    for kink in f.kinks:
        Z = np.array([[kink + zero]], dtype)
        left: Array = (forward(f, Z) - forward(f, Z - np.dtype(dtype).type(h))) / h
        np.testing.assert_allclose(backward(f, np.ones_like(Z), Z), left, rtol=2e-3, atol=2e-3)


@kinked
@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_the_complex_step_takes_the_left_derivative_at_a_kink_too(name: str, direction: float) -> None:
    f = activation(name)
    for kink in f.kinks:
        Z, V = np.array([[kink]]), np.array([[direction]])
        np.testing.assert_array_equal(derivative(f, Z, V), V * backward(f, np.ones_like(Z), Z))


@kinked
def test_left_and_right_derivatives_differ_at_a_declared_kink(name: str) -> None:
    f, h = activation(name), 1e-3
    for kink in f.kinks:
        left, here, right = forward(f, np.array([[kink - h, kink, kink + h]]))[0]
        assert abs((right - here) - (here - left)) > 0.1 * h


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_usual_initializer_is_he_for_relu_and_its_kin_and_lecun_for_selu(name: str) -> None:
    kin = ["relu", "leaky_relu", "prelu", "relu6", "elu", "gelu", "silu", "mish", "softplus", "hard_swish"]
    usual = "he" if name in kin else "lecun" if name == "selu" else "glorot"
    assert activation(name).usual_initializer == usual
    assert usual in INITIALIZERS


@every_activation
@every_precision
def test_values_and_derivatives_have_their_digits_up_to_a_thousand(f: Activation, dtype: str) -> None:
    """Against mpmath: errors in last bits of the value, and of f(z)/z, whose size cancels where f′ crosses 0.

    σ′ and tanh′, by a, and gelu by tanh, whose exponent is rounded, lose digits where they are small.
    """
    if not f.elementwise:
        return
    kind, z = np.finfo(dtype), spread_out(dtype)
    own = first_values(f, z.dtype)
    with np.errstate(over="ignore"):
        values, slopes = forward(f, z)[0], backward(f, np.ones_like(z), z)[0]
    for x, value, slope in zip(z[0], values, slopes, strict=True):
        with mpmath.workdps(60):
            right, right_slope = unit(f, mpmath.mpf(float(x)), own.tolist())
        gate = abs(right / float(x)) if x else 1
        by_exponent = 1 + abs(mpmath.log(gate)) if "tanh" in vars(f).values() and gate else 1
        size = 1 if isinstance(f, Sigmoid | Tanh) else abs(right_slope) + gate
        if abs(right) <= float(kind.max):
            assert off(value, right) <= 4 * kind.eps * abs(right) * by_exponent + kind.tiny, x
            assert off(slope, right_slope) <= 4 * kind.eps * size * by_exponent + kind.tiny, x


def off(found: Any, right: Any) -> Any:
    """The error of a float."""
    return abs(mpmath.mpf(float(found)) - right)


def spread_out(dtype: str) -> Array:
    """A row of numbers up to ±1000: dense near 0 and where exponentials leave the range of a precision."""
    near, far = np.linspace(-12, 12, 97), np.linspace(-1000, 1000, 41)
    edges = [*np.linspace(-746, -700, 8), *np.linspace(-105, -86, 8), *np.linspace(-39, -7.9, 12)]
    return np.unique([*near, *far, *edges, 1e-8, -1e-8, 1e-3, -1e-3]).astype(dtype)[np.newaxis]


def test_no_formula_overflows_on_the_way() -> None:
    for name, f in activations().items():
        Z = spread_out("float32")
        out, own = np.empty_like(Z), first_values(f, Z.dtype)
        with np.errstate(over="ignore" if name in ("sigmoid", "exponential") else "raise", invalid="raise"):
            f.forward(Z, own, out, scratch(Z))
            f.backward(np.ones_like(Z), Z, out.copy(), own, out, np.empty_like(own), scratch(Z))
        assert name == "exponential" or np.isfinite(out).all()


def test_relu_and_its_derivative_at_zero_are_zero() -> None:
    Z = np.array([[-2.0, -0.0, 0.0, 3.0]])
    np.testing.assert_array_equal(forward(Relu(), Z), [[0, 0, 0, 3]])
    np.testing.assert_array_equal(backward(Relu(), np.full_like(Z, 5), Z), [[0, 0, 0, 5]])


def test_leaky_relu_leaks_a_hundredth_by_default() -> None:
    assert LeakyRelu() == LeakyRelu(slope=0.01)


def test_leaky_relu_has_its_slope_below_and_at_zero() -> None:
    Z = np.array([[-2.0, -0.0, 0.0, 3.0]])
    np.testing.assert_array_equal(forward(LeakyRelu(0.25), Z), [[-0.5, 0, 0, 3]])
    np.testing.assert_array_equal(backward(LeakyRelu(0.25), np.full_like(Z, 4), Z), [[1, 1, 1, 4]])


@pytest.mark.parametrize(("slope", "same"), [(0.0, Relu()), (1.0, Identity())])
def test_leaky_relu_meets_relu_and_identity_at_its_ends(slope: float, same: Activation) -> None:
    Z, dA = grid(), np.random.default_rng(4).normal(size=grid().shape)
    np.testing.assert_array_equal(forward(LeakyRelu(slope), Z), forward(same, Z))
    np.testing.assert_array_equal(backward(LeakyRelu(slope), dA, Z), backward(same, dA, Z))


def test_sigmoid_of_minus_z_is_one_minus_sigmoid_of_z() -> None:
    np.testing.assert_allclose(forward(Sigmoid(), -grid()), 1 - forward(Sigmoid(), grid()), rtol=0, atol=2e-16)


def test_sigmoid_keeps_its_digits_where_it_is_small() -> None:
    Z = np.array([[-0.5, -5.0, -30.0, -300.0, -700.0]])
    expected = [math.exp(z) / (1 + math.exp(z)) for z in Z[0]]
    np.testing.assert_allclose(forward(Sigmoid(), Z)[0], expected, rtol=4e-16)


def test_sigmoid_is_steepest_at_zero_where_its_slope_is_a_quarter() -> None:
    Z = np.linspace(-4, 4, 9)[None, :]
    slopes = backward(Sigmoid(), np.ones_like(Z), Z)[0]
    assert slopes.argmax() == 4
    assert slopes[4] == 0.25


def test_tanh_is_a_stretched_sigmoid() -> None:
    np.testing.assert_allclose(forward(Tanh(), grid()), 2 * forward(Sigmoid(), 2 * grid()) - 1, rtol=0, atol=4e-16)


def test_softmax_matches_a_plain_loop() -> None:
    Z = np.array([[1.0, -2.0], [0.0, 4.0], [3.0, 4.0]])
    expected = [[math.exp(Z[i, j]) / sum(math.exp(z) for z in Z[:, j]) for j in range(2)] for i in range(3)]
    np.testing.assert_allclose(forward(Softmax(), Z), expected, rtol=1e-15)


@every_precision
def test_softmax_columns_add_up_to_one(dtype: str) -> None:
    sums = forward(Softmax(), grid(dtype) * 100).sum(axis=0)
    np.testing.assert_allclose(sums, 1, rtol=4 * float(np.finfo(dtype).eps))


def test_softmax_ignores_a_constant_added_to_a_column() -> None:
    np.testing.assert_allclose(forward(Softmax(), grid() + 512), forward(Softmax(), grid()), rtol=1e-12)


def test_softmax_backward_adds_up_to_zero_down_each_column() -> None:
    dA = np.random.default_rng(5).normal(size=grid().shape)
    np.testing.assert_allclose(backward(Softmax(), dA, grid()).sum(axis=0), 0, atol=1e-15)


def test_softmax_of_one_unit_is_one_and_has_no_slope() -> None:
    Z = np.array([[-800.0, 0.0, 3.0]])
    np.testing.assert_array_equal(forward(Softmax(), Z), [[1, 1, 1]])
    np.testing.assert_array_equal(backward(Softmax(), np.full_like(Z, 7), Z), [[0, 0, 0]])
