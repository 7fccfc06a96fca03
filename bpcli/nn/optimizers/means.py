"""Running means of the gradient and of its square, which several families of rules keep."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.markup import RuleEquation
from bpcli.nn.optimizers.rule import Memory


def mean_equation(decay: str) -> RuleEquation:
    r"""m ← ``decay`` · m + (1 − ``decay``) ∂L/∂θ, ``decay`` in markup, such as ``\beta_1``."""
    return RuleEquation(
        "mean",
        "Running mean of the gradient",
        "m_{<theta>}",
        rf"{decay} \cdot m_{{<theta>}} <plus> (1 - {decay}) \cdot <gradient>",
    )


def square_equation(decay: str) -> RuleEquation:
    """v ← ``decay`` · v + (1 − ``decay``) (∂L/∂θ)²."""
    return RuleEquation(
        "square",
        "Running mean of its square",
        "v_{<theta>}",
        rf"{decay} \cdot v_{{<theta>}} + (1 - {decay}) \cdot \left( <gradient> \right)^2",
    )


SYMBOLS = {r"\beta_1": "beta1", r"\beta_2": "beta2", r"\varepsilon": "epsilon"}
MEANS = mean_equation(r"\beta_1"), square_equation(r"\beta_2")
"""What Adam and the rules made of it have in common."""


def means_memory(size: int) -> dict[str, Memory]:
    """m and v, 0 at first."""
    return {"mean": Memory((size,)), "square": Memory((size,))}


def average(mean: Array, decay: Any, new: Array, scratch: Array) -> None:
    """Mean ← ``decay`` · mean + (1 − ``decay``) · ``new``."""
    np.multiply(mean, decay, mean)
    np.multiply(new, 1 - decay, scratch)
    np.add(mean, scratch, mean)


def average_square(square: Array, decay: Any, new: Array, scratch: Array) -> None:
    """Square ← ``decay`` · square + (1 − ``decay``) · ``new``²."""
    np.multiply(square, decay, square)
    np.multiply(new, new, scratch)
    np.multiply(scratch, 1 - decay, scratch)
    np.add(square, scratch, square)


def over_corrected_root(m: Array, v: Array, beta2: float, epsilon: float, step: Any, out: Array) -> None:
    """Write m / (√v̂ + ε) into ``out``, v̂ = v/(1 − β₂ᵗ); ``out`` is none of the others."""
    np.sqrt(v, out)
    np.multiply(out, (1 - beta2**step) ** -0.5, out)
    np.add(out, epsilon, out)
    np.divide(m, out, out)
