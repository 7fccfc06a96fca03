"""The equations of forward and backward on given arrays, layer by layer; the units of a wide layer in bands.

A band has some units of a layer: all that is theirs of Z, A, dA, dZ, W, b, dW, db. Threads compute the bands of a layer
side by side, and all of them before the next layer. Bands follow from the work alone, so no bit depends on threads.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from bpcli.nn.layers import layer_statements
from bpcli.nn.network import Network, Step
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace
from bpcli.team import SERIAL, Team
from bpcli.training.shards.buckets import Report
from bpcli.training.shards.cutting import bands


def bands_of(network: Network, l: int, m: int, shards: int) -> list[slice]:
    """The bands of layer l in a shard of m examples: one at the head, and where a layer needs all units at once."""
    n = network.sizes[l]
    apart = l < len(network.layers) and layer_statements(network.layers[l - 1]).units_apart
    return bands(n, network.sizes[l - 1], m, shards) if apart else [slice(0, n)]


def entries_of_bands(network: Network, m: int, shards: int) -> list[slice]:
    """All entries of θ, those of W by bands: of the first bands of all layers first, then of the next ones.

    Threads that share out such a list in blocks change the W that they compute with, from the dW that they computed.
    Without bands it is one slice.
    """
    cut, end = list[tuple[float, slice]](), 0
    for l, W in enumerate(network.layout.weights, start=1):
        units, below = bands_of(network, l, m, shards), network.sizes[l - 1]
        cut.append((0.0, slice(end, W.start)))
        for k, band in enumerate(units):
            cut.append((k / len(units), slice(W.start + band.start * below, W.start + band.stop * below)))
        end = W.stop
    cut.append((0.0, slice(end, network.layout.count)))
    return _joined(entries for _, entries in sorted(cut, key=lambda one: one[0]))


def _joined(cut: Iterable[slice]) -> list[slice]:
    """Slices, each joined with the one before where that ends where it begins."""
    found: list[slice] = []
    for one in cut:
        if found and found[-1].stop == one.start:
            found[-1] = slice(found[-1].start, one.stop)
        elif one.start < one.stop:
            found.append(one)
    return found


class Equations:
    """Forward and backward of a network between two vectors, in a workspace."""

    def __init__(
        self,
        network: Network,
        parameters: Parameters,
        gradient: Parameters,
        ws: Workspace,
        shards: int = 1,
        team: Team = SERIAL,
        report: Report | None = None,
    ) -> None:
        self.network, self.parameters, self.gradient, self.ws = network, parameters, gradient, ws
        self.shards, self.team = shards, team
        L = len(network.layers)
        self.forward = [self._shared(self._forward(l)) for l in range(1, L + 1)]
        self.head = network.backward_of_head(parameters, gradient, ws)
        of_layers = [network.gradient_of(L, gradient, ws)]
        of_layers += [self._shared(self._backward(l)) for l in range(L - 1, 0, -1)]
        self.backward = of_layers if report is None else _reporting(of_layers, report)

    def compute(self, scale: Any) -> None:
        """Fill the gradient of ``scale`` · Σ of the terms."""
        for step in self.forward:
            step()
        self.head(scale)
        for step in self.backward:
            step()

    def _forward(self, l: int) -> list[Step]:
        return [self.network.forward_of(l, self.parameters, self.ws, units) for units in self._bands(l)]

    def _backward(self, l: int) -> list[Step]:
        network, of = self.network, (self.parameters, self.gradient, self.ws)
        return [
            _both(network.backward_of(l, *of, units), network.gradient_of(l, *of[1:], units))
            for units in self._bands(l)
        ]

    def _bands(self, l: int) -> list[slice] | list[None]:
        found = bands_of(self.network, l, self.ws.m, self.shards)
        return found if len(found) > 1 else [None]

    def _shared(self, steps: list[Step]) -> Step:
        """Steps of bands as one step, which the team takes."""
        team = self.team
        return steps[0] if len(steps) == 1 else lambda: team.run(len(steps), lambda number, _: steps[number]())


def _reporting(of_layers: list[Step], report: Report) -> list[Step]:
    """The steps of layers L … 1, each of which is reported once it is done."""
    L = len(of_layers)
    reports: list[Step] = [partial(report.__setitem__, l, 1) for l in range(L, 0, -1)]
    return [step for pair in zip(of_layers, reports, strict=True) for step in pair]


def _both(first: Step, second: Step) -> Step:
    """Two steps of one band, one after the other."""

    def both() -> None:
        first()
        second()

    return both
