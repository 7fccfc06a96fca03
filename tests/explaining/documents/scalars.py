"""Single numbers, possibly complex: what the transcriptions are made of.

A transcription keeps its quantities in tables keyed by the derivation's own
indices and computes them entry by entry. Its functions accept a number with an
imaginary part, so that it can be differentiated along it.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from dataclasses import dataclass

Scalar = complex
"""A float, or a float with a tiny imaginary part that carries a derivative."""

Vector = dict[int, Scalar]
"""v[i] by the unit's number."""

Table = dict[tuple[int, ...], Scalar]
"""t[l, i, …] by layer and unit."""

ScalarFunction = Callable[[Scalar], Scalar]


def to(n: int) -> range:
    """1 … n."""
    return range(1, n + 1)


def exp(x: Scalar) -> Scalar:
    """e^x."""
    return cmath.exp(x) if isinstance(x, complex) else math.exp(x)


def log(x: Scalar) -> Scalar:
    """The natural logarithm."""
    return cmath.log(x) if isinstance(x, complex) else math.log(x)


@dataclass(frozen=True)
class Function:
    """A function of one number beside its derivative."""

    value: ScalarFunction
    slope: ScalarFunction


def _sigmoid(x: Scalar) -> Scalar:
    return 1 / (1 + exp(-x))


def _tanh(x: Scalar) -> Scalar:
    return (exp(x) - exp(-x)) / (exp(x) + exp(-x))


FUNCTIONS = {
    "identity": Function(lambda x: x, lambda x: 1.0),
    "sigmoid": Function(_sigmoid, lambda x: _sigmoid(x) * (1 - _sigmoid(x))),
    "tanh": Function(_tanh, lambda x: 1 - _tanh(x) ** 2),
    "relu": Function(lambda x: x if x.real > 0 else 0.0, lambda x: 1.0 if x.real > 0 else 0.0),
    "leaky_relu": Function(lambda x: x if x.real > 0 else 0.01 * x, lambda x: 1.0 if x.real > 0 else 0.01),
}
"""What a derivation that leaves its function open is computed with, by the engine's names."""
