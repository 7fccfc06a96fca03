"""A gradient against differences of the loss: for each parameter an outcome, for each group a summary."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from itertools import chain
from typing import Literal

import numpy as np

from bpcli.checking.subject import ParameterGroup, by_layer
from bpcli.nn import Array, IndexArray
from bpcli.nn.gradient_check import (
    CENTRAL_STEP,
    FINER,
    ROUNDINGS,
    Crossing,
    Probe,
    central,
    complex_step,
    crossings,
    loss_rounding,
    rounding,
)
from bpcli.nn.network import Network
from bpcli.streams import stream

Method = Literal["complex-step", "central"]

COMPLEX_TOLERANCE = 1e-11
"""Relative to the layer's largest gradient: about a hundred times the observed rounding, far below any mistake."""

CENTRAL_TOLERANCE, CENTRAL_FLOOR = 1e-7, 1e-9
"""Rounding of central differences, relative to the layer's largest gradient, and to max(1, |L|) at the usual step."""


class Outcome(IntEnum):
    """What the comparison says about one parameter; the worst last."""

    UNMOVED = 0
    """Not judged: θ_i is so large that the step does not change it."""
    CROSSED = 1
    """Not judged: the step moves a unit across a kink, where a central difference is not the derivative."""
    ROUNDED = 2
    """The gradient and the difference lie further apart than the tolerance, by rounding alone."""
    AGREES = 3
    """They agree within the tolerance."""
    WRONG = 4
    """They differ by more than rounding explains."""


@dataclass(frozen=True)
class GroupCheck:
    """The check of one group of parameters on a batch of m ``examples``.

    ``checked`` parameters are judged and ``skipped`` ones are not: because of a
    kink, of the units in ``crossed``, or, ``unmoved`` of them, because θ is too
    large for the step. ``largest`` and ``median`` are errors relative to the
    layer's largest gradient. They leave out the ``rounded`` parameters, which are
    checked, but whose derivatives have too few right digits for an error to have
    a meaning. The largest error is at ``row`` and ``column`` (0 for b), where
    ``backward`` and ``difference`` are the two derivatives. What does not exist
    is None.
    """

    examples: int
    layer: int
    kind: str
    parameters: int
    checked: int
    skipped: int
    unmoved: int
    rounded: int
    largest: float | None
    median: float | None
    row: int | None
    column: int | None
    backward: float | None
    difference: float | None
    passed: bool
    crossed: tuple[Crossing, ...]


@dataclass(frozen=True)
class GradientComparison:
    """A gradient, (P,), at θ, (P,), against differences of the loss that ``probe`` computes."""

    network: Network
    theta: Array
    gradient: Array
    probe: Probe
    method: Method

    def slopes(self, places: IndexArray) -> Array:
        """∂L/∂θ at ``places``, (k,), by differences."""
        if self.method == "complex-step":
            return complex_step(self.probe, self.theta, places)
        return central(self.probe, self.theta, places, self.steps)

    @cached_property
    def steps(self) -> Array:
        """The step of central differences for each parameter, (P,)."""
        return self.probe.step_sizes(self.theta, CENTRAL_STEP)

    @cached_property
    def rounding(self) -> Array:
        """How far rounding may change each gradient, (P,)."""
        return rounding(self.probe, self.theta, stream(0, "gradient check"))

    @cached_property
    def floor(self) -> Array:
        """How far the rounding of the loss may change each central difference, (P,): a smaller step enlarges it."""
        usual = CENTRAL_FLOOR * max(1.0, abs(self.probe(self.theta))) * CENTRAL_STEP
        rounding = loss_rounding(self.probe, self.theta, stream(0, "gradient check"))
        return np.asarray(max(usual, rounding) / self.steps)

    def places(self, group: ParameterGroup) -> IndexArray:
        """The group's places, among them always its largest gradient, or one that is not finite.

        So a gradient that overflows is found, and the gradient that errors are relative to is itself checked.
        """
        own = np.abs(self.gradient[group.start : group.start + group.size])
        largest = group.start + int(np.argmax(np.where(np.isfinite(own), own, np.inf)))
        if largest in group.places:
            return group.places
        return np.sort(np.append(group.places[1:], largest))

    def scale(self, layer: int) -> float:
        """The layer's largest finite gradient."""
        blocks = by_layer(self.network.parameters(self.gradient))
        own = np.concatenate([array.reshape(-1) for l, _, array in blocks if l == layer])
        return float(np.abs(own[np.isfinite(own)]).max(initial=0.0))

    def outcome_beyond(self, place: int, slope: float, tolerance: float) -> Outcome:
        """The outcome for a difference ``slope`` that is further than ``tolerance`` from the gradient."""
        if self.method == "complex-step":
            return Outcome.ROUNDED if self.rounded(place, slope, tolerance) else Outcome.WRONG
        if abs(slope - self.gradient[place]) <= tolerance + self.floor[place]:
            return Outcome.ROUNDED
        theta, h = self.theta[place], self.steps[place]
        if theta + h == theta - h:
            return Outcome.UNMOVED
        return Outcome.CROSSED if crossings(self.probe, self.theta, place, h) else Outcome.WRONG

    def rounded(self, place: int, slope: float, tolerance: float) -> bool:
        """Whether the rounding of the gradient and of the complex step explains how far they are apart.

        The rounding of the complex step is estimated from the same step in extended precision.
        """
        finer = complex_step(self.probe, self.theta.astype(np.longdouble), [place])[0]
        of_both = float(self.rounding[place]) + ROUNDINGS * FINER * abs(slope - finer)
        return bool(np.isfinite(of_both) and abs(finer - self.gradient[place]) <= tolerance + of_both)

    def outcomes(self, places: IndexArray, slopes: Array, scale: float) -> Array:
        """The outcome at each place, (k,).

        The largest errors are judged first: after a wrong one the group has failed, and no extended precision is used.
        """
        errors = np.abs(slopes - self.gradient[places])
        tolerance = scale * (COMPLEX_TOLERANCE if self.method == "complex-step" else CENTRAL_TOLERANCE)
        beyond = np.flatnonzero(~(errors <= tolerance))
        outcomes = np.full(len(places), Outcome.AGREES)
        for k in beyond[np.argsort(-errors[beyond])]:
            failed = self.method == "complex-step" and outcomes.max() == Outcome.WRONG
            outcomes[k] = Outcome.WRONG if failed else self.outcome_beyond(int(places[k]), float(slopes[k]), tolerance)
        return outcomes

    def crossed(self, places: IndexArray) -> tuple[Crossing, ...]:
        """The units that the steps at ``places`` move across a kink, each once."""
        sides = [crossings(self.probe, self.theta, int(place), self.steps[place]) for place in places]
        return tuple(dict.fromkeys(chain.from_iterable(sides)))

    def check(self, group: ParameterGroup) -> GroupCheck:
        """Compare the gradients of one group and sum up their outcomes."""
        places, scale = self.places(group), self.scale(group.layer)
        slopes = self.slopes(places)
        errors, outcomes = np.abs(slopes - self.gradient[places]), self.outcomes(places, slopes, scale)
        counts = {outcome: int((outcomes == outcome).sum()) for outcome in Outcome}
        skipped = counts[Outcome.UNMOVED] + counts[Outcome.CROSSED]
        relative = relative_to(errors[outcomes >= Outcome.AGREES], scale)
        worst = _worst(errors, outcomes) if skipped < len(places) else None
        row, column = (None, None) if worst is None else divmod(int(places[worst]) - group.start, group.shape[1])
        return GroupCheck(
            examples=self.probe.X.shape[1],
            layer=group.layer,
            kind=group.kind,
            parameters=group.size,
            checked=len(places) - skipped,
            skipped=skipped,
            unmoved=counts[Outcome.UNMOVED],
            rounded=counts[Outcome.ROUNDED],
            largest=float(relative.max()) if len(relative) else None,
            median=float(np.median(relative)) if len(relative) else None,
            row=row,
            column=column,
            backward=None if worst is None else float(self.gradient[places[worst]]),
            difference=None if worst is None else float(slopes[worst]),
            passed=not counts[Outcome.WRONG],
            crossed=self.crossed(places[outcomes == Outcome.CROSSED]),
        )


def _worst(errors: Array, outcomes: Array) -> int:
    """The index of the largest error among those with the worst outcome."""
    return int(np.argmax(np.where(outcomes == outcomes.max(), np.nan_to_num(errors, nan=np.inf), -1)))


def relative_to(errors: Array, scale: float) -> Array:
    """Errors divided by the layer's largest gradient, ``scale``; where that is 0, any error is infinite."""
    if scale > 0:
        return errors / scale
    return np.where(errors == 0, 0.0, np.inf)
