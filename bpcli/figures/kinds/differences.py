"""Central differences: how their error depends on their step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.checking.comparison import GradientComparison
from bpcli.checking.step_sizes import STEPS, StepSizeError, step_size_error
from bpcli.checking.subject import parameter_groups, subjects_of
from bpcli.experiment import Experiment
from bpcli.figures.figure import Axis, Figure, Line, Mark, Panel, Reference
from bpcli.figures.plotted_run import PlottedRun
from bpcli.nn import Array, IndexArray

PER_GROUP, EXAMPLES = 20, 8
"""How many parameters of each W and b are differentiated, and on how many examples."""

PRODUCTS = 1_000_000
"""Products of a parameter and an example that the exact derivative computes in a second or two."""

SMALLEST = 1e-17
"""What an error of 0 is drawn as."""


@dataclass(frozen=True)
class Differences:
    """The error of central differences (L(θ + h) − L(θ − h))/2h over their step h, both on logarithmic scales.

    Errors are relative to the largest derivative of the layer, in float64, against the derivative that bp gradcheck
    certifies. For large steps the error is what the Taylor series leaves out, and shrinks with h²; for small steps it
    is rounding, and grows with 1/h. Between them lies the step to take; a loss with kinks may bend the curve.
    """

    several: ClassVar[bool] = False
    of_part: ClassVar[bool] = False

    def objection(self, run: PlottedRun) -> str:
        """Every loss can be differentiated."""
        return ""

    def figure(self, runs: Sequence[PlottedRun]) -> Figure:
        """The largest and the median error, and the two slopes."""
        (run,) = runs
        opened = run.reopened.experiment([])
        errors = errors_of(opened.experiment)
        h = np.array([error.h for error in errors])
        largest, median = (_column([getattr(error, name) for error in errors]) for name in ("largest", "median"))
        marks: list[Mark] = [
            *_slopes(h, median),
            Line(h, largest, "largest error"),
            Line(h, median, "median error", 1),
        ]
        best = h[int(np.nanargmin(median))] if np.isfinite(median).any() else np.nan
        crossed = max(error.crossed for error in errors)
        notes = [f"{max(error.checked for error in errors)} parameters; the median is least at h = {best:g}."]
        notes += [f"At up to {crossed} parameters a step crosses a kink; these are left out."] if crossed else []
        axes = Axis("step h", log=True), Axis("error, relative", log=True)
        title = f"{run.folder.name}: central differences"
        return Figure(title, (Panel(tuple(marks), "", *axes),), (*notes, *opened.warnings), across=1)


def errors_of(built: Experiment) -> list[StepSizeError]:
    """The errors at every step, at the experiment's parameters."""
    train = built.loaded.parts["train"]
    theta = built.parameters.theta
    affordable = max(2, PRODUCTS // theta.size)
    batch = _spread(train.size, min(EXAMPLES, affordable, train.size))
    (subject,) = subjects_of(built.recipe, theta, train, [batch], built.engine, theta.dtype)
    comparison = GradientComparison(built.network, subject.theta, subject.gradient, subject.probe, "central")
    chosen = parameter_groups(built.network, PER_GROUP, built.plan.seed)
    return [step_size_error(comparison, chosen, h) for h in STEPS]


def _spread(size: int, count: int) -> IndexArray:
    """So many of the examples, evenly spread."""
    return np.asarray(np.arange(count) * size // count)


def _column(errors: Sequence[float]) -> Array:
    """Errors as they are drawn: 0 has no logarithm."""
    return np.asarray(np.maximum(np.array(errors, float), SMALLEST))


def _slopes(h: Array, median: Array) -> list[Mark]:
    """h² and 1/h, through the errors of the largest and the smallest step."""
    there = np.flatnonzero(np.isfinite(median))
    if not len(there):
        return []
    first, last = there[0], there[-1]
    least = float(np.nanmin(median))
    found: list[Mark] = []
    for name, line in (("h²", median[first] * (h / h[first]) ** 2), ("1/h", median[last] * h[last] / h)):
        shown = line >= least / 10
        found.append(Reference(h[shown], line[shown], name))
    return found
