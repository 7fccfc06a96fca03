"""A gradient against differences of the loss, and what to make of each parameter's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Literal

import numpy as np

from bpcli.checking.subject import Group, Kind
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
from bpcli.nn.parameters import Parameters
from bpcli.streams import stream

Method = Literal["complex-step", "central"]

COMPLEX_TOLERANCE = 1e-11
"""Of the layer's largest gradient: some hundred times the rounding seen, far below any real mistake."""

CENTRAL_TOLERANCE, CENTRAL_FLOOR = 1e-7, 1e-9
"""Of the layer's largest gradient, and of max(1, |L|) at the usual step: what rounding allows central differences."""


class Judgement(IntEnum):
    """What a comparison says about one parameter; in words where it matters, the worst last."""

    UNMOVED = 0
    """θ_i is so large that a step does not change it."""
    CROSSED = 1
    """Some unit's kink lies within the step, so a central difference says nothing."""
    ROUNDED = 2
    """The two differ by rounding alone."""
    AGREES = 3
    WRONG = 4


@dataclass(frozen=True)
class Checked:
    """One layer's W or b on one batch of ``examples``; errors relative to the layer's largest gradient.

    ``checked`` are judged, ``skipped`` are not: because of a kink, with the units
    in ``crossed``, or, ``unmoved`` of them, because θ is too large for the step.
    ``rounded`` counts those among the checked whose two derivatives differ by
    rounding alone, with so few digits right that an error says nothing: they are
    left out of ``largest`` and ``median``. The largest error sits at ``row`` and
    ``column`` (0 for b); ``backward`` and ``difference`` are the derivatives
    there. None stands where there is nothing to tell.
    """

    examples: int
    layer: int
    kind: Kind
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
class Comparison:
    """A gradient, (P,), at θ against differences of the loss that ``probe`` gives."""

    network: Network
    theta: Array
    gradient: Array
    probe: Probe
    method: Method

    def slopes(self, places: IndexArray) -> Array:
        """∂L/∂θ at ``places`` by differences."""
        if self.method == "complex-step":
            return complex_step(self.probe, self.theta, places)
        return central(self.probe, self.theta, places, self.steps)

    @cached_property
    def steps(self) -> Array:
        """The step of central differences for each parameter."""
        return self.probe.step_sizes(self.theta, CENTRAL_STEP)

    @cached_property
    def rounding(self) -> Array:
        """How far rounding may turn each gradient."""
        rng = stream(0, "gradient check")
        return rounding(self.probe, self.theta, rng)

    @cached_property
    def floor(self) -> Array:
        """What the rounding of the loss leaves of each central difference: the more, the smaller its step."""
        usual = CENTRAL_FLOOR * max(1.0, abs(self.probe(self.theta))) * CENTRAL_STEP
        rounding = loss_rounding(self.probe, self.theta, stream(0, "gradient check"))
        return np.asarray(max(usual, rounding) / self.steps)

    def places(self, group: Group) -> IndexArray:
        """The group's places, the largest gradient by backward or one that is not finite always among them.

        So whatever blows up shows, and what errors are measured by has been checked.
        """
        own = np.abs(self.gradient[group.start : group.start + group.shape[0] * group.shape[1]])
        largest = group.start + int(np.argmax(np.where(np.isfinite(own), own, np.inf)))
        if largest in group.places:
            return group.places
        return np.sort(np.append(group.places[1:], largest))

    def scale(self, layer: int) -> float:
        """The layer's largest finite gradient."""
        layers = Parameters(self.network.sizes, self.gradient)
        own = np.concatenate([layers.W[layer].reshape(-1), layers.b[layer].reshape(-1)])
        return float(np.abs(own[np.isfinite(own)]).max(initial=0.0))

    def judge(self, place: int, slope: float, tolerance: float) -> Judgement:
        """What to make of a difference that lies further than ``tolerance`` from the gradient."""
        error = abs(slope - self.gradient[place])
        if self.method == "complex-step":
            return Judgement.ROUNDED if self.rounded(place, slope, tolerance) else Judgement.WRONG
        if error <= tolerance + self.floor[place]:
            return Judgement.ROUNDED
        theta, h = self.theta[place], self.steps[place]
        if theta + h == theta - h:
            return Judgement.UNMOVED
        return Judgement.CROSSED if crossings(self.probe, self.theta, place, h) else Judgement.WRONG

    def rounded(self, place: int, slope: float, tolerance: float) -> bool:
        """Whether the gradient and its complex step lie apart by the rounding of either.

        The complex step is taken once more in extended precision; what that changes
        tells how far it may be off itself.
        """
        finely = complex_step(self.probe, self.theta.astype(np.longdouble), [place])[0]
        of_both = float(self.rounding[place]) + ROUNDINGS * FINER * abs(slope - finely)
        return bool(np.isfinite(of_both) and abs(finely - self.gradient[place]) <= tolerance + of_both)

    def judged(self, places: IndexArray, slopes: Array, scale: float) -> Array:
        """A judgement for each place, the largest errors first; after one that is wrong no finer step is taken."""
        errors = np.abs(slopes - self.gradient[places])
        tolerance = scale * (COMPLEX_TOLERANCE if self.method == "complex-step" else CENTRAL_TOLERANCE)
        beyond = np.flatnonzero(~(errors <= tolerance))
        judged = np.full(len(places), Judgement.AGREES)
        for k in beyond[np.argsort(-errors[beyond])]:
            settled = self.method == "complex-step" and judged.max() == Judgement.WRONG
            judged[k] = Judgement.WRONG if settled else self.judge(int(places[k]), float(slopes[k]), tolerance)
        return judged

    def check(self, group: Group) -> Checked:
        """Compare one layer's W or b."""
        places, scale = self.places(group), self.scale(group.layer)
        slopes = self.slopes(places)
        errors, judged = np.abs(slopes - self.gradient[places]), self.judged(places, slopes, scale)
        counts = {kind: int((judged == kind).sum()) for kind in Judgement}
        skipped = counts[Judgement.UNMOVED] + counts[Judgement.CROSSED]
        crossed = [
            side
            for place in places[judged == Judgement.CROSSED]
            for side in crossings(self.probe, self.theta, int(place), self.steps[place])
        ]
        relative = relative_to(errors[judged >= Judgement.AGREES], scale)
        worst = None
        if skipped < len(places):  # the worst of those that are wrong, else of those that agree, else of the rest
            worst = int(np.argmax(np.where(judged == judged.max(), np.nan_to_num(errors, nan=np.inf), -1)))
        row, column = (None, None) if worst is None else divmod(int(places[worst]) - group.start, group.shape[1])
        return Checked(
            examples=self.probe.X.shape[1],
            layer=group.layer,
            kind=group.kind,
            parameters=group.shape[0] * group.shape[1],
            checked=len(places) - skipped,
            skipped=skipped,
            unmoved=counts[Judgement.UNMOVED],
            rounded=counts[Judgement.ROUNDED],
            largest=float(relative.max()) if len(relative) else None,
            median=float(np.median(relative)) if len(relative) else None,
            row=row,
            column=column,
            backward=None if worst is None else float(self.gradient[places[worst]]),
            difference=None if worst is None else float(slopes[worst]),
            passed=not counts[Judgement.WRONG],
            crossed=tuple(dict.fromkeys(crossed)),
        )


def relative_to(errors: Array, scale: float) -> Array:
    """Errors by the layer's largest gradient; where that is 0, an error is infinitely wrong."""
    if scale > 0:
        return errors / scale
    return np.where(errors == 0, 0.0, np.inf)
