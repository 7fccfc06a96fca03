"""Distributions of activations and gradients, layer by layer: whether anything dies out or blows up on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcli.data.loading import Part
from bpcli.figures.drawable import is_drawable
from bpcli.figures.figure import Axis, Figure, Line, Mark, Panel
from bpcli.figures.plotted_run import PlottedRun
from bpcli.nn import Array
from bpcli.nn.loss_sums import weight_of
from bpcli.runs.model_file import Model

EXAMPLES = 1000
"""The most examples that are passed through the network."""

BINS, MOST_LAYERS = 40, 8


@dataclass(frozen=True)
class Distributions:
    """How the activations A of each layer, and the entries of its gradient ∂L/∂W, are distributed.

    Activations at one value for most examples, such as 0 or the ends of tanh, are of units that are dead or saturated.
    Gradients are shown by their size, on a logarithmic scale: layers that lie far apart learn at different speeds,
    and gradients that shrink from the last layer to the first vanish. At the kept parameters, without dropout,
    penalties or clipping.
    """

    several: ClassVar[bool] = False
    of_part: ClassVar[bool] = True

    def objection(self, run: PlottedRun) -> str:
        """Every network has layers."""
        return ""

    def figure(self, runs: Sequence[PlottedRun]) -> Figure:
        """A panel of the activations, and one of the gradients."""
        (run,) = runs
        activations, gradients = passed(run.model, run.part)
        shown = np.unique(np.linspace(1, len(activations), min(len(activations), MOST_LAYERS)).astype(int)).tolist()
        panels = (
            Panel(
                tuple(_lines(shown, activations, log=False)), "activations", Axis("activation"), Axis("share of values")
            ),
            Panel(
                tuple(_lines(shown, gradients, log=True)),
                "gradients",
                Axis("|∂L/∂W|", log=True),
                Axis("share of entries"),
            ),
        )
        examples = min(run.part.size, EXAMPLES)
        notes = [f"{examples:,} examples.", *_notes(shown, activations, gradients)]
        return Figure(f"{run.title}: distributions", panels, tuple(notes))


def passed(model: Model, part: Part) -> tuple[list[Array], list[Array]]:
    """A_l and ∂L/∂W_l of every layer, from evenly spread examples; each as (k,) values, l = 1 … L."""
    examples = np.unique(np.linspace(0, part.size - 1, min(part.size, EXAMPLES)).astype(np.intp))
    network, parameters = model.network, model.parameters
    ws = network.workspace(len(examples), model.dtype, weighted=part.weights is not None)
    part.gather(examples, ws.X, ws.Y, ws.weights)
    gradient = network.parameters(np.zeros_like(parameters.theta))
    with np.errstate(all="ignore"):
        network.forward(parameters, ws)
        network.backward(parameters, gradient, ws, float(network.scale(weight_of(ws))))
    return ([np.asarray(array, np.float64).ravel() for array in arrays[1:]] for arrays in (ws.A, gradient.W))  # type: ignore[return-value]


def _lines(shown: Sequence[int], layers: Sequence[Array], *, log: bool) -> Iterator[Mark]:
    """The share of values in each bin, of each layer, over common bins."""
    chosen = [np.abs(layers[l - 1]) if log else layers[l - 1] for l in shown]
    chosen = [values[is_drawable(values) & ((values > 0) | (not log))] for values in chosen]
    there = np.concatenate(chosen)
    if not len(there):
        return
    low, high = float(there.min()), float(there.max())
    edges = np.geomspace(low, high, BINS + 1) if log else np.linspace(low, high, BINS + 1)
    if not low < high:
        edges = np.array([low - 0.5, low + 0.5]) if not log else np.array([low / 2, low * 2])
    middles = np.sqrt(edges[1:]) * np.sqrt(edges[:-1]) if log else (edges[1:] + edges[:-1]) / 2
    for k, (l, values) in enumerate(zip(shown, chosen, strict=True)):
        counts, _ = np.histogram(values, edges)
        yield Line(middles, counts / max(1, len(layers[l - 1])), f"layer {l}", k)


def _notes(shown: Sequence[int], activations: Sequence[Array], gradients: Sequence[Array]) -> Iterator[str]:
    if len(shown) < len(activations):
        yield f"{len(shown)} of {len(activations)} layers."
    for word, layers in (("activations", activations), ("gradients", gradients)):
        zeros = [float(np.mean(layers[l - 1] == 0)) for l in shown]
        if any(zeros):
            told = ", ".join(f"{share:.0%} in layer {l}" for l, share in zip(shown, zeros, strict=True) if share)
            yield f"{word.capitalize()} that are exactly 0: {told}."
        beyond = sum(int((~is_drawable(layers[l - 1])).sum()) for l in shown)
        if beyond:
            yield f"{word.capitalize()} that are not finite, or too large to be drawn: {beyond:,}."
