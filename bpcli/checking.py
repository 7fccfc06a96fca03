"""The gradient that trains, held against differences, layer by layer: what ``bp gradcheck`` reports.

The trainer's own code fills the gradient, in float64, on real examples: first a
full batch, then a shorter one with the same network, parameters and buffers.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bpcli import training
from bpcli.engines import Engine
from bpcli.errors import DivergedError
from bpcli.gradients import Examples
from bpcli.nn import Array, IndexArray
from bpcli.nn.gradcheck import Probe, Side, central, complex_step, crossings, rounding
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
"""Of the layer's largest gradient, and of max(1, |L|): what rounding allows central differences."""

EVERY = 2000
"""Networks of up to so many parameters are checked whole."""

SAMPLE = 100
"""Parameters of each layer and kind checked in larger networks, unless told otherwise."""


@dataclass(frozen=True)
class Checked:
    """One layer's W or b on one batch of ``examples``; errors relative to the layer's largest gradient.

    The largest error sits at ``row`` and ``column`` (0 for b); ``backward`` and
    ``difference`` are the two derivatives there. ``crossed`` lists units whose
    kink lies within the step of a central difference, which then says nothing:
    the parameters concerned count as ``skipped``, not as checked. ``vanished``
    counts those whose gradient is so small that the rounding of A − Y, in which
    outputs and targets agree, is all there is of it.
    """

    examples: int
    layer: int
    kind: Kind
    parameters: int
    checked: int
    skipped: int
    vanished: int
    largest: float
    median: float
    row: int
    column: int
    backward: float
    difference: float
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

    def step(self, theta: Array, state: OptimizerState, gradient: Gradient) -> float:
        """Keep the gradient; return the loss."""
        loss = gradient(theta, state.dtheta)
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
        deque(steps.prepare(len(batch)), maxlen=0)
        state.position = 0
        with suppress(DivergedError):  # a gradient there is all the same
            steps.run(batch, len(batch), np.inf)
        found.append(state.optimizer.memory["gradient"].copy())
    return found


def probe_of(network: Network, examples: Examples, batch: IndexArray) -> Probe:
    """L on the examples ``batch``, for differences."""
    ws = network.workspace(len(batch), np.float64)
    examples.features.gather(batch, ws.X)
    examples.targets.gather(batch, ws.Y)
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
        differences = complex_step if self.method == "complex-step" else central
        return differences(self.probe, self.theta, places)

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

    def allowed(self, layer: int) -> float:
        """How far backward and differences may lie apart in a layer."""
        if self.method == "complex-step":
            return COMPLEX_TOLERANCE * self.scale(layer)
        return CENTRAL_TOLERANCE * self.scale(layer) + CENTRAL_FLOOR * max(1.0, abs(self.probe(self.theta)))

    def check(self, group: Group) -> Checked:
        """Compare one layer's W or b."""
        places = self.places(group)
        slopes = self.slopes(places)
        errors = np.abs(slopes - self.gradient[places])
        wrong = ~(errors <= self.allowed(group.layer))
        crossed: dict[Side, None] = {}
        vanished = 0
        for k in np.flatnonzero(wrong):
            place = int(places[k])
            if self.method == "central":
                sides = crossings(self.probe, self.theta, place)
                crossed |= dict.fromkeys(sides)
                if sides:
                    errors[k] = SKIPPED
            elif errors[k] <= rounding(self.probe, self.theta, place):
                wrong[k] = False
                vanished += 1
        counted = errors != SKIPPED
        worst = int(np.argmax(np.where(np.isnan(errors), np.inf, errors)))
        row, column = divmod(int(places[worst]) - group.start, group.shape[1])
        relative = _relative(errors[counted], self.scale(group.layer))
        return Checked(
            examples=self.probe.X.shape[1],
            layer=group.layer,
            kind=group.kind,
            parameters=group.shape[0] * group.shape[1],
            checked=int(counted.sum()),
            skipped=int((~counted).sum()),
            vanished=vanished,
            largest=float(relative.max(initial=0.0)),
            median=float(np.median(relative)) if len(relative) else 0.0,
            row=row,
            column=column,
            backward=float(self.gradient[places[worst]]),
            difference=float(slopes[worst]),
            passed=not bool((wrong & counted).any()),
            crossed=tuple(crossed),
        )


SKIPPED = -1.0
"""Stands for the error of a parameter that is not counted."""


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

    Of ``checked`` parameters; the other ``crossed`` ones move some unit across a kink, where a difference
    says nothing. Errors are NaN where nothing was checked.
    """

    h: float
    largest: float
    median: float
    checked: int
    crossed: int


def step_size(comparison: Comparison, chosen: list[Group], h: float) -> StepSize:
    """The error of central differences with one step: truncation shrinks with h², round-off grows with 1/h."""
    probe, theta = comparison.probe, comparison.theta
    errors, crossed = [], 0
    for group in chosen:
        smooth = np.array([not crossings(probe, theta, int(place), h) for place in group.places])
        places = group.places[smooth]
        apart = np.abs(central(probe, theta, places, h) - comparison.gradient[places])
        errors.append(_relative(apart, comparison.scale(group.layer)))
        crossed += int((~smooth).sum())
    joined = np.concatenate(errors)
    if not len(joined):
        return StepSize(h, np.nan, np.nan, 0, crossed)
    return StepSize(h, float(joined.max()), float(np.median(joined)), len(joined), crossed)
