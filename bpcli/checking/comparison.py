"""A gradient against the certified derivative, and against differences of the loss: an outcome for each parameter.

The certified derivative decides. Differences are shown beside it: they are a method that
anyone can follow, but where a loss rounds or a kink lies within the step they are themselves off.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from functools import cached_property
from itertools import chain
from math import inf, isfinite, log10
from typing import Any, Literal

import numpy as np

from bpcli.checking import precisions
from bpcli.checking.decimals import rounded
from bpcli.checking.error_bounds import error_bounds, largest_number
from bpcli.checking.reference import Reference, certify
from bpcli.checking.subject import ParameterGroup, by_layer
from bpcli.nn import Array, IndexArray
from bpcli.nn.gradient_check import (
    CENTRAL_STEP,
    Crossing,
    Probe,
    central,
    complex_step,
    crossings,
    loss_rounding,
)
from bpcli.nn.network import Network
from bpcli.streams import stream

Method = Literal["complex-step", "central"]

TOLERANCE: dict[np.dtype[Any], float] = {np.dtype(np.float64): 1e-11, np.dtype(np.float32): 1e-4}
"""The error that needs no excuse, relative to the layer's largest derivative: far below any mistake."""

EXCUSED: dict[np.dtype[Any], float] = {dtype: precisions.EXCUSED[dtype.name] for dtype in TOLERANCE}
"""The most that rounding excuses in the trainer's precisions, relative to the layer's largest derivative."""

CENTRAL_TOLERANCE = 1e-7
"""The error of a central difference, relative to the layer's largest derivative, from which kinks are looked for."""

Verdict = Literal["agrees", "not judgeable", "wrong"]


class Outcome(IntEnum):
    """What the comparison says about one parameter; the worst last."""

    AGREES = 0
    """The gradient is the derivative within the tolerance."""
    ROUNDED = 1
    """It differs by no more than rounding does, and by a small part of the derivative, or the derivative is 0."""
    UNJUDGEABLE = 2
    """It differs by no more than rounding does, but by more than a small part of the derivative."""
    WRONG = 3
    """It differs by more than rounding explains."""


@dataclass(frozen=True)
class Differences:
    """What differences of the loss say about some parameters of a group.

    ``taken`` of them; ``unmoved``, because θ is too large for the step; ``error``, the largest relative to the
    layer's largest derivative, None without one; ``crossed``, the units that a step moves across a kink, where
    a difference is no derivative.
    """

    taken: int
    unmoved: int
    error: float | None
    crossed: tuple[Crossing, ...]


@dataclass(frozen=True)
class GroupCheck:
    """The check of one group of parameters on a batch of m ``examples``, in the precision ``dtype``.

    ``checked`` parameters are judged, ``rounded`` of them with the excuse of rounding; ``skipped`` ones cannot be
    judged. ``digits`` are the right digits of the array: those of its largest error against its largest
    derivative. ``largest`` and ``median`` are errors relative to the layer's largest derivative. The largest error
    is at ``row`` and ``column`` (0 for b), where ``backward`` is the gradient and ``exact`` the derivative. What
    does not exist is None.
    """

    examples: int
    layer: int
    kind: str
    dtype: str
    parameters: int
    checked: int
    skipped: int
    rounded: int
    digits: float | None
    largest: float | None
    median: float | None
    row: int
    column: int
    backward: float
    exact: float | None
    verdict: Verdict
    differences: Differences

    @property
    def passed(self) -> bool:
        """Whether every gradient of the group agrees."""
        return self.verdict == "agrees"


@dataclass(frozen=True)
class LossCheck:
    """The loss that forward computes, its exact value, its right digits and the verdict on it."""

    value: float
    exact: float
    digits: float | None
    verdict: Verdict


@dataclass(frozen=True)
class GradientComparison:
    """A gradient, (P,), at θ, (P,), both in the precision that trains, on the probe's batch."""

    network: Network
    theta: Array
    gradient: Array
    probe: Probe
    method: Method

    @cached_property
    def reference(self) -> Reference:
        """The certified derivative."""
        return certify(self.probe, self.theta)

    @cached_property
    def derivative(self) -> Array:
        """The certified derivative as floats, (P,)."""
        return rounded(self.reference.gradient)

    @cached_property
    def errors(self) -> Array:
        """The gradient's errors, (P,), not negative; infinite where the gradient is not finite."""
        return np.nan_to_num(np.abs(self.reference.error(self.gradient)), nan=np.inf, posinf=np.inf)

    @cached_property
    def rounding(self) -> Array:
        """How far rounding and underflow may change each gradient, (P,)."""
        kind = np.finfo(self.theta.dtype)
        return error_bounds(self.probe, self.theta, self.reference, float(kind.eps), float(kind.tiny))

    @cached_property
    def overflows(self) -> bool:
        """Whether a number on the way to the gradient is beyond the range of its precision."""
        return largest_number(self.probe, self.reference) > float(np.finfo(self.theta.dtype).max)

    def scale(self, layer: int) -> float:
        """The layer's largest derivative."""
        blocks = by_layer(self.network.parameters(self.derivative))
        return max(float(np.abs(array).max(initial=0.0)) for l, _, array in blocks if l == layer)

    def outcomes(self, group: ParameterGroup, scale: float) -> Array:
        """The outcome of each of the group's parameters, (k,)."""
        own = slice(group.start, group.start + group.size)
        errors, certain = self.errors[own], self.reference.certain[own]
        dtype = self.theta.dtype
        right = np.isfinite(errors) & (errors <= TOLERANCE[dtype] * scale)
        outcomes = np.where(right, Outcome.AGREES, Outcome.WRONG)
        if (outcomes == Outcome.WRONG).any():
            bound = self.rounding[own]
            explained = (outcomes == Outcome.WRONG) & (errors <= bound)
            little = (errors <= EXCUSED[dtype] * scale) | (scale == 0)
            outcomes[explained & little], outcomes[explained & ~little] = Outcome.ROUNDED, Outcome.UNJUDGEABLE
        beyond = ~np.isfinite(errors) & (self.overflows | ~np.isfinite(self.derivative[own]))
        outcomes[~certain | beyond] = Outcome.UNJUDGEABLE
        return outcomes

    def check(self, group: ParameterGroup) -> GroupCheck:
        """Compare the gradients of one group with the derivative, and differences at the group's places too."""
        own, scale = slice(group.start, group.start + group.size), self.scale(group.layer)
        errors, outcomes = self.errors[own], self.outcomes(group, scale)
        judged = outcomes != Outcome.UNJUDGEABLE
        relative = relative_to(errors[judged], scale)
        worst = int(np.argmax(np.where(outcomes == outcomes.max(), errors, -1)))
        row, column = divmod(worst, group.shape[1])
        return GroupCheck(
            examples=self.probe.X.shape[1],
            layer=group.layer,
            kind=group.kind,
            dtype=self.theta.dtype.name,
            parameters=group.size,
            checked=int(judged.sum()),
            skipped=int((~judged).sum()),
            rounded=int((outcomes == Outcome.ROUNDED).sum()),
            digits=_digits(errors, self.derivative[own], self.theta.dtype),
            largest=float(relative.max()) if len(relative) else None,
            median=float(np.median(relative)) if len(relative) else None,
            row=row,
            column=column,
            backward=float(self.gradient[own][worst]),
            exact=float(self.derivative[own][worst]) if self.reference.certain[own][worst] else None,
            verdict=VERDICTS[Outcome(outcomes.max())],
            differences=self.differences(group, scale),
        )

    @cached_property
    def loss(self) -> LossCheck:
        """The loss of forward against its exact value."""
        value, exact = float(self.probe(self.theta).real), self.reference.loss
        error = abs(float(Decimal(value) - exact)) if isfinite(value) and exact.is_finite() else inf
        digits = _digits(np.array([error]), np.array([float(exact)]), self.theta.dtype)
        return LossCheck(value, float(exact), digits, self._verdict_on_loss(error, abs(float(exact))))

    def _verdict_on_loss(self, error: float, size: float) -> Verdict:
        """The verdict on a loss with this error; one that is beyond the precision's range cannot be judged."""
        dtype = self.theta.dtype
        if not isfinite(error):
            in_range = size <= float(np.finfo(dtype).max) and not self.overflows
            return "wrong" if in_range and self.reference.certain.all() else "not judgeable"
        if error <= TOLERANCE[dtype] * size:
            return "agrees"
        if error > loss_rounding(self.probe, self.theta, stream(0, "gradient check")):
            return "wrong"
        return "agrees" if error <= EXCUSED[dtype] * max(size, 1.0) else "not judgeable"

    # Differences of the loss.

    @cached_property
    def steps(self) -> Array:
        """The step of central differences for each parameter, (P,)."""
        return self.probe.step_sizes(self.theta.astype(np.float64), CENTRAL_STEP)

    def slopes(self, places: IndexArray) -> Array:
        """∂L/∂θ at ``places``, (k,), by differences."""
        if self.method == "complex-step":
            return complex_step(self.probe, self.theta, places)
        return central(self.probe, self.theta, places, self.steps)

    @property
    def differentiates(self) -> bool:
        """Whether differences are taken: in float64 alone, because they would be the same elsewhere."""
        return self.theta.dtype == np.float64

    def differences(self, group: ParameterGroup, scale: float) -> Differences:
        """Differences at the group's places, against the derivative."""
        if not self.differentiates:
            return Differences(0, 0, None, ())
        places = group.places
        with np.errstate(all="ignore"):
            slopes = self.slopes(places)
            errors = np.abs(slopes - self.derivative[places])
        unmoved = np.isnan(slopes) & (self.method == "central")
        crossed = self._crossed(places, (errors > CENTRAL_TOLERANCE * scale) & ~unmoved)
        usable = [k for k in range(len(places)) if np.isfinite(errors[k]) and not crossed[k]]
        largest = float(relative_to(errors[usable], scale).max()) if usable else None
        units = tuple(dict.fromkeys(chain.from_iterable(crossed)))
        return Differences(len(places), int(unmoved.sum()), largest, units)

    def _crossed(self, places: IndexArray, suspect: Array) -> list[list[Crossing]]:
        """The units that the step at each place moves across a kink, looked for at the ``suspect`` places."""
        if self.method == "complex-step":
            return [[] for _ in places]
        return [
            crossings(self.probe, self.theta, int(place), self.steps[place]) if looked_for else []
            for place, looked_for in zip(places, suspect, strict=True)
        ]


VERDICTS: dict[Outcome, Verdict] = {
    Outcome.AGREES: "agrees",
    Outcome.ROUNDED: "agrees",
    Outcome.UNJUDGEABLE: "not judgeable",
    Outcome.WRONG: "wrong",
}


def _digits(errors: Array, right: Array, dtype: np.dtype[Any]) -> float | None:
    """Right digits of an array: of its largest error against its largest entry, at most those of the precision.

    None for an array of zeros, which has no digits.
    """
    most = -log10(float(np.finfo(dtype).eps))
    error, largest = float(errors.max()), float(np.abs(right).max())
    if not largest:
        return None
    return min(most, max(0.0, -log10(error / largest))) if 0 < error < inf else 0.0 if error else most


def relative_to(errors: Array, scale: float) -> Array:
    """Errors divided by the layer's largest derivative, ``scale``; where that is 0, any error is infinite."""
    if scale > 0:
        with np.errstate(all="ignore"):
            return np.asarray(errors / scale)
    return np.where(errors == 0, 0.0, np.inf)
