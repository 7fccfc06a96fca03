"""The gradient that trains, held against differences, layer by layer: what ``bp gradcheck`` reports.

The trainer's own code fills the gradient, in float64, on real examples: first a
full batch, then a shorter one with the same network, parameters and buffers.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, Literal

import numpy as np

from bpcli import training
from bpcli.data.sources import Examples
from bpcli.engines import Engine
from bpcli.errors import DivergedError
from bpcli.nn import Array, IndexArray
from bpcli.nn.gradcheck import (
    CENTRAL_STEP,
    FINER,
    ROUNDINGS,
    Probe,
    Side,
    central,
    complex_step,
    crossings,
    loss_rounding,
    rounding,
)
from bpcli.nn.metrics import Decisions
from bpcli.nn.network import Network
from bpcli.nn.optimizers import Gradient, OptimizerState
from bpcli.nn.parameters import Parameters, count
from bpcli.streams import stream

Method = Literal["complex-step", "central"]
Kind = Literal["W", "b"]

COMPLEX_TOLERANCE = 1e-11
"""Of the layer's largest gradient: some hundred times the rounding seen, far below any real mistake."""

CENTRAL_TOLERANCE, CENTRAL_FLOOR = 1e-7, 1e-9
"""Of the layer's largest gradient, and of max(1, |L|) at the usual step: what rounding allows central differences."""

EVERY = 2000
"""Networks of up to so many parameters are checked whole."""

SAMPLE = 100
"""Parameters of each layer and kind checked in larger networks, unless told otherwise."""


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
    crossed: tuple[Side, ...]


@dataclass(frozen=True)
class Group:
    """Parameters of one layer and kind to check: ``places`` in θ, of an array that starts at ``start``."""

    layer: int
    kind: Kind
    shape: tuple[int, int]
    start: int
    places: IndexArray


def groups(network: Network, per_group: int | None, seed: int) -> list[Group]:
    """Every parameter of a small network, else a seeded sample of each layer's W and b."""
    sizes = network.sizes
    size = count(sizes)
    limit = per_group or (size if size <= EVERY else SAMPLE)
    rng = stream(seed, "gradient check")
    found, start = [], 0
    numbered = Parameters(sizes, np.zeros(size))
    for layer in range(1, len(sizes)):
        kinds: tuple[tuple[Kind, Array], ...] = (("W", numbered.W[layer]), ("b", numbered.b[layer]))
        for kind, array in kinds:
            own = np.arange(start, start + array.size)
            chosen = own if array.size <= limit else np.sort(rng.permutation(own)[:limit])
            found.append(Group(layer, kind, (array.shape[0], array.shape[1]), start, chosen))
            start += array.size
    return found


@dataclass(frozen=True)
class Remember:
    """The rule that changes nothing and keeps the gradient it was given."""

    learning_rate: float = 0.0

    def start(self, theta: Array) -> OptimizerState:
        """Room for the gradient."""
        return OptimizerState({"gradient": np.zeros_like(theta)}, np.zeros_like(theta), theta[:0])

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient) -> Any:
        """Keep the gradient; return what the function of it returned."""
        loss = gradient(theta, state.dtheta, 1.0)
        np.copyto(state.memory["gradient"], state.dtheta)
        return loss


def gradients_of(
    network: Network, theta: Array, examples: Examples, batches: list[IndexArray], engine: Engine | None = None
) -> list[Array]:
    """The gradient at θ, (P,), that the engine's own steps compute on each batch in turn, through the same buffers."""
    rule = Remember()
    state = training.start(theta.copy(), rule, Decisions(network.sizes[-1], "largest"))
    steps = (engine or Engine()).steps(network, rule, state, examples)
    found = []
    for batch in batches:
        state.position = 0
        with suppress(DivergedError):  # a gradient there is all the same
            steps.run(batch, len(batch), np.inf)
        found.append(state.optimizer.memory["gradient"].copy())
    return found


def probe_of(network: Network, examples: Examples, batch: IndexArray) -> Probe:
    """L on the examples ``batch``, for differences."""
    ws = network.workspace(len(batch), np.float64)
    examples.gather(batch, ws.X, ws.Y)
    return Probe(network, ws.X, ws.Y)


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
        return self.probe.steps(self.theta, CENTRAL_STEP)

    @cached_property
    def rounding(self) -> Array:
        """How far rounding may turn each gradient."""
        rng = stream(0, "gradient check")
        return rounding(self.network, self.theta, self.probe.X, self.probe.Y, rng)

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
        relative = _relative(errors[judged >= Judgement.AGREES], scale)
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


def _relative(errors: Array, scale: float) -> Array:
    """Errors by the layer's largest gradient; where that is 0, an error is infinitely wrong."""
    if scale > 0:
        return errors / scale
    return np.where(errors == 0, 0.0, np.inf)


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
    steps = probe.steps(theta, h)
    errors, crossed = [], 0
    for group in chosen:
        crossing = np.array([bool(crossings(probe, theta, int(place), steps[place])) for place in group.places])
        smooth = group.places[~crossing]
        apart = np.abs(central(probe, theta, smooth, steps) - comparison.gradient[smooth])
        errors.append(_relative(apart[~np.isnan(apart)], comparison.scale(group.layer)))
        crossed += int(crossing.sum())
    joined = np.concatenate(errors)
    if not len(joined):
        return StepSize(h, np.nan, np.nan, 0, crossed)
    return StepSize(h, float(joined.max()), float(np.median(joined)), len(joined), crossed)
