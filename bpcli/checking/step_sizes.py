"""How the error of central differences depends on their step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bpcli.checking.comparison import Comparison, relative_to
from bpcli.checking.subject import Group
from bpcli.nn.gradient_check import central, crossings

STEPS = tuple(10.0**-exponent for exponent in range(1, 13))
"""The steps h whose errors are compared."""


@dataclass(frozen=True)
class StepSize:
    """Central differences with step ``h``: largest and median error, relative to the layer's largest gradient.

    Of ``checked`` parameters; ``crossed`` others move some unit across a kink, where a difference says
    nothing. Errors are NaN where nothing was checked. For W, h is divided by what it multiplies.
    """

    h: float
    largest: float
    median: float
    checked: int
    crossed: int


def step_size(comparison: Comparison, chosen: list[Group], h: float) -> StepSize:
    """The error of central differences with one step: truncation shrinks with h², round-off grows with 1/h."""
    probe, theta = comparison.probe, comparison.theta
    steps = probe.step_sizes(theta, h)
    errors, crossed = [], 0
    for group in chosen:
        crossing = np.array([bool(crossings(probe, theta, int(place), steps[place])) for place in group.places])
        smooth = group.places[~crossing]
        apart = np.abs(central(probe, theta, smooth, steps) - comparison.gradient[smooth])
        errors.append(relative_to(apart[~np.isnan(apart)], comparison.scale(group.layer)))
        crossed += int(crossing.sum())
    joined = np.concatenate(errors)
    if not len(joined):
        return StepSize(h, np.nan, np.nan, 0, crossed)
    return StepSize(h, float(joined.max()), float(np.median(joined)), len(joined), crossed)
