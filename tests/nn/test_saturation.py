"""Every pair of output and loss from logits of −1,000 to 1,000, against plain loops in up to a thousand digits."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from bpcli.choices import name_of
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS, first_values
from bpcli.nn.heads import Composed, backward, join
from bpcli.nn.losses import LOSSES
from bpcli.nn.pairs import PAIRS

from .plain import activated, term
from .support import PRECISIONS, activation, loss, output_scratch, pairs

DIGITS = 60
"""What is left of a number from which 1 was taken; logits 2,000 apart need 869 digits before the first of 1 − a."""

FEWER = {"gelu": 60}
"""Digits of an output of which nothing is taken from 1, and whose tail would take seconds in a thousand."""

LOGITS = [0, 1e-3, -1, 5, 15, -17, 36, -40, 88, -104, 400, -745, 1000, -1000]
STABLE = {
    *(("sigmoid", "cross_entropy"), ("softmax", "binary_cross_entropy")),
    *(("sigmoid", "focal"), ("softmax", "categorical_focal")),
}
"""Pairs whose every derivative has its digits, however small it is."""

LARGEST = 80
"""The largest logit whose exponential a float32 holds with room to spare."""


def logits(output: str, dtype: str) -> Array:
    rng = np.random.default_rng(0)
    apart = [(z, *rest) for z in LOGITS for rest in ((0, 0), (5, -3))]
    mixed = rng.choice(LOGITS, (14, 3)) + rng.normal(0, 0.3, (14, 3))
    Z = np.array([*apart, *mixed], dtype).T.copy()
    return np.clip(Z, -LARGEST, LARGEST) if output == "exponential" else Z


def targets(name: str, m: int, dtype: str, *, soft: bool) -> Array:
    rng, form = np.random.default_rng(1), loss(name).targets
    if form.class_indices:
        return np.arange(m) % 3
    if form.high == 1:
        hard = np.where(np.eye(3)[:, np.arange(m) % 3] == 1, form.on, form.off)
        return (rng.dirichlet([1, 2, 3], m).T if soft else hard).astype(dtype)
    among = {-np.inf: [0, 1, 0.25, -2], 0.0: [0.125, 1, 7, 40] if form.bounds_excluded else [0, 1, 7, 40]}
    return rng.choice(among[form.low], (3, m)).astype(dtype)


def plain(output: str, name: str, z: Array, y: Array) -> tuple[Any, list[Any], Any]:
    """An example's loss, its dZ, and the largest dA J in size."""
    numbers = [mpmath.mpf(float(one)) for one in z]
    goals = [mpmath.mpf(float(one)) for one in (np.eye(3)[y] if loss(name).targets.class_indices else y)]
    f = activation(output)
    a, J = activated(f, numbers, list(f.owned.values()))
    terms = [term(type(loss(name)).__name__, one, goal) for one, goal in zip(a, goals, strict=True)]
    dZ = [mpmath.fsum(dA * J[i][k] for i, (_, dA) in enumerate(terms)) for k in range(3)]
    return mpmath.fsum(one for one, _ in terms), dZ, max(abs(goal) for goal in goals)


def in_ulps(found: float, right: Any, size: Any, dtype: str) -> float:
    """The error in units of the last place of a number of the size of ``size``."""
    kind = np.finfo(dtype)
    return float(abs(mpmath.mpf(float(found)) - right) / (float(kind.eps) * size + float(kind.tiny)))


def promised(output: str, name: str) -> bool:
    """Whether a pair keeps digits: those with a head of their own, those of the identity, and half squared error."""
    own = not isinstance(join(activation(output), loss(name)), Composed)
    return own or output == "identity" or (name == "half_squared_error" and output != "exponential")


def lost(output: str, name: str, Z: Array, goal: Any, right: Any) -> Any:
    """What cancels in an example's loss, in size."""
    if name == "half_squared_error" and output not in ("identity", "relu", "leaky_relu"):
        return mpmath.sqrt(2 * right) * (1 + goal)
    if name in ("poisson", "gamma"):
        values, _ = activated(activation(output), [mpmath.mpf(float(z)) for z in Z])
        return (mpmath.fsum(values) if name == "poisson" else 3) + 3 * (1 + max(1, goal)) * (5 + float(np.ptp([*Z, 0])))
    return 0.0


def digits(output: str, Z: Array) -> int:
    return FEWER.get(output, DIGITS + int(np.ptp([*Z, 0]) / np.log(10)))


SOFT = ("binary_cross_entropy", "focal", "kullback_leibler")
OWN = [(name_of(ACTIVATIONS, f), name_of(LOSSES, c)) for f, c in PAIRS]
FITTING = list(dict.fromkeys([*(pair for pair in pairs() if promised(*pair)), *OWN]))
CASES = [(*pair, "hard") for pair in FITTING] + [(*pair, "soft") for pair in FITTING if pair[1] in SOFT]


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize(("output", "name", "kind"), CASES)
def test_a_saturated_output_keeps_the_digits_that_are_promised(output: str, name: str, kind: str, dtype: str) -> None:
    head, Z = join(activation(output), loss(name)), logits(output, dtype)
    m, scratch, soft = Z.shape[1], output_scratch(Z), kind == "soft"
    Y = targets(name, m, dtype, soft=soft)
    A, dZ, terms, own = np.empty_like(Z), np.empty_like(Z), np.empty(m, dtype), first_values(head.activation, dtype)
    with np.errstate(over="ignore", under="ignore", invalid="ignore" if name == "gamma" else "warn"):
        head.activation.forward(Z, own, A, scratch.layer)
        head.terms(Z, A, Y, terms, scratch)
        backward(head, Z, A, own, Y, None, 1.0, np.empty_like(Z), dZ, np.empty_like(own), scratch)
    for j in range(m):
        with mpmath.workdps(digits(output, Z[:, j])):
            right, slopes, goal = plain(output, name, Z[:, j], Y[..., j])
            if right > np.finfo(dtype).max:
                assert name == "gamma"
                assert terms[j] == np.inf
                continue
            gap = float(np.ptp(Z[:, j])) if output == "softmax" else 0.0
            gap += 2 * float(np.ptp([*Z[:, j], 0])) if name == "gamma" else 0
            gap += 3 * gap if name == "categorical_focal" else 3 * float(np.abs(Z).max()) if name == "focal" else 0
            cancelled = np.abs(Z[:, j]).sum() if soft and output == "sigmoid" else 0.0
            cancelled += 1.1 if name == "kullback_leibler" else lost(output, name, Z[:, j], goal, right)
            assert in_ulps(terms[j], right, abs(right) + cancelled, dtype) <= 6 + gap / 2
            for k in range(3):
                size = abs(slopes[k]) if (output, name) in STABLE and not soft else max(1 + goal, abs(slopes[k]))
                assert in_ulps(dZ[k, j], slopes[k], size, dtype) <= 8 + gap
