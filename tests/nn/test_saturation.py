"""Every pair of output and loss from logits of −1,000 to 1,000, against plain loops in a thousand digits."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.activations import first_values
from bpcli.nn.heads import backward, join

from .plain import activated, term
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


def plain(output: str, name: str, z: Array, y: Array) -> tuple[Any, list[Any], Any]:
    """An example's loss, its dZ, and the largest dA J in size."""
    numbers = [mpmath.mpf(float(one)) for one in z]
    goals = [mpmath.mpf(float(one)) for one in (np.eye(3)[y] if name == "cross_entropy" else y)]
    f = activation(output)
    a, J = activated(type(f).__name__, numbers, f.owned.get("slope", 0.01))
    terms = [term(type(loss(name)).__name__, one, goal) for one, goal in zip(a, goals, strict=True)]
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
    A, dZ, terms, own = np.empty_like(Z), np.empty_like(Z), np.empty(m, dtype), first_values(head.activation, dtype)
    with np.errstate(over="ignore", under="ignore"):
        head.activation.forward(Z, own, A, scratch.layer)
        head.terms(Z, A, Y, terms, scratch)
        backward(head, Z, A, own, Y, None, 1.0, np.empty_like(Z), dZ, np.empty_like(own), scratch)
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
