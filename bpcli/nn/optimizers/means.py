"""Running means of the gradient and of its square, which several families of rules keep."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.markup import RuleEquation


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
