"""Every pair of output and loss from logits of −1,000 to 1,000, against plain loops in a thousand digits."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.heads import join

from .support import PRECISIONS, activation, loss, output_scratch, pairs

DIGITS = 950
"""1 − a of logits 2,000 apart needs 869 digits before its first."""

LOGITS = [0, 1e-3, -1, 5, 15, -17, 36, -40, 88, -104, 400, -745, 1000, -1000]
STABLE = {("sigmoid", "cross_entropy"), ("softmax", "binary_cross_entropy")}
"""Pairs whose every derivative has its digits, however small it is."""


def logits(dtype: str) -> Array:
    rng = np.random.default_rng(0)
    apart = [(z, *rest) for z in LOGITS for rest in ((0, 0), (5, -3))]
    mixed = rng.choice(LOGITS, (14, 3)) + rng.normal(0, 0.3, (14, 3))
    return np.array([*apart, *mixed], dtype).T.copy()


def targets(name: str, m: int, dtype: str, *, soft: bool) -> Array:
    rng = np.random.default_rng(1)
    if name == "cross_entropy":
        return np.arange(m) % 3
    if name == "binary_cross_entropy":
        return rng.random((3, m)).astype(dtype) if soft else np.eye(3, dtype=dtype)[:, np.arange(m) % 3]
    return rng.choice([0, 1, 0.25, -2], (3, m)).astype(dtype)


def activated(output: str, z: list[Any]) -> tuple[list[Any], list[list[Any]]]:
    """A and J of one example."""
    units = range(len(z))
    if output == "softmax":
        powers = [mpmath.exp(one - max(z)) for one in z]
        a = [power / mpmath.fsum(powers) for power in powers]
        return a, [[a[i] * ((i == k) - a[k]) for k in units] for i in units]
    f, slope = FUNCTIONS[output]
    return [f(one) for one in z], [[slope(z[i]) if i == k else mpmath.mpf(0) for k in units] for i in units]


FUNCTIONS: dict[str, tuple[Any, Any]] = {
    "identity": (lambda x: x, lambda x: 1),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), lambda x: mpmath.exp(-x) / (1 + mpmath.exp(-x)) ** 2),
    "tanh": (mpmath.tanh, lambda x: mpmath.sech(x) ** 2),
    "relu": (lambda x: max(x, mpmath.mpf(0)), lambda x: int(x > 0)),
    "leaky_relu": (
        lambda x: x if x > 0 else mpmath.mpf(0.01) * x,
        lambda x: mpmath.mpf(1) if x > 0 else mpmath.mpf(0.01),
    ),
}
"""f and f′."""


def term(name: str, a: Any, y: Any) -> tuple[Any, Any]:
    """One output's term of the loss and its derivative by a."""
    if name == "half_squared_error":
        return (a - y) ** 2 / 2, a - y
    yes = (-y * mpmath.log(a), -y / a) if y else (0, 0)
    no = (-(1 - y) * mpmath.log(1 - a), (1 - y) / (1 - a)) if y != 1 and name == "binary_cross_entropy" else (0, 0)
    return yes[0] + no[0], yes[1] + no[1]


def plain(output: str, name: str, z: Array, y: Array) -> tuple[Any, list[Any], Any]:
    """An example's loss, its dZ, and the largest dA J in size."""
    numbers = [mpmath.mpf(float(one)) for one in z]
    goals = [mpmath.mpf(float(one)) for one in (np.eye(3)[y] if name == "cross_entropy" else y)]
    a, J = activated(output, numbers)
    terms = [term(name, one, goal) for one, goal in zip(a, goals, strict=True)]
    dZ = [mpmath.fsum(dA * J[i][k] for i, (_, dA) in enumerate(terms)) for k in range(3)]
    return mpmath.fsum(one for one, _ in terms), dZ, max(abs(goal) for goal in goals)


def in_ulps(found: float, right: Any, size: Any, dtype: str) -> float:
    """The error in units of the last place of a number of the size of ``size``."""
    kind = np.finfo(dtype)
    return float(abs(mpmath.mpf(float(found)) - right) / (float(kind.eps) * size + float(kind.tiny)))


CASES = [(*pair, "hard") for pair in pairs()] + [(*pair, "soft") for pair in pairs() if "binary_cross_entropy" in pair]


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize(("output", "name", "kind"), CASES)
def test_a_saturated_output_keeps_the_digits_that_are_promised(output: str, name: str, kind: str, dtype: str) -> None:
    head, Z = join(activation(output), loss(name)), logits(dtype)
    m, scratch, soft = Z.shape[1], output_scratch(Z), kind == "soft"
    Y = targets(name, m, dtype, soft=soft)
    A, dZ, terms = np.empty_like(Z), np.empty_like(Z), np.empty(m, dtype)
    with np.errstate(over="ignore", under="ignore"):
        head.activation.forward(Z, A, scratch.layer)
        head.terms(Z, A, Y, terms, scratch)
        head.backward(Z, A, Y, 1.0, np.empty_like(Z), dZ, scratch)
    for j in range(m):
        with mpmath.workdps(DIGITS):
            right, slopes, goal = plain(output, name, Z[:, j], Y[..., j])
            gap = float(np.ptp(Z[:, j])) if output == "softmax" else 0.0
            cancelled = np.abs(Z[:, j]).sum() if soft and output == "sigmoid" else 0.0
            if name == "half_squared_error" and output not in ("identity", "relu", "leaky_relu"):
                cancelled = mpmath.sqrt(2 * right) * (1 + goal)
            assert in_ulps(terms[j], right, abs(right) + cancelled, dtype) <= 6 + gap / 2
            for k in range(3):
                size = abs(slopes[k]) if (output, name) in STABLE and not soft else max(1 + goal, abs(slopes[k]))
                assert in_ulps(dZ[k, j], slopes[k], size, dtype) <= 8 + gap
