"""Label smoothing: PyTorch's and Keras' form, exact in every pair, the same as soft targets."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.activations import Sigmoid, Softmax
from bpcli.nn.heads import Composed, join
from bpcli.nn.losses import BinaryCrossEntropy, CrossEntropy
from bpcli.nn.pairs import (
    SigmoidBinaryCrossEntropy,
    SigmoidCrossEntropy,
    SoftmaxBinaryCrossEntropy,
    SoftmaxCrossEntropy,
)

from .support import output_scratch
from .test_heads import activate, backward, measured, total

PAIRS: dict[str, tuple[Any, type[Any]]] = {
    "softmax, cross-entropy": (Softmax(), SoftmaxCrossEntropy),
    "sigmoid, cross-entropy": (Sigmoid(), SigmoidCrossEntropy),
    "sigmoid, binary cross-entropy": (Sigmoid(), SigmoidBinaryCrossEntropy),
    "softmax, binary cross-entropy": (Softmax(), SoftmaxBinaryCrossEntropy),
}

every_pair = pytest.mark.parametrize("name", PAIRS)


def smoothed(name: str, smoothing: float | None) -> Any:
    output, _ = PAIRS[name]
    made = BinaryCrossEntropy if "binary" in name else CrossEntropy
    return join(output, made(label_smoothing=smoothing))


def targets(name: str, m: int) -> Array:
    rng = np.random.default_rng(0)
    return rng.integers(0, 2, (3, m)).astype(float) if "binary" in name else rng.integers(0, 3, m)


@every_pair
def test_smoothed_pairs_keep_their_heads_and_agree_with_the_composed_way(name: str) -> None:
    head = smoothed(name, 0.1)
    assert type(head) is PAIRS[name][1]
    Z, Y = np.random.default_rng(1).normal(0, 2, (3, 7)), targets(name, 7)
    composed = Composed(head.activation, head.loss)
    assert total(head, Z, Y).real == pytest.approx(total(composed, Z, Y).real, rel=1e-13)
    np.testing.assert_allclose(backward(head, Z, Y, 0.5), backward(composed, Z, Y, 0.5), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(backward(head, Z, Y), measured(head, Z, Y), rtol=1e-12, atol=1e-14)


@every_pair
def test_smoothing_by_nothing_is_no_smoothing(name: str) -> None:
    Z, Y = np.random.default_rng(2).normal(0, 2, (3, 7)), targets(name, 7)
    with_zero, without = smoothed(name, 0.0), smoothed(name, None)
    assert total(with_zero, Z, Y).real == pytest.approx(total(without, Z, Y).real, rel=1e-14)
    np.testing.assert_allclose(backward(with_zero, Z, Y), backward(without, Z, Y), rtol=1e-13, atol=1e-15)


def test_the_canonical_gradient_is_a_less_the_smoothed_targets() -> None:
    Z, Y = np.random.default_rng(3).normal(0, 2, (4, 5)), np.array([0, 3, 1, 1, 2])
    head = join(Softmax(), CrossEntropy(label_smoothing=0.2))
    spread = 0.8 * np.eye(4)[:, Y] + 0.2 / 4
    np.testing.assert_allclose(backward(head, Z, Y), activate(head, Z) - spread, rtol=1e-14, atol=1e-16)
    binary = join(Sigmoid(), BinaryCrossEntropy(label_smoothing=0.2))
    labels = np.array([[1.0, 0.0, 0.5, 1.0, 0.0]] * 4)
    np.testing.assert_allclose(
        backward(binary, Z, labels), activate(binary, Z) - (0.8 * labels + 0.1), rtol=1e-14, atol=1e-16
    )


def test_smoothed_binary_cross_entropy_is_that_of_soft_targets() -> None:
    Z, Y = np.random.default_rng(4).normal(0, 2, (3, 6)), targets("binary", 6)
    soft = join(Softmax(), BinaryCrossEntropy())
    assert total(smoothed("softmax, binary cross-entropy", 0.3), Z, Y) == total(soft, Z, Y * 0.7 + 0.15)


def test_two_classes_by_hand() -> None:
    A, Y, terms = np.array([[0.75], [0.25]]), np.array([0]), np.empty(1)
    CrossEntropy(label_smoothing=0.5).terms(A, Y, terms, output_scratch(A))
    assert terms[0] == pytest.approx(-0.75 * np.log(0.75) - 0.25 * np.log(0.25), rel=1e-15)


@every_pair
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_smoothed_losses_have_their_digits_where_outputs_saturate(name: str, dtype: str) -> None:
    Z = np.array([[100, -100, 800, 0], [0, 3, -800, 0], [-90, 5, 20, 0]], dtype)
    Y = np.array([0, 1, 2, 0]) if "binary" not in name else np.array([[1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 1, 1]], dtype)
    head = smoothed(name, 0.125)
    found = np.empty(4, dtype)
    head.terms(Z, activate(head, Z), Y, found, output_scratch(Z))
    with mpmath.workdps(950):
        for j in range(4):
            z = [mpmath.mpf(float(one)) for one in Z[:, j]]
            powers = [mpmath.exp(one) for one in z]
            a = [power / (mpmath.fsum(powers) if "softmax" in name else 1 + power) for power in powers]
            y = np.eye(3)[Y[j]] if Y.ndim == 1 else Y[:, j]
            soft = [
                mpmath.mpf(float(one)) * 7 / 8 + (mpmath.mpf(1) / 24 if Y.ndim == 1 else mpmath.mpf(1) / 16)
                for one in y
            ]
            right = -mpmath.fsum(one * mpmath.log(out) for one, out in zip(soft, a, strict=True))
            if Y.ndim == 2:
                right -= mpmath.fsum((1 - one) * mpmath.log(1 - out) for one, out in zip(soft, a, strict=True))
            assert abs(mpmath.mpf(float(found[j])) - right) <= 8 * float(np.finfo(dtype).eps) * abs(right)
