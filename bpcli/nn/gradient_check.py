"""Is backward the derivative of forward? Two independent ways to ask.

``complex_step``: Im f(θ + ih)/h with h = 1e-30 (Squire & Trapp 1998). There is
no subtraction, hence no cancellation, and the error of the truncation, O(h²),
lies far below the last bit: exact to rounding.

``central``: (f(θ + h) − f(θ − h)) / 2h, the cross-check that trusts nothing
but real arithmetic. Truncation shrinks with h², round-off grows with 1/h.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from bpcli.nn import Array
from bpcli.nn.network import Network
from bpcli.nn.parameters import Parameters
from bpcli.nn.transformations import Transformation, transform
from bpcli.nn.workspace import Workspace

COMPLEX_STEP = 1e-30
"""h² = 1e-60 lies far below the last bit of any f, so truncation vanishes."""

CENTRAL_STEP = 1e-5
"""About ε^(1/3) for float64, where truncation h² and round-off ε/h balance."""

LAST_BIT = float(np.finfo(np.float64).eps)

FINER = float(np.finfo(np.longdouble).eps) / LAST_BIT
"""By so much extended precision rounds less than float64; 1 where a platform has none."""

NUDGES = 8
"""How often rounding is tried; in so many trials none of them moves a gradient by luck too little to notice."""

ROUNDINGS = 10
"""So many times the largest move seen is let pass: a sum rounds at each of its terms, a nudge is one rounding."""

Objective = Callable[[Array], complex]
"""θ ↦ L, for real or complex θ."""

Side = tuple[int, int, int]
"""A unit at an example: layer, unit, column of the batch."""


class Probe:
    """L as a function of θ on a fixed batch, and on which side of its kinks every unit then is.

    ``X`` (n_0, m), ``Y``, as the loss wants it, ``weights`` (m,) and ``noise``, by layer, are copied;
    ``penalties`` are the links of the gradient's chain that add to the loss.
    """

    def __init__(
        self,
        network: Network,
        X: Array,
        Y: Array,
        *,
        weights: Array | None = None,
        noise: Sequence[Array | None] = (),
        penalties: Sequence[Transformation] = (),
    ) -> None:
        self.network, self.X, self.Y, self.penalties = network, X.copy(), Y.copy(), tuple(penalties)
        self.weights = None if weights is None else weights.copy()
        self.noise = [None if drawn is None else drawn.copy() for drawn in noise]
        self._workspaces: dict[np.dtype[Any], Workspace] = {}

    @property
    def weight(self) -> Any:
        """m, or Σ of the examples' weights."""
        return self.X.shape[1] if self.weights is None else self.weights.sum()

    def __call__(self, theta: Array) -> complex:
        """L(θ)."""
        ws = self.workspace(theta.dtype)
        parameters = self.network.parameters(theta)
        with np.errstate(over="ignore", under="ignore"):
            self.network.forward(parameters, ws)
            data = complex(np.add.reduce(self.network.terms(ws)) * self.network.scale(self.weight))
            return data + complex(self._penalise(parameters, self.network.parameters(np.zeros_like(theta))))

    def gradient(self, theta: Array) -> Array:
        """∂L/∂θ by backward, (P,); NaN where backward writes nothing."""
        ws, parameters = self.workspace(theta.dtype), self.network.parameters(theta)
        gradient = self.network.parameters(np.full_like(theta, np.nan))
        with np.errstate(over="ignore", under="ignore"):
            self.network.forward(parameters, ws)
            self.backward(parameters, gradient, ws)
        return gradient.theta

    def backward(self, parameters: Parameters, gradient: Parameters, ws: Workspace) -> None:
        """∂L/∂θ into ``gradient``, after forward."""
        self.network.backward(parameters, gradient, ws, self.network.scale(self.weight))
        self._penalise(parameters, gradient)

    def _penalise(self, parameters: Parameters, gradient: Parameters) -> Any:
        """Add the penalties' gradients; return their values."""
        if not self.penalties:
            return 0.0
        scratch = self.network.parameters(np.empty_like(parameters.theta))
        return transform(self.penalties, parameters, gradient, scratch, self.weight)

    @property
    def kinked(self) -> bool:
        """Whether any unit, or the loss, has a kink."""
        activations = self.network.activations
        return self.network.head.loss.sides is not None or any(activation.kinks for activation in activations)

    def sides(self, dtype: np.dtype[Any]) -> list[Array]:
        """For each kink of each layer, and last of the loss: on which side of it every unit is at the last θ."""
        ws = self.workspace(dtype)
        layers = enumerate(self.network.activations, start=1)
        found = [ws.Z[l].real > kink for l, activation in layers for kink in activation.kinks]
        of_loss = self.network.head.loss.sides
        return found if of_loss is None else [*found, of_loss(ws.A[-1], self.Y)]

    def changed(self, before: list[Array], after: list[Array]) -> list[Side]:
        """The units that are on another side of a kink in ``after`` than in ``before``."""
        layers = [l for l, activation in enumerate(self.network.activations, start=1) for _ in activation.kinks]
        layers += [len(self.network.layers)] * (len(before) - len(layers))  # the loss's own
        return [
            (l, int(unit), int(column))
            for l, one, other in zip(layers, before, after, strict=True)
            for unit, column in np.argwhere(one != other)
        ]

    def steps(self, theta: Array, h: float) -> Array:
        """The step for each entry of θ, (P,): h for b, h / max(1, max |A_{l-1}[j, ·]|) for W_l[i, j].

        So no step moves a Z by more than h, whatever the size of the features.
        """
        self(theta)
        ws = self.workspace(theta.dtype)
        steps = self.network.parameters(np.full(theta.size, h))
        for l in range(1, len(self.network.sizes)):
            steps.W[l][...] = h / np.maximum(1, np.abs(ws.A[l - 1]).max(axis=1))
        return steps.theta

    def workspace(self, dtype: np.dtype[Any]) -> Workspace:
        """The arrays in one precision, filled with the batch."""
        if dtype not in self._workspaces:
            ws = self.network.workspace(self.X.shape[1], dtype, weighted=self.weights is not None)
            ws.X[...] = self.X
            ws.Y[...] = self.Y
            for own, given in ((ws.weights, self.weights), *zip(ws.noise, self.noise, strict=False)):
                if own is not None and given is not None:
                    own[...] = given
            self._workspaces[dtype] = ws
        return self._workspaces[dtype]


def objective(network: Network, X: Array, Y: Array) -> Probe:
    """L as a function of θ on fixed examples: X (n_0, m), Y as the loss wants it."""
    return Probe(network, X, Y)


def analytic(network: Network, theta: Array, X: Array, Y: Array) -> Array:
    """∂L/∂θ by backward, (P,); NaN where backward writes nothing."""
    return Probe(network, X, Y).gradient(theta)


def complex_step(loss: Objective, theta: Array, places: Iterable[int], h: float = COMPLEX_STEP) -> Array:
    """∂L/∂θ_i for i in ``places``, each from one evaluation at θ + ih e_i, in double precision or θ's if finer."""
    point = theta.astype(np.result_type(theta, np.complex128))
    slopes = []
    for i in places:
        point[i] = complex(theta[i], h)
        slopes.append(loss(point).imag / h)
        point[i] = theta[i]
    return np.array(slopes)


def central(loss: Objective, theta: Array, places: Iterable[int], h: float | Array = CENTRAL_STEP) -> Array:
    """∂L/∂θ_i for i in ``places``, each from two evaluations at θ ± h e_i; ``h`` may differ by i.

    NaN where θ_i is so large that h does not change it.
    """
    point = theta.astype(np.float64)
    steps = np.broadcast_to(h, point.shape)
    slopes = []
    for i in places:
        here = point[i]
        above, below = here + steps[i], here - steps[i]
        point[i] = above
        high = loss(point).real
        point[i] = below
        low = loss(point).real
        slopes.append((high - low) / (above - below) if above > below else np.nan)
        point[i] = here
    return np.array(slopes)


def crossings(probe: Probe, theta: Array, i: int, h: float = CENTRAL_STEP) -> list[Side]:
    """The units that change sides of a kink while θ_i goes from θ_i − h to θ_i + h.

    There L has no derivative in between, and a central difference says nothing.
    """
    if not probe.kinked:
        return []
    point = theta.astype(np.float64)
    point[i] = theta[i] - h
    probe(point)
    below = probe.sides(point.dtype)
    point[i] = theta[i] + h
    probe(point)
    return probe.changed(below, probe.sides(point.dtype))


def rounding(probe: Probe, theta: Array, rng: np.random.Generator) -> Array:
    """How far the last bits of float64 may turn each ∂L/∂θ_i, (P,).

    Where terms cancel, as in a(1 − a), 1 − a² and da − ⟨da, a⟩ of saturated units
    and in A − Y after training, few digits of backward are right. So backward is
    run in extended precision, and in float64 with every entry of θ, Z and A moved by
    its last bit, up or down, so that all that follows is rounded another way; how far
    the two lie apart is what rounding does. Where a platform has no extended
    precision, float64 stands for it.

    A wrong formula strays as little as a right one, so it finds no excuse here, and
    neither does a backward that gives two answers at the same θ: it gets zeros.
    """
    network, ws = probe.network, probe.workspace(np.dtype(np.float64))
    gradient = network.parameters(np.full_like(theta, np.nan))

    def backward(by: float) -> Array:
        parameters = network.parameters(_nudged(theta, by, rng))
        network.forward(parameters, ws)
        for array in (*ws.Z[1:], *ws.A[1:]):
            array[...] = _nudged(array, by, rng)
        probe.backward(parameters, gradient, ws)
        return gradient.theta.copy()

    with np.errstate(all="ignore"):
        here, again = backward(0), backward(0)
        if not np.array_equal(here, again, equal_nan=True):
            return np.zeros_like(theta)
        exact = probe.gradient(theta.astype(np.longdouble))
        strayed = [np.abs(backward(LAST_BIT) - exact) for _ in range(NUDGES)]
        return np.asarray(ROUNDINGS * np.max(strayed, axis=0), np.float64)


def loss_rounding(probe: Probe, theta: Array, rng: np.random.Generator) -> float:
    """How far the last bits of float64 may turn L itself, measured likewise; 0 where L is not finite."""
    exact = probe(theta.astype(np.longdouble)).real
    strayed = max(abs(probe(_nudged(theta, LAST_BIT, rng)).real - exact) for _ in range(NUDGES))
    return ROUNDINGS * strayed if np.isfinite(strayed) else 0.0


def _nudged(array: Array, by: float, rng: np.random.Generator) -> Array:
    """Every entry larger or smaller by a part of itself, the sign drawn for each."""
    return np.asarray(array * (1 + by * rng.choice((-1.0, 1.0), array.shape)))
