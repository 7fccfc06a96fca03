"""Pictures of choices, drawn from the formulas that they state: activations, losses and schedules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpcli.figures.drawing import drawn
from bpcli.figures.figure import Axis, Figure, Line, Mark, Panel
from bpcli.nn import Array
from bpcli.nn.expressions import Floats, evaluate, pull_back
from bpcli.nn.formulas import parse
from bpcli.nn.losses.forms import in_symbols
from bpcli.nn.markup import filled
from bpcli.reporting.rate_curve import PER_EPOCH, rate_shares
from docs.generate.formulas import example_of

POINTS = 801


def picture(kind: str, name: str, choice: type[Any]) -> bytes | None:
    """The picture of a choice as SVG; None where there is nothing to draw."""
    example = example_of(choice)
    draw = DRAWN.get(kind)
    figure = None if draw is None or isinstance(example, type) else draw(name, example)
    return None if figure is None else drawn(figure, "svg")


def _of_activation(name: str, activation: Any) -> Figure | None:
    """f and f′ around 0."""
    if not activation.elementwise:
        return None
    z = np.linspace(-4, 4, POINTS)
    formula = parse(filled(activation.formula, activation, z="z", **_owned(activation)))
    a, back = pull_back(formula, {"z": z}, Floats())
    curves = (Line(z, np.broadcast_to(a, z.shape), "f(z)", 0), Line(z, _slope(back, z), "f′(z)", 1))
    return Figure(name, (Panel(curves, x=Axis("z"), y=Axis(limits=_limits(curves, -2.0, 4.0))),))


def _owned(activation: Any) -> dict[str, str]:
    return {name: str(first) for name, first in activation.owned.items()}


def _slope(back: Callable[[Any], Mapping[str, Any]], z: Array) -> Array:
    """dz for an adjoint of 1 everywhere."""
    return np.broadcast_to(np.asarray(back(np.ones_like(z)).get("z", 0.0), float), z.shape)


def _limits(curves: tuple[Line, ...], low: float, high: float) -> tuple[float, float]:
    """The ends of an axis: those of the curves, cut at ``low`` and ``high``."""
    ends = [np.clip([line.y.min(), line.y.max()], low, high) for line in curves]
    smallest, largest = min(end[0] for end in ends), max(end[1] for end in ends)
    margin = 0.05 * (largest - smallest)
    return float(smallest - margin), float(largest + margin)


def _of_loss(name: str, loss: Any) -> Figure | None:
    """One output's term over the output, for some targets."""
    targets, outputs = _shown(loss)
    sign = -1.0 if loss.likelihood else 1.0
    term = parse(in_symbols(loss.term, loss, 1, a="a", y="y"))
    values = [sign * evaluate(term, {"a": outputs, "y": np.full_like(outputs, y)}, Floats()) for y in targets]
    curves = tuple(
        Line(outputs, np.broadcast_to(value, outputs.shape), f"y = {y:g}", look)
        for look, (y, value) in enumerate(zip(targets, values, strict=True))
    )
    return Figure(name, (Panel(curves, x=Axis("a"), y=Axis("the term", limits=_limits(curves, -1.0, 5.0))),))


def _shown(loss: Any) -> tuple[tuple[float, ...], Array]:
    """Targets, and outputs, over which a loss is drawn."""
    low, high = loss.domain
    codes = (loss.targets.on,) if loss.targets.class_indices else (loss.targets.off, loss.targets.on)
    if np.isfinite(high):
        return codes, np.linspace(low + 1e-3, high - 1e-3, POINTS)
    if np.isfinite(low):
        return (1.0, 3.0), np.linspace(0.05, 8, POINTS)
    return codes if loss.targets.off else (0.0,), np.linspace(-3, 3, POINTS)


def _of_schedule(name: str, schedule: Any) -> Figure:
    """The rates of a short training, while nothing improves."""
    shares = rate_shares(schedule, PER_EPOCH)
    marks: tuple[Mark, ...] = (Line(np.arange(len(shares)) / PER_EPOCH, shares),)
    note = Axis("learning rate / η", limits=(-0.05, 1.05))
    return Figure(name, (Panel(marks, x=Axis("epochs"), y=note),))


DRAWN: Mapping[str, Callable[[str, Any], Figure | None]] = {
    "activations": _of_activation,
    "losses": _of_loss,
    "schedules": _of_schedule,
}
"""How choices of a kind are drawn."""
