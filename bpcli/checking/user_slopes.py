"""The derivatives of somebody's loss, measured by the method that suits it: the complex step, or differences."""

from __future__ import annotations

from typing import Literal

import numpy as np

from bpcli.checking.measured_slopes import Slope, exactly, largest_of, measure, noise_of
from bpcli.checking.user_loss import Named, UserLoss
from bpcli.errors import ConfigError
from bpcli.nn import Array, IndexArray
from bpcli.nn.gradient_check import LAST_BIT, ROUNDINGS, complex_step

__tracebackhide__ = True  # a test's failure shows the user's lines alone

Method = Literal["complex-step", "central"]

METHOD_HINT = "leave method out, or take 'central'"

NUDGES = 2
"""How often the last bits of θ are moved, at random."""

OTHER_STEP = 2.0**-66
"""A second complex step, with which the first is compared."""

SURE = 4.0
"""A derivative may differ from a measured one by so many times the error that is estimated for this."""

JUDGEABLE = 1e-3
"""Where the estimated error is above this share of an array's largest derivative, an entry is not judged."""

DOUBLE = 1e-12
"""A loss with more noise than this share of its value is not computed in double precision throughout."""

CONFIRMED = 1e-8
"""A complex step may differ from a difference by so much of the largest, besides the difference's own error."""


def slopes_of(
    user: UserLoss, theta: Array, places: IndexArray, method: Method | None, rng: np.random.Generator
) -> tuple[Method, list[Slope]]:
    """The measured derivatives by the entries ``places``, and by which method.

    Without a method, by the complex step where the loss takes complex numbers in double precision and differences
    agree with it: ``abs``, ``real`` or a conjugate within a loss gives a wrong slope without an error.

    Raises:
        ConfigError: the loss is no finite, repeatable number, or takes no complex numbers where they are asked for.
    """
    value, last_bit = user.checked_value(theta)
    obstacle = "" if method == "central" else user.obstacle_to_complex(theta)
    if method == "complex-step" and obstacle:
        raise ConfigError(f"the loss does not take complex numbers: {obstacle}", hint=METHOD_HINT)
    complex_valued = method != "central" and not obstacle
    steps = _complex_slopes(user, theta, abs(value), places, rng) if complex_valued else []
    if method == "complex-step":
        return "complex-step", steps
    noise, differences = _differences(user, theta, places, (value, last_bit), rng)
    if not steps or noise > DOUBLE * abs(value):
        return "central", differences
    largest = largest_of(differences)
    pairs = list(zip(steps, differences, strict=True))
    if all(_confirmed(step, one, largest) or _unclear(one, largest) for step, one in pairs):
        return "complex-step", [_joined(step, one, largest) for step, one in pairs]
    return "central", differences


def contradiction(user: UserLoss, theta: Array, place: int, step: Slope, rng: np.random.Generator) -> Slope | None:
    """The central difference, if it shows that the complex step is misled: the loss is not analytic."""
    _, (difference,) = _differences(user, theta, np.array([place]), user.checked_value(theta), rng)
    largest = largest_of([difference])
    return None if _unclear(difference, largest) or _confirmed(step, difference, largest) else difference


def _differences(
    user: UserLoss, theta: Array, places: IndexArray, at: tuple[float, float], rng: np.random.Generator
) -> tuple[float, list[Slope]]:
    """The noise of the loss, whose value and last bit are ``at``, and the derivatives by central differences."""
    (value, last_bit), scales = at, _scales(user.structure)
    noise = noise_of(user.real, theta, _moves(user.structure), last_bit, rng)
    return noise, [measure(user.real, theta, value, i, float(scales[i]), noise) for i in places.tolist()]


def _complex_slopes(
    user: UserLoss, theta: Array, size_of_loss: float, places: IndexArray, rng: np.random.Generator
) -> list[Slope]:
    """The derivatives by the complex step, and how far rounding may change them.

    A gradient is rounded as θ is and as the loss is: it may differ by what moving the last bits of θ changes, and
    by what changes the last bits of the loss. Where there is no derivative, another step gives another number.
    """
    steps = complex_step(user, theta, places.tolist())
    nudged = [theta * (1 + LAST_BIT * rng.choice((-1.0, 1.0), theta.shape)) for _ in range(NUDGES)]
    moves = [np.abs(complex_step(user, point, places.tolist()) - steps) for point in nudged]
    moves.append(np.abs(complex_step(user, theta, places.tolist(), OTHER_STEP) - steps))
    of_loss = LAST_BIT * size_of_loss / np.minimum(_scales(user.structure)[places], 1)
    errors = ROUNDINGS * np.maximum(np.max(moves, axis=0), of_loss)
    return list(map(exactly, steps.tolist(), errors.tolist()))


def _scales(at: Named) -> Array:
    """The scale of each variable, (P,): its own size or its array's root mean square; 1 in an array of zeros."""
    scales = np.empty(at.theta.size)
    for name, places in at.places():
        array = np.abs(np.asarray(at.arrays[name], np.float64))
        largest = array.max(initial=0.0)
        usual = largest * np.sqrt(np.mean((array / largest) ** 2)) if largest else 1.0  # no square overflows
        scales[places] = np.maximum(array, usual)
    return scales


def _moves(at: Named) -> Array:
    """How far each variable may move while noise is measured, (P,): its own size; 1 in an array of zeros.

    So no variable changes its sign: a loss may have a domain, or a kink at 0.
    """
    moves = np.abs(at.theta)
    for _, places in at.places():
        if not moves[places].any():
            moves[places] = 1.0
    return moves


def _confirmed(step: Slope, difference: Slope, largest: float) -> bool:
    """Whether a difference agrees with a complex step."""
    return abs(step.value - difference.value) <= SURE * (step.error + difference.error) + CONFIRMED * largest


def _unclear(difference: Slope, largest: float) -> bool:
    """Whether a difference tells nothing: a kink, or too large an error."""
    return difference.at_kink or not difference.error <= JUDGEABLE * largest


def _joined(step: Slope, difference: Slope, largest: float) -> Slope:
    """The complex step where a difference confirms it; at a kink, the difference with its two sides."""
    return difference if difference.at_kink or not _confirmed(step, difference, largest) else step
