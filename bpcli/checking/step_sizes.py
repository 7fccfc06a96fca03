"""How the error of central differences depends on their step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bpcli.checking.comparison import GradientComparison, relative_to
from bpcli.checking.subject import ParameterGroup
from bpcli.nn.gradient_check import central, crossings

STEPS = tuple(10.0**-exponent for exponent in range(1, 13))
"""The steps h whose errors are compared."""


@dataclass(frozen=True)
class StepSizeError:
    """Central differences with step ``h``: largest and median error, relative to the layer's largest gradient.

    They are taken over ``checked`` parameters; ``crossed`` others move a unit across a kink, where a difference
    is not the derivative. Errors are NaN where nothing was checked. For W, h is divided by the largest input.
    """

    h: float
    largest: float
    median: float
    checked: int
    crossed: int


def step_size_error(comparison: GradientComparison, chosen: list[ParameterGroup], h: float) -> StepSizeError:
    """The error of central differences with the step ``h``: truncation shrinks with h², round-off grows with 1/h."""
    probe, theta = comparison.probe, comparison.theta
    steps = probe.step_sizes(theta, h)
    errors, crossed = [], 0
    for group in chosen:
        crossing = np.array([bool(crossings(probe, theta, int(place), steps[place])) for place in group.places])
        smooth = group.places[~crossing]
        difference = np.abs(central(probe, theta, smooth, steps) - comparison.derivative[smooth])
        errors.append(relative_to(difference[~np.isnan(difference)], comparison.scale(group.layer)))
        crossed += int(crossing.sum())
    joined = np.concatenate(errors)
    if not len(joined):
        return StepSizeError(h, np.nan, np.nan, 0, crossed)
    return StepSizeError(h, float(joined.max()), float(np.median(joined)), len(joined), crossed)
