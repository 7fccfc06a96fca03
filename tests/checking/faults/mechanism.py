"""What a fault is, how it is put into the engine's steps, and in which layers and batches it shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np
import pytest

from bpcli.nn import Array, heads
from bpcli.nn.activations import Activation
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.workspace import Workspace
from bpcli.training.shards.equations import Equations
from tests.checking.support import Subject, loss, subject


class Mistake(Protocol):
    """Something that the engine does wrong."""

    def put_into(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put it into the engine for one test."""
        ...


@dataclass(frozen=True)
class Replaced:
    """One of the engine's functions, of a class or a module, replaced by another."""

    owner: Any
    method: str
    by: Callable[..., Any]

    def put_into(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(self.owner, self.method, self.by)


@dataclass(frozen=True)
class PerUse:
    """A mistake that remembers earlier batches, so each use makes a new one."""

    made: Callable[[], Mistake]

    def put_into(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made().put_into(monkeypatch)


@dataclass(frozen=True)
class Pass:
    """What one step of backward has at hand."""

    network: Network
    parameters: Parameters
    gradient: Parameters
    ws: Workspace
    scale: float

    @property
    def last(self) -> int:
        return len(self.network.sizes) - 1


Piece = Callable[[Pass, int], None]
"""Of backward, at layer l."""


def scale(at: Pass) -> float:
    return at.scale


def output(at: Pass, scale: float) -> None:
    """dZ of layer L."""
    ws, l = at.ws, at.last
    given = ws.Z[l], ws.A[l], at.parameters.own[l], ws.Y, ws.weights, scale
    heads.backward(at.network.head, *given, ws.dA[l], ws.dZ[l], at.gradient.own[l], ws.output)


def weights(at: Pass, l: int) -> None:
    np.dot(at.ws.dZ[l], at.ws.A[l - 1].T, out=at.gradient.W[l])


def biases(at: Pass, l: int) -> None:
    np.dot(at.ws.dZ[l], at.ws.ones, out=at.gradient.b[l])


def below(at: Pass, l: int) -> None:
    """dA of layer l − 1."""
    np.dot(at.parameters.W[l].T, at.ws.dZ[l], out=at.ws.dA[l - 1])


def through(at: Pass, l: int) -> None:
    """dZ of hidden layer l."""
    through_at(at, l, at.network.activations[l - 1], l)


def through_at(at: Pass, l: int, activation: Activation, k: int) -> None:
    """dZ of hidden layer l by an activation at layer k's Z and A."""
    ws = at.ws
    given = ws.dA[l], ws.Z[k], ws.A[k], at.parameters.own[l]
    activation.backward(*given, ws.dZ[l], at.gradient.own[l], ws.scratch[l])


def ending(at: Pass) -> None:
    """After the last layer the gradient is complete."""


@dataclass(frozen=True)
class Pieces:
    """``Network.backward`` in pieces, so that one of them can be wrong."""

    scale: Callable[[Pass], float] = scale
    output: Callable[[Pass, float], None] = output
    weights: Piece = weights
    biases: Piece = biases
    below: Piece = below
    through: Piece = through
    ending: Callable[[Pass], None] = ending

    def backward(
        self, network: Network, parameters: Parameters, gradient: Parameters, ws: Workspace, scale: float
    ) -> None:
        at = Pass(network, parameters, gradient, ws, scale)
        self.output(at, self.scale(at))
        for l in range(at.last, 0, -1):
            self.weights(at, l)
            self.biases(at, l)
            if l > 1:
                self.below(at, l)
                self.through(at, l - 1)
        self.ending(at)

    def put_into(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def backward(
            network: Network, parameters: Parameters, gradient: Parameters, ws: Workspace, scale: float
        ) -> None:
            self.backward(network, parameters, gradient, ws, scale)

        def compute(equations: Equations, scale: float) -> None:
            equations.network.forward(equations.parameters, equations.ws)
            backward(equations.network, equations.parameters, equations.gradient, equations.ws, scale)

        monkeypatch.setattr(Network, "backward", backward)
        monkeypatch.setattr(Equations, "compute", compute)


def only_at(layer: int | None, wrong: Piece, right: Piece) -> Piece:
    """A piece that is wrong at one layer, or at all where none is named."""
    return lambda at, l: wrong(at, l) if layer in (None, l) else right(at, l)


def the_batch_before() -> Callable[[Array], Array]:
    """A memory that gives back the array it was handed the time before, cut to the present size."""
    kept: list[Array] = []

    def before(now: Array) -> Array:
        kept.append(now.copy())
        return kept[-2:][0][..., : now.shape[-1]]

    return before


@cache
def of(
    hidden: str = "tanh", output: str = "softmax", name: str = "cross_entropy", **reductions: Any
) -> Callable[[], Subject]:
    """Subjects with another activation, output or loss."""
    return lambda: subject(hidden=(hidden, hidden), output=output, of=loss(name, **reductions))


ORDINARY = of("tanh")

EXCHANGED = (3, "b")
"""Untouched where targets change places: Σ_j (a_j − y_j) is the same whichever y belongs to which a."""


@dataclass(frozen=True)
class Fault:
    """A mistake, where it is made and where it shows.

    ``layer`` is where the mistake is made: the first layer, counted from the output,
    whose dW or db it changes. ``kinds`` says which of the two; ``below`` whether the
    layers below are wrong as well, because the mistake travels on through dZ or is
    made in each. ``untouched`` is a layer's array that the mistake happens to leave
    right; ``batches`` says on which of the two batches it shows.
    """

    mistake: Mistake
    layer: int = 3
    kinds: str = "Wb"
    below: bool = True
    untouched: tuple[int, str] = (0, "")
    batches: tuple[str, ...] = ("full", "shorter")
    subject: Callable[[], Subject] = ORDINARY

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the engine make the mistake."""
        self.mistake.put_into(monkeypatch)
