"""The derivatives of somebody's loss, measured by the method that suits it: the complex step, or differences."""

from __future__ import annotations

from typing import Literal

import numpy as np

from bpcli.checking.measured_slopes import Slope, exactly, largest_of, measure, noise_of
from bpcli.checking.user_loss import Named, UserLoss
from bpcli.errors import ConfigError
from bpcli.nn import Array, IndexArray
from bpcli.nn.gradient_check import complex_step

Method = Literal["complex-step", "central"]

SURE = 4.0
"""A derivative may differ from a measured one by so many times the error that is estimated for this."""

JUDGEABLE = 1e-3
"""Where the estimated error is above this share of an array's largest derivative, an entry is not judged."""

CONFIRMED = 1e-8
"""A complex step may differ from a difference by so much of the largest, besides the difference's own error."""


def slopes_of(
    user: UserLoss, theta: Array, places: IndexArray, method: Method | None, rng: np.random.Generator
) -> tuple[Method, list[Slope]]:
    """The measured derivatives by the entries ``places``, and by which method.

    Without a method, by the complex step where the loss takes complex numbers and differences agree with it:
    ``abs``, ``real`` or a conjugate within a loss gives a wrong slope without an error.

    Raises:
        ConfigError: the loss is no finite, repeatable number, or takes no complex numbers where they are asked for.
    """
    value = user.checked_value(theta)
    complex_valued = method != "central" and user.takes_complex(theta)
    if method == "complex-step" and not complex_valued:
        raise ConfigError("the loss does not take complex numbers", hint="leave method out, or take 'central'")
    steps = complex_step(user, theta, places.tolist()).tolist() if complex_valued else []
    if method == "complex-step":
        return "complex-step", [exactly(step) for step in steps]
    differences = _differences(user, theta, value, places, rng)
    if not complex_valued:
        return "central", differences
    largest = largest_of(differences)
    pairs = list(zip(steps, differences, strict=True))
    if all(_confirmed(step, one, largest) or _unclear(one, largest) for step, one in pairs):
        return "complex-step", [_joined(step, one, largest) for step, one in pairs]
    return "central", differences


def _differences(
    user: UserLoss, theta: Array, value: np.floating, places: IndexArray, rng: np.random.Generator
) -> list[Slope]:
    """Slopes by central differences; ``value`` is the loss at θ, of the type that the loss returns."""

    def real(point: Array) -> float:
        return user(point).real

    last_bit = float(np.finfo(value.dtype if value.dtype.kind == "f" else np.float64).eps)
    scales = _scales(user.structure)
    noise = noise_of(real, theta, scales, last_bit, rng)
    return [measure(real, theta, float(value), i, float(scales[i]), noise) for i in places.tolist()]


def _scales(at: Named) -> Array:
    """The scale of each variable, (P,): its own size or its array's root mean square; 1 in an array of zeros."""
    scales = np.empty(at.theta.size)
    for name, places in at.places():
        array = np.abs(np.asarray(at.arrays[name], np.float64))
        scales[places] = np.maximum(array, np.sqrt(np.mean(array**2)) if array.any() else 1.0)
    return scales


def _confirmed(step: float, difference: Slope, largest: float) -> bool:
    """Whether a difference agrees with a complex step."""
    return abs(step - difference.value) <= SURE * difference.error + CONFIRMED * largest


def _unclear(difference: Slope, largest: float) -> bool:
    """Whether a difference tells nothing: a kink, or too large an error."""
    return difference.at_kink or not difference.error <= JUDGEABLE * largest


def _joined(step: float, difference: Slope, largest: float) -> Slope:
    """The complex step where a difference confirms it; at a kink, the difference with its two sides."""
    return difference if difference.at_kink or not _confirmed(step, difference, largest) else exactly(step)
